"""The SDK's clients: one to each call that runs, kept for the next."""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from memex import BackendError

if TYPE_CHECKING:
    import asyncio

    import httpx2
    import openai

_MOST_IDLE: Final = 4
_CONNECTED: Final = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Line:
    """A client that one call at a time uses, and its connection.

    A blocking read can be ended by another thread only at the socket. So a client is never shared
    while a call runs: cutting its connection hurts nobody else.

    Args:
        make: Makes the client; it is given the hooks for its HTTP client.
    """

    def __init__(self, make: Callable[[dict[str, Any]], openai.OpenAI]) -> None:
        self._sockets: list[weakref.ref[socket.socket]] = []
        self.busy = False
        self.was_cut = False
        self.client = make({"request": [self._watch]})

    def cut(self) -> None:
        """End the call that runs, from any thread; does nothing when none does."""
        if not self.busy:
            return
        self.was_cut = True
        for kept in self._sockets:
            sock = kept()
            if sock is not None:
                try:
                    # Of the plain socket: TLS would first wait for a goodbye from the other side.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
                except OSError:
                    continue

    def _watch(self, request: httpx2.Request) -> None:
        request.extensions["trace"] = self._note

    def _note(self, name: str, info: dict[str, Any]) -> None:
        if name in _CONNECTED:
            sock = info["return_value"].get_extra_info("socket")
            if sock is not None:
                self._sockets = [kept for kept in self._sockets if kept() is not None]
                self._sockets.append(weakref.ref(sock))
            if self.was_cut:
                raise ConnectionAbortedError("the call was ended while it connected")


class Clients:
    """All clients of one backend. Made when they are needed.

    Args:
        make: Makes a blocking client, given the hooks for its HTTP client.
        amake: Makes one for asyncio.
    """

    def __init__(
        self,
        make: Callable[[dict[str, Any]], openai.OpenAI],
        amake: Callable[[], openai.AsyncOpenAI],
    ) -> None:
        self._make = make
        self._amake = amake
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._closed = False
        self._on_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[Any, None]]
        self._on_loops = weakref.WeakKeyDictionary()
        self._clients_on_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]
        self._clients_on_loops = weakref.WeakKeyDictionary()
        weakref.finalize(self, _close_all, self._idle)  # a backend may be dropped without being closed

    @contextmanager
    def line(self) -> Iterator[Line]:
        """Lend a client for one call."""
        with self._lock:
            self._check()
            line = self._idle.pop() if self._idle else None
        line = line or Line(self._make)
        line.busy = True
        try:
            yield line
        finally:
            line.busy = False
            with self._lock:
                keep = not (line.was_cut or self._closed) and len(self._idle) < _MOST_IDLE
                if keep:
                    self._idle.append(line)
            if not keep:
                line.client.close()

    async def on_this_loop(self) -> openai.AsyncOpenAI:
        """Return the client of the running event loop; it is closed when the loop ends."""
        import asyncio

        with self._lock:
            self._check()
        loop = asyncio.get_running_loop()
        client = self._clients_on_loops.get(loop)
        if client is None:
            client = self._amake()
            # An event loop closes the generators that are still open when it ends. This one holds the
            # client: connections cannot outlive their loop, and nothing else tells that it ends.
            holder = _held(client)
            await anext(holder)
            self._clients_on_loops[loop], self._on_loops[loop] = client, holder
        return client

    def close(self) -> None:
        """Close what is idle; what is in use is closed when its call ends."""
        with self._lock:
            self._closed = True
        _close_all(self._idle)
        for loop, holder in list(self._on_loops.items()):
            if loop.is_running():
                loop.call_soon_threadsafe(_close_soon, loop, holder)
        self._on_loops.clear()
        self._clients_on_loops.clear()

    def _check(self) -> None:
        if self._closed:
            raise BackendError("openai: the backend is closed; open a new Memex to go on")


def _close_all(idle: list[Line]) -> None:
    while idle:
        idle.pop().client.close()


async def _held(client: openai.AsyncOpenAI) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.close()


def _close_soon(loop: asyncio.AbstractEventLoop, holder: AsyncGenerator[None, None]) -> None:
    task = loop.create_task(holder.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


_closing: Final[set[Any]] = set()
