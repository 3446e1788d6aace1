"""The line: one JSON object that says how long it is and carries its own checksum.

``{"crc":"89abcdef","size":412,"seq":7,...,"role":"user","parts":[...],...}`` and a newline. ``crc`` is the
CRC-32 of what comes after it, ``size`` counts every byte of the line. JSON writes no control character
as it is, so a newline is always the end of a line, and a NUL is always a page that was never written.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from memex import Entry, InvalidMessage, Message, StoreDamaged, decode_message, encode_message
from memex_jsonl.files import read_at

VERSION: Final = 1
_START: Final = b'{"crc":"'
_SEALED_FROM: Final = 18
_CHUNK: Final = 1 << 20
_BODY: Final = b',"role":'


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line of a thread's file.

    Attributes:
        format: The version of the format.
        thread: The thread's id.
        log: A name that no other log ever had; forks refer to it.
        created: When the thread was opened, as text in ISO 8601.
        parent: Id of the thread that it was forked from.
        parent_log: That thread's ``log``.
        forked_at: The last message that it shares.
        plan_base: The plan number before its own first one.
        shared_plans: The last number of its parent's plans that it shares.
        rewritten: How many times the file was written anew.
        forgotten: Whether this is only what a forgotten thread leaves to its forks.
        left: How many messages were written together with it: without all of them there is no thread.
    """

    format: int = msgspec.field(name="memex-jsonl")
    thread: str
    log: str
    created: str
    parent: str | None = None
    parent_log: str | None = None
    forked_at: int = 0
    plan_base: int = 0
    shared_plans: int = 0
    rewritten: int = 0
    forgotten: bool = False
    left: int = 0


class Mark(msgspec.Struct, frozen=True):
    """What the index needs to know of a message's line."""

    seq: int
    id: str
    role: str
    left: int = 0
    status: str = "complete"


class _Own(msgspec.Struct, frozen=True):
    seq: int
    left: int = 0
    tokens: int = 0
    counter: str | None = None


_ENCODER = msgspec.json.Encoder()
_HEADERS = msgspec.json.Decoder(Header)
_MARKS = msgspec.json.Decoder(Mark)
_OWN = msgspec.json.Decoder(_Own)


def sealed(fields: bytes) -> bytes:
    """Return the line that holds ``fields``: a JSON object without its opening brace."""
    bare = len(fields) + 27
    size = bare + len(str(bare))
    size = bare + len(str(size))
    rest = b'"size":%d,%b' % (size, fields)
    return b'%b%08x",%b\n' % (_START, crc32(rest), rest)


def line_of(value: Any) -> bytes:
    """Return the line that holds an object with at least one field.

    Raises:
        InvalidMessage: If JSON cannot carry it.
    """
    try:
        return sealed(_ENCODER.encode(value)[1:])
    except (UnicodeEncodeError, TypeError, ValueError) as error:
        raise InvalidMessage(f"a value cannot be written as JSON: {error}") from error


def message_line(seq: int, left: int, tokens: int, counter: bytes, body: bytes) -> bytes:
    """Return the line of a message.

    Args:
        seq: Its place.
        left: How many lines of the same batch follow. A batch counts only when it is whole.
        tokens: What it costs.
        counter: Name of the counter, as JSON.
        body: The message, as :func:`memex.encode_message` gives it.
    """
    more = b'"left":%d,' % left if left else b""
    return sealed(b'"seq":%d,%b"tokens":%d,"counter":%b,%b' % (seq, more, tokens, counter, body[1:]))


def counter_json(counter: str | None) -> bytes:
    """Return the name of a counter as JSON.

    Raises:
        InvalidMessage: If it is no text.
    """
    try:
        return _ENCODER.encode(counter)
    except UnicodeEncodeError as error:
        raise InvalidMessage(f"the counter {counter!r} holds a lone surrogate") from error


def is_whole(line: bytes) -> bool:
    """Tell whether a line is what was written."""
    if not (line.startswith(_START) and line.endswith(b"}\n")):
        return False
    rest = line[_SEALED_FROM:-1]
    return line[8:_SEALED_FROM] == b'%08x",' % crc32(rest) and rest.startswith(b'"size":%d,' % len(line))


def looks_torn(line: bytes) -> bool:
    """Tell whether a line that is not whole may be a write that was cut short, by its looks."""
    return not line.endswith(b"\n") or b"\0" in line


def lines_of(fd: int, start: int, stop: int, chunk_size: int = _CHUNK) -> Iterator[tuple[int, bytes]]:
    """Yield ``(offset, line)`` between two offsets; the last may lack its newline."""
    kept: list[bytes] = []
    at = start
    while start < stop:
        chunk = read_at(fd, min(chunk_size, stop - start), start)
        if not chunk:
            break
        start += len(chunk)
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            line = b"".join([*kept, piece, b"\n"])
            kept = []
            yield at, line
            at += len(line)
        if rest:
            kept.append(rest)
    if kept:
        yield at, b"".join(kept)


def header_in(line: bytes, path: str) -> Header:
    """Return the header that a whole line holds.

    Raises:
        StoreDamaged: If it holds none, or one of a newer memex-jsonl.
    """
    try:
        header = _HEADERS.decode(line)
    except msgspec.MsgspecError as error:
        raise StoreDamaged(f"{path} does not begin as a thread's file does ({error})") from error
    if header.format > VERSION:
        raise StoreDamaged(
            f"{path} has format {header.format}, made by a newer memex-jsonl; this one knows up to "
            f"{VERSION}. Upgrade memex-jsonl; the file was left untouched"
        )
    return header


def mark_in(line: bytes) -> Mark | None:
    """Return what a whole line says of its message, None if it holds none."""
    try:
        return _MARKS.decode(line)
    except msgspec.MsgspecError:
        return None


def seq_in(line: bytes) -> int | None:
    """Return the place that a line of a message names, None if it holds none."""
    try:
        return _OWN.decode(line[: line.index(_BODY)] + b"}").seq
    except (msgspec.MsgspecError, ValueError):
        return None


def body_in(line: bytes) -> bytes:
    """Return the message that a whole line holds, as :func:`memex.encode_message` gave it."""
    return b"{" + line[line.index(_BODY) + 1 : -1]


def entry_in(line: bytes) -> Entry:
    """Return the entry that a whole line holds."""
    own = _OWN.decode(line[: line.index(_BODY)] + b"}")
    return Entry(own.seq, decode_message(body_in(line)), own.tokens, own.counter)


def buried(line: bytes, tombstone: Message, *, alone: bool) -> bytes:
    """Return the line of a tombstone in the place of ``line``.

    Args:
        line: The line of the message.
        tombstone: What is left of it.
        alone: Whether it is no longer part of a batch.
    """
    own = _OWN.decode(line[: line.index(_BODY)] + b"}")
    return message_line(own.seq, 0 if alone else own.left, 0, b"null", encode_message(tombstone))
