"""A thread's turns with its model. Each function is a method of :class:`~memex.Thread`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from memex._backend import AnyTool, Event
from memex._content import Content, to_messages
from memex._message import Message

if TYPE_CHECKING:
    from memex._reply import Reply
    from memex._thread import Thread

ROUNDS: Final = 8


def send(  # noqa: D417 - self is the thread
    self: Thread,
    content: Content,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> Reply:
    """Say something and return the answer; both are stored.

    What is said again word for word, while it has no whole answer, is the same turn: it is not stored
    a second time.

    Args:
        content: Text, a message, or several (tool results, say).
        tools: What the model may call: functions, which are run, and tools. A call of a tool without
            a function ends the turn; its result is sent like anything else that is said.
        rounds: How many times functions are run before the turn stops.
        output: What the answer has to be: a JSON schema, or a type such as a dataclass. Then
            ``reply.parsed`` is its value.
        **settings: The provider's own settings for each call of the model.

    Raises:
        BackendError: If the model failed; what was said is stored, and so is what came.
        TooManyRounds: If the model still calls functions after ``rounds``.
    """
    return _whole(_steps(self, to_messages(content), tools, rounds, output, settings, whole=True))


def stream(
    self: Thread,
    content: Content,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> Iterator[Event]:
    """Say something and yield the answer as it comes; it is stored once, at the end.

    Where functions are run, the events of the next answer follow those of the one before. Leaving
    the loop early stores what came as ``incomplete``. Takes what :meth:`send` takes.
    """
    yield from _steps(self, to_messages(content), tools, rounds, output, settings, whole=False)


def resume(  # noqa: D417 - self is the thread
    self: Thread,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> Reply:
    """Go on with the turn that has no whole answer, and return the answer.

    The user's message stands already. Calls that have no result are run; an answer that broke off stays
    in the log, but the model is not shown it beside the one that takes its place.

    Args:
        tools: As in :meth:`send`; the functions that were passed then.
        rounds: As in :meth:`send`.
        output: As in :meth:`send`.
        **settings: The provider's own settings for each call of the model.

    Raises:
        CannotResume: If no turn is unfinished, or it waits for results of tools without a function.
    """
    return _whole(_steps(self, None, tools, rounds, output, settings, whole=True))


def resume_stream(
    self: Thread,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> Iterator[Event]:
    """Do what :meth:`resume` does and yield the answer as it comes."""
    yield from _steps(self, None, tools, rounds, output, settings, whole=False)


def _steps(
    thread: Thread,
    said: Sequence[Message] | None,
    tools: Iterable[AnyTool],
    rounds: int,
    output: object,
    settings: dict[str, Any],
    *,
    whole: bool,
) -> Generator[Event, None, Reply]:
    from memex._driving import stream_turn
    from memex._turn import Turn

    turn = Turn(
        thread, thread.memex.backend, said, tools=tools, rounds=rounds, output=output, settings=settings
    )
    return (yield from stream_turn(turn, whole=whole))


def _whole(steps: Generator[Event, None, Reply]) -> Reply:
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        reply: Reply = stop.value
        return reply
