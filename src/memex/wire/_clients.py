"""The clients of an SDK: made when first needed, one for blocking calls and one for each event loop."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from memex.wire._sockets import watch_sockets

if TYPE_CHECKING:
    import asyncio

_B = TypeVar("_B")
_A = TypeVar("_A")


class Closes(Protocol):
    """What can be closed: an HTTP client."""

    def close(self) -> object:
        """Close it."""


class Clients(Generic[_B, _A]):
    """Keeps the clients of an SDK, and closes them. It may be used from several threads and event loops.

    Args:
        blocking: Makes a client for blocking calls. Returned beside it is the HTTP client under it, of
            httpx or httpx2: deadlines are watched at its sockets, and it is what is closed.
        on_a_loop: Makes a client for an event loop. Returned beside it is what closes it.
        of: Whose clients these are, for a person.
    """

    def __init__(
        self,
        blocking: Callable[[], tuple[_B, Closes]],
        on_a_loop: Callable[[], tuple[_A, Callable[[], Awaitable[object]]]],
        *,
        of: str,
    ) -> None:
        self._make_blocking = blocking
        self._make_on_a_loop = on_a_loop
        self._of = of
        self._lock = threading.Lock()
        self._blocking: tuple[_B, Closes] | None = None
        self._on_loops: weakref.WeakKeyDictionary[Any, tuple[_A, Any]] = weakref.WeakKeyDictionary()

    def __repr__(self) -> str:
        """Name whose they are."""
        return f"<Clients of {self._of}>"

    def blocking(self) -> _B:
        """Return the client for blocking calls; it may be used from several threads."""
        with self._lock:
            if self._blocking is None:
                client, line = self._make_blocking()
                watch_sockets(line)  # so that a deadline can end a read that waits
                weakref.finalize(self, line.close)  # for programs that do not close
                self._blocking = client, line
            return self._blocking[0]

    async def on_this_loop(self) -> _A:
        """Return the client of the running event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        if (found := self._on_loops.get(loop)) is not None:
            return found[0]
        client, close = self._make_on_a_loop()
        # Connections cannot outlive their loop, and nothing tells that it ends but this: it closes the
        # generators that are still open then.
        keeper = _until_closed(close, lambda: closing.detach())  # noqa: PLW0108 - it does not exist yet
        # A finalizer is never garbage itself. Without it the garbage collector would end the connections of
        # clients that are dropped while their loop runs, in any order, and warn of each.
        closing = weakref.finalize(self, _close_on, weakref.ref(loop), keeper)
        closing.atexit = False
        with self._lock:
            self._on_loops[loop] = client, closing
        await anext(keeper)
        return client

    def close(self) -> None:
        """Close the clients; one of an event loop when that comes to it. A later call makes a new one."""
        with self._lock:
            found, self._blocking = self._blocking, None
            on_loops = [closing for _, closing in self._on_loops.values()]
            self._on_loops.clear()
        if found is not None:
            found[1].close()
        for closing in on_loops:
            closing()


async def _until_closed(
    close: Callable[[], Awaitable[object]], closed: Callable[[], object]
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        closed()
        with suppress(Exception):  # a stranger's close, and nobody waits for it
            await close()


_closing: set[asyncio.Task[None]] = set()  # a loop itself does not keep its tasks from the garbage collector


def _close_on(loop_ref: Callable[[], asyncio.AbstractEventLoop | None], keeper: Any) -> None:
    """Have a client closed by its loop, from any thread."""
    loop = loop_ref()
    if loop is not None:
        with suppress(RuntimeError):  # it has ended meanwhile, and closed the client then
            loop.call_soon_threadsafe(_close_now, loop, keeper)


def _close_now(loop: asyncio.AbstractEventLoop, keeper: Any) -> None:
    task = loop.create_task(keeper.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)
