"""Lets a deadline end a blocking read on the socket itself.

Closing a response from another thread does not wake a thread that waits in ``recv``, and while headers
come byte by byte there is no response yet. Shutting the socket down wakes it at once. So the streams of
an httpx or httpx2 client are wrapped; each read tells the try that is running which socket it is on.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from memex.wire._attempt import Attempt
from memex.wire._caller import current_attempt


def watch_sockets(client: object) -> bool:
    """Make the deadlines of a blocking httpx or httpx2 client hold at the socket.

    Call it once for a new client, before its first request. A client of an asyncio program needs
    none of this.

    Args:
        client: The HTTP client (that of an SDK is often ``sdk._client``).

    Returns:
        Whether all its transports could be watched. With one of another kind the deadlines still
        hold between two packets, and where an attempt registers what closes its response.
    """
    transports = [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
    done = [_watch(transport) for transport in transports if transport is not None]
    return bool(done) and all(done)


def _watch(transport: object) -> bool:
    # There is no public way to a transport's network backend. Where the attribute is gone, so is this
    # precaution, and the caller is told; nothing breaks.
    pool = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if backend is None or not hasattr(backend, "connect_tcp"):
        return False
    if not isinstance(backend, _WatchedBackend):
        pool._network_backend = _WatchedBackend(backend)  # type: ignore[union-attr]  # noqa: SLF001
    return True


class _Wrapped:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _WatchedBackend(_Wrapped):
    """A network backend of httpcore whose streams are watched."""

    def connect_tcp(self, *args: Any, **kwargs: Any) -> _WatchedStream:
        return _WatchedStream(self._inner.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> _WatchedStream:
        return _WatchedStream(self._inner.connect_unix_socket(*args, **kwargs))


class _WatchedStream(_Wrapped):
    """A network stream of httpcore that tells the running try about its socket."""

    _attempt: Attempt | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._tell()
        if self._attempt is not None and (remaining := self._attempt.remaining) is not None:
            timeout = remaining.within(timeout)
        data: bytes = self._inner.read(max_bytes, timeout)
        return data

    def write(self, *args: Any, **kwargs: Any) -> None:
        self._tell()
        self._inner.write(*args, **kwargs)

    def start_tls(self, *args: Any, **kwargs: Any) -> _WatchedStream:
        return _WatchedStream(self._inner.start_tls(*args, **kwargs))

    def _tell(self) -> None:
        attempt = current_attempt()
        if attempt is not self._attempt:
            self._attempt = attempt
            if attempt is not None:
                attempt.aborts(_shutting(self._inner.get_extra_info("socket")))


def _shutting(connection: Any) -> Callable[[], None]:
    def shut() -> None:
        # Not the method of an SSLSocket: that one would let the reader go on without encryption.
        with contextlib.suppress(OSError, TypeError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    return shut
