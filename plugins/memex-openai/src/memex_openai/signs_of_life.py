"""Bytes of a stream as signs of life: comments, by which servers say that they still think, make no chunk.

And the bytes after the last event: the SDK's blocking stream closes the connection on them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx2

from memex.wire import Attempt

_LAST: Final = b"[DONE]"
_TAIL: Final = 32


class _Heard(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, attempt: Attempt) -> None:
        self._inner = inner
        self._attempt = attempt
        self._pieces: Iterator[bytes] = iter(())
        self._tail = b""

    def __iter__(self) -> Iterator[bytes]:
        self._pieces = iter(self._inner)
        for data in self._pieces:
            self._attempt.alive()
            self._tail = (self._tail + data)[-_TAIL:]
            yield data

    def close(self) -> None:
        if _LAST in self._tail:
            self._attempt.read_rest(self._pieces)
        self._inner.close()


class _HeardOnLoop(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, attempt: Attempt) -> None:
        self._inner = inner
        self._attempt = attempt

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._inner:
            self._attempt.alive()
            yield data

    async def aclose(self) -> None:
        await self._inner.aclose()


def hear(response: httpx2.Response, attempt: Attempt) -> None:
    """Let everything that comes of a response count as a sign of life, before any of it was read."""
    stream = response.stream
    if isinstance(stream, httpx2.SyncByteStream):
        response.stream = _Heard(stream, attempt)
    elif isinstance(stream, httpx2.AsyncByteStream):
        response.stream = _HeardOnLoop(stream, attempt)
