"""Bodies that come compressed although they were asked for as they are: some proxies do that to all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any


def unpacked(response: Any) -> Any:
    """Return the byte stream of a response as it is inside: the caller gets it unpacked, too.

    It is unpacked by the HTTP library that the client uses, which knows brotli and Zstandard where their
    packages are installed. What that does not know stays as it came.

    Args:
        response: An httpx response that is not read yet. It no longer says that it is compressed.
    """
    said = response.headers.get("content-encoding", "")
    codings = [coding.strip().lower().removeprefix("x-") for coding in said.split(",")]
    if not said.strip():
        return response.stream
    kind = next(base for base in type(response).__mro__ if base.__name__ == "Response")
    library = kind.__module__.partition(".")[0]  # whichever httpx the client uses
    if not _known(library).issuperset(codings):
        return response.stream
    del response.headers["content-encoding"]
    packed = kind(200, headers={"content-encoding": ", ".join(codings)}, stream=response.stream)
    return _class(byte_stream(type(response.stream)))(response.stream, packed)


def byte_stream(kind: type) -> type:
    """Return httpx's class of byte streams, of whichever httpx the client uses; none is imported here."""
    return next(base for base in kind.__mro__ if base.__name__ in ("SyncByteStream", "AsyncByteStream"))


@lru_cache
def _known(library: str) -> frozenset[str]:
    """Return the codings that an HTTP library can unpack: those that its clients ask for by themselves."""
    httpx = import_module(library)
    with httpx.Client(transport=httpx.BaseTransport()) as client:  # with this one it opens nothing
        return frozenset(coding.strip() for coding in client.headers["accept-encoding"].split(","))


@lru_cache
def _class(base: type) -> Callable[[Any, Any], Any]:
    kind = _Unpacked if base.__name__ == "SyncByteStream" else _AsyncUnpacked
    return type("UnpackedByteStream", (kind, base), {})


class _Packed:
    def __init__(self, inside: Any, packed: Any) -> None:
        self._inside = inside
        self._packed = packed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)  # SDKs and httpx leave notes on a response's stream


class _Unpacked(_Packed):
    def __iter__(self) -> Iterator[bytes]:
        yield from self._packed.iter_bytes()

    def close(self) -> None:
        self._packed.close()


class _AsyncUnpacked(_Packed):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._packed.aiter_bytes():
            yield piece

    async def aclose(self) -> None:
        await self._packed.aclose()
