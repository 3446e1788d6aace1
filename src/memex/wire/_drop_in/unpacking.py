"""Bodies that come compressed although they were asked for as they are: some proxies do that to all."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, Protocol

from memex.wire._drop_in.call import RememberedCall

_KNOWN: Final = ("gzip", "x-gzip", "deflate")
_EITHER: Final = zlib.MAX_WBITS | 32  # gzip or zlib, by the first bytes
_BARE: Final = -zlib.MAX_WBITS  # what some servers call "deflate"


class Body(Protocol):
    """Takes the bytes of a body as they pass."""

    @property
    def call(self) -> RememberedCall:
        """What hears it."""

    def take(self, piece: bytes) -> Iterator[bytes]:
        """Yield bytes for the caller, each once it is heard."""

    def left(self) -> bytes:
        """Return what was held back, now that the body has ended."""

    def end(self) -> None:
        """Nothing more comes."""


def unpacked(response: Any, body: Body) -> Body:
    """Return what takes the bytes of a response for a body: the caller gets them unpacked, too.

    Args:
        response: An httpx response that is not read yet. It no longer says that it is compressed.
        body: What takes the bytes that are inside.
    """
    if response.headers.get("content-encoding", "").strip().lower() not in _KNOWN:
        return body
    del response.headers["content-encoding"]
    kind = next(base for base in type(response).__mro__ if base.__name__ == "Response")
    library = import_module(kind.__module__.partition(".")[0])  # whichever httpx the client uses
    return Unpacked(body, library.DecodingError)


class Unpacked:
    """Takes the bytes of a compressed body.

    Args:
        inside: What takes what is inside.
        broken: What the HTTP library raises for bytes that cannot be unpacked.
    """

    def __init__(self, inside: Body, broken: type[Exception]) -> None:
        self._inside = inside
        self._broken = broken
        self._packed = zlib.decompressobj(_EITHER)
        self._begun = False

    @property
    def call(self) -> RememberedCall:
        """What hears it."""
        return self._inside.call

    def take(self, piece: bytes) -> Iterator[bytes]:
        """Yield bytes for the caller, each once it is heard."""
        yield from self._inside.take(self._unpack(piece))

    def left(self) -> bytes:
        """Return what was held back, now that the body has ended."""
        return b"".join(self._inside.take(self._packed.flush())) + self._inside.left()

    def end(self) -> None:
        """Nothing more comes."""
        self._inside.end()

    def _unpack(self, piece: bytes) -> bytes:
        begun, self._begun = self._begun, True
        try:
            return self._packed.decompress(piece)
        except zlib.error as error:
            if begun:
                raise self._broken(str(error)) from error
        self._packed = zlib.decompressobj(_BARE)
        return self._unpack(piece)
