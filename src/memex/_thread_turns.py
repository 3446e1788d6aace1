"""A thread's turns with its model. Each function is a method of :class:`~memex.Thread`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from memex._backend import AnyTool, Event
from memex._content import Content, to_messages

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
    **settings: Any,
) -> Reply:
    """Say something and return the answer; both are stored.

    Args:
        content: Text, a message, or several (tool results, say).
        tools: What the model may call: functions, which are run, and tools. A call of a tool without
            a function ends the turn; its result is sent like anything else that is said.
        rounds: How many times functions are run before the turn stops.
        **settings: The provider's own settings for each call of the model.

    Raises:
        BackendError: If the model failed; what was said is stored, and so is what came.
        TooManyRounds: If the model still calls functions after ``rounds``.
    """
    from memex._turn import Turn

    backend = self.memex.backend
    turn = Turn(self, backend, to_messages(content), tools=tools, rounds=rounds, settings=settings)
    return _to_the_end(turn)


def stream(
    self: Thread,
    content: Content,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    **settings: Any,
) -> Iterator[Event]:
    """Say something and yield the answer as it comes; it is stored once, at the end.

    Where functions are run, the events of the next answer follow those of the one before. Leaving
    the loop early stores what came as ``incomplete``. Takes what :meth:`send` takes.
    """
    from memex._driving import stream_turn
    from memex._turn import Turn

    backend = self.memex.backend
    turn = Turn(self, backend, to_messages(content), tools=tools, rounds=rounds, settings=settings)
    yield from stream_turn(turn, whole=False)


def _to_the_end(turn: Any) -> Reply:
    from memex._driving import stream_turn

    steps: Generator[Event, None, Reply] = stream_turn(turn, whole=True)
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        reply: Reply = stop.value
        return reply
