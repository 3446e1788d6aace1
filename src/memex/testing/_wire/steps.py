"""What a scripted server does with a connection, step by step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import msgspec


class Send(msgspec.Struct, frozen=True):
    """Bytes, at once."""

    data: bytes


class Dribble(msgspec.Struct, frozen=True):
    """Bytes, one by one, with a pause after each: alive, and far too slow."""

    data: bytes
    every: float = 0.02


class Pause(msgspec.Struct, frozen=True):
    """Nothing for a while."""

    seconds: float


class Stall(msgspec.Struct, frozen=True):
    """Nothing more, ever; the connection stays open until the client closes it."""


class Reset(msgspec.Struct, frozen=True):
    """The connection is reset (TCP RST)."""


class Close(msgspec.Struct, frozen=True):
    """The connection is closed politely, whatever has been promised."""


Step = Send | Dribble | Pause | Stall | Reset | Close
Behaviour = Sequence[Step]
Body = bytes | str | Mapping[str, Any] | Sequence[Any]
Piece = bytes | str | Mapping[str, Any] | tuple[str, Mapping[str, Any]]
"""Of a stream: data as JSON, ``(event, data)``, the text of a ``data:`` line, or raw bytes."""
Chunk = Piece | Pause


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return the beginning of a response."""
    reason = next((known.phrase for known in HTTPStatus if known == status), "Unknown")
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def piece_bytes(piece: Piece) -> bytes:
    """Return the bytes of a piece, with the empty line that ends it."""
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, str):
        return f"data: {piece}\n\n".encode()
    if isinstance(piece, tuple):
        return f"event: {piece[0]}\n".encode() + b"data: " + _json(piece[1]) + b"\n\n"
    return b"data: " + _json(piece) + b"\n\n"


def answer(body: Body = b"", *, status: int = 200, headers: Mapping[str, str] | None = None) -> list[Step]:
    """Answer whole: a body as JSON, text or bytes. An error is one of another status, or of 200."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else _json(body)
    given = {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})}
    return [Send(head(status, given) + data)]


def sse(
    *chunks: Chunk,
    end: Literal["whole", "close", "reset", "stall"] = "whole",
    framing: Literal["chunked", "close"] = "chunked",
    pause: float = 0.0,
    headers: Mapping[str, str] | None = None,
) -> list[Step]:
    """Answer with a stream of server-sent events.

    Args:
        *chunks: What is sent, in order.
        end: How it ends: as it should, or by a connection that is closed, reset or silent. With
            ``framing="close"`` an end by closing cannot be told from a whole one: the stream is
            truncated without anybody noticing at the level of HTTP.
        framing: Whether the end of the body is marked by a chunk of length 0, or by closing.
        pause: Seconds before each chunk.
        headers: Further headers.
    """
    framed = {"transfer-encoding": "chunked"} if framing == "chunked" else {"connection": "close"}
    given = {"content-type": "text/event-stream", **framed, **(headers or {})}
    steps: list[Step] = [Send(head(200, given))]
    for chunk in chunks:
        if isinstance(chunk, Pause):
            steps.append(chunk)
            continue
        data = piece_bytes(chunk)
        steps += [Pause(pause)] if pause else []
        steps.append(Send(b"%x\r\n%b\r\n" % (len(data), data) if framing == "chunked" else data))
    if end == "whole":
        steps.append(Send(b"0\r\n\r\n") if framing == "chunked" else Close())
        return steps
    ends: dict[str, Step] = {"close": Close(), "reset": Reset(), "stall": Stall()}
    return [*steps, ends[end]]


def slowly(behaviour: Behaviour, *, every: float = 0.02, headers_only: bool = True) -> list[Step]:
    """Return the behaviour byte by byte: its headers only, or all that it sends."""
    steps: list[Step] = []
    for number, step in enumerate(behaviour):
        if not isinstance(step, Send) or (headers_only and number > 0):
            steps.append(step)
            continue
        first, mark, rest = step.data.partition(b"\r\n\r\n") if headers_only else (step.data, b"", b"")
        steps.append(Dribble(first + mark, every))
        steps += [Send(rest)] if rest else []
    return steps


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
