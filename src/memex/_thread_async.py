"""The asyncio twins of a thread's methods. Each is a method of :class:`~memex.Thread`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from memex._backend import AnyTool, Event
from memex._content import Content, to_messages
from memex._entry import Entry
from memex._message import Message
from memex._store import Hit, Receipt
from memex._thread_turns import ROUNDS

if TYPE_CHECKING:
    from memex._reply import Reply
    from memex._thread import Thread
    from memex._window import Window

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def asend(
    self: Thread,
    content: Content,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> Reply:
    """Do what :meth:`send` does without blocking the event loop."""
    return await _last(_steps(self, to_messages(content), tools, rounds, output, settings, whole=True))


async def astream(
    self: Thread,
    content: Content,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> AsyncIterator[Event]:
    """Do what :meth:`stream` does without blocking the event loop."""
    async with aclosing(
        _steps(self, to_messages(content), tools, rounds, output, settings, whole=False)
    ) as steps:
        async for step in steps:
            if isinstance(step, Event):
                yield step


async def aresume(
    self: Thread,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> Reply:
    """Do what :meth:`resume` does without blocking the event loop."""
    return await _last(_steps(self, None, tools, rounds, output, settings, whole=True))


async def aresume_stream(
    self: Thread,
    *,
    tools: Iterable[AnyTool] = (),
    rounds: int = ROUNDS,
    output: object = None,
    **settings: Any,
) -> AsyncIterator[Event]:
    """Do what :meth:`resume_stream` does without blocking the event loop."""
    async with aclosing(_steps(self, None, tools, rounds, output, settings, whole=False)) as steps:
        async for step in steps:
            if isinstance(step, Event):
                yield step


async def _last(steps: AsyncIterator[Event | Reply]) -> Reply:
    from memex._reply import Reply

    reply: Reply | None = None
    async for step in steps:
        reply = step if isinstance(step, Reply) else reply
    return cast("Reply", reply)  # a turn ends with a reply or raises


async def _steps(
    thread: Thread,
    said: Sequence[Message] | None,
    tools: Iterable[AnyTool],
    rounds: int,
    output: object,
    settings: dict[str, Any],
    *,
    whole: bool,
) -> AsyncGenerator[Event | Reply, None]:
    from memex._driving_async import astream_turn
    from memex._turn import Turn

    backend = await in_thread(lambda: thread.memex.backend)  # its first use may import an SDK
    turn = Turn(thread, backend, said, tools=tools, rounds=rounds, output=output, settings=settings)
    async with aclosing(astream_turn(turn, whole=whole)) as steps:
        async for step in steps:
            yield step


async def aappend(self: Thread, content: Content, *, expect: int | None = None) -> tuple[Entry, ...]:
    """Do what :meth:`append` does without blocking the event loop."""
    return await in_thread(self.append, content, expect=expect)


async def awindow(
    self: Thread, content: str | Message | None = None, *, tools: Iterable[AnyTool] = (), record: bool = True
) -> Window:
    """Do what :meth:`window` does without blocking the event loop."""
    return await in_thread(self.window, content, tools=tools, record=record)


async def amessages(self: Thread, *, reverse: bool = False) -> AsyncIterator[Message]:
    """Do what :meth:`messages` does without blocking the event loop, a page at a time."""
    from memex._driving_async import pages

    async for page in pages(self.messages(reverse=reverse)):
        for message in page:
            yield message


async def asearch(self: Thread, query: str, **filters: Any) -> list[Hit]:
    """Do what :meth:`search` does, with the same arguments, without blocking the event loop."""
    return await in_thread(self.search, query, **filters)


async def apin(self: Thread, message: str | int, *, pinned: bool = True) -> Entry:
    """Do what :meth:`pin` does without blocking the event loop."""
    return await in_thread(self.pin, message, pinned=pinned)


async def afork(self: Thread, name: str | None = None, *, at: str | int | None = None) -> Thread:
    """Do what :meth:`fork` does without blocking the event loop."""
    return await in_thread(self.fork, name, at=at)


async def aforget(self: Thread, messages: Sequence[str | int] | None = None) -> Receipt:
    """Do what :meth:`forget` does without blocking the event loop."""
    return await in_thread(self.forget, messages)


async def in_thread(call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Run a blocking call in a worker thread and await it."""
    import asyncio  # 50 ms that a blocking program does not pay

    return await asyncio.to_thread(call, *args, **kwargs)
