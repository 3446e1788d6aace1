"""Reads an answer as its bytes pass, without keeping them from the SDK that asked for them."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Protocol

from memex._errors import BackendError
from memex.wire._drop_in.call import RememberedCall
from memex.wire._drop_in.unpacking import byte_stream, unpacked
from memex.wire._sse import SseReader


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


def tap(response: Any, call: RememberedCall, *, stream: bool) -> None:
    """Let a call hear the body of a response that is not read yet.

    The body's byte stream is replaced by one that passes everything on. It is told when the body ends,
    breaks, or is closed before its end: whatever the SDK, or the caller, reads the response with.

    Args:
        response: An httpx response.
        call: What hears it.
        stream: Whether it is a stream of server-sent events; one JSON value otherwise.
    """
    body = Events(call) if stream else Whole(call)
    inside = unpacked(response)
    response.stream = _tap_class(byte_stream(type(inside)))(inside, body)


class Events:
    """Takes the bytes of server-sent events."""

    def __init__(self, call: RememberedCall) -> None:
        self.call = call
        self._reader = SseReader()
        self._shown = call.shown
        self._held: list[bytes] = []

    def take(self, piece: bytes) -> Iterator[bytes]:
        """Yield bytes again, an event at a time, each once it is heard.

        Whoever stops reading after an event has not heard the next one, also where both came at once.
        Where the caller does not see all, an event is held back until it is whole.
        """
        passed = 0
        if self._reader.is_half_an_end(piece):  # of the event before, which the caller is still to see
            passed = 1
            yield piece[:1]
        for data, end in self._reader.feed(piece):
            silent = data.startswith(b"[DONE]") or not data.strip()  # what the SDK makes of it, it will tell
            value = None if silent else hear(self.call, data)
            if seen := self._seen(piece[passed:end], value):
                yield seen
            passed = end
        if passed < len(piece):
            if self._shown is None:
                yield piece[passed:]
            else:
                self._held.append(piece[passed:])

    def left(self) -> bytes:
        """Return what was held back and is no whole event, now that the body has ended."""
        held = b"".join(self._held)
        self._held.clear()
        return held

    def end(self) -> None:
        """Nothing more comes."""
        self.call.end()

    def _seen(self, event: bytes, value: Any) -> bytes:
        if self._shown is None:
            return event
        event = self.left() + event
        return event if value is None else self._shown(event, value)


class Whole:
    """Takes the bytes of one JSON value."""

    def __init__(self, call: RememberedCall) -> None:
        self.call = call
        self._pieces: list[bytes] = []

    def take(self, piece: bytes) -> Iterator[bytes]:
        """Yield bytes again."""
        self._pieces.append(piece)
        yield piece

    def left(self) -> bytes:
        """Return nothing: nothing is held back."""
        return b""

    def end(self) -> None:
        """Nothing more comes."""
        hear(self.call, b"".join(self._pieces))
        self.call.end()


def hear(call: RememberedCall, data: bytes) -> Any:
    """Give a call the JSON value that some bytes are, and return it; None where they are none."""
    try:
        value = json.loads(data)  # as the SDKs do: it takes the NaN that some servers write
    except (ValueError, RecursionError) as error:
        call.fail(BackendError(f"the answer holds something that is not JSON: {error}"))
        return None
    call.feed(value)
    return value


@lru_cache
def _tap_class(base: type) -> Callable[[Any, Body], Any]:
    if base.__name__ == "SyncByteStream":
        return type("TappedByteStream", (_Tap, base), {})
    from memex.wire._drop_in.tap_async import AsyncTap  # loads asyncio

    return type("TappedAsyncByteStream", (AsyncTap, base), {})


class Passing:
    """What both taps are: the stream inside, and what hears it."""

    def __init__(self, inside: Any, body: Body) -> None:
        self._inside = inside
        self._body = body
        # A stream that is dropped unread and unclosed: the finalizer must not hold the tap itself.
        self._dropped = weakref.finalize(self, body.call.abandon)
        self._dropped.atexit = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)  # SDKs and httpx leave notes on a response's stream


class _Tap(Passing):
    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._inside:
                yield from self._body.take(piece)
            if left := self._body.left():
                yield left
        except Exception as error:
            self._body.call.fail(error)
            raise
        self._dropped.detach()
        self._body.end()

    def close(self) -> None:
        try:
            self._inside.close()
        finally:
            self._dropped.detach()
            self._body.end()
