"""Bytes of a stream as signs of life: comments, by which servers say that they still think, make no chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2

from memex.wire import Attempt


class _Heard(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, attempt: Attempt) -> None:
        self._inner = inner
        self._attempt = attempt

    def __iter__(self) -> Iterator[bytes]:
        for data in self._inner:
            self._attempt.alive()
            yield data

    def close(self) -> None:
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
