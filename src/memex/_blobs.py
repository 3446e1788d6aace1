"""Pictures and files out of messages, for stores and archives that keep them beside the text."""

from __future__ import annotations

from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from memex._errors import StoreDamaged
from memex._message import Message
from memex._parts import Media, Part, ToolResult

SMALLEST: Final = 1024
"""Characters of base64 from which on data is worth a place of its own."""
_MARK = "sha256:"


def split_blobs(message: Message) -> tuple[Message, Mapping[str, bytes]]:
    """Return the message with references in place of large media data, and the data.

    Data is named by its SHA-256 digest in hexadecimal, so that a picture that is sent twice is
    kept once. Most messages have none and come back as they are. What base64 would not give back
    to the letter stays in the message.
    """
    media = list(_media(message.parts))
    if not media or any(part.value.startswith(_MARK) for part in media):  # it would read as a reference
        return message, {}
    blobs: dict[str, bytes] = {}

    def referred(value: str) -> str:
        data = _data(value)
        if data is None:
            return value
        from hashlib import sha256  # loads OpenSSL, which most messages do not need

        digest = sha256(data).hexdigest()
        blobs[digest] = data
        return _MARK + digest

    split = message.replace(parts=_with_values(message.parts, referred))
    return (split, blobs) if blobs else (message, {})


def join_blobs(message: Message, blobs: Mapping[str, bytes]) -> Message:
    """Return the message that :func:`split_blobs` took apart.

    Args:
        message: The message with references.
        blobs: The data of this message, by digest.

    Raises:
        StoreDamaged: If data is missing.
    """
    if not blobs:
        return message

    def filled(value: str) -> str:
        if not value.startswith(_MARK):
            return value
        try:
            return b64encode(blobs[value[len(_MARK) :]]).decode()
        except KeyError:
            raise StoreDamaged(f"message {message.id!r} refers to data that is missing: {value}") from None

    return message.replace(parts=_with_values(message.parts, filled))


def blobs_of(message: Message) -> tuple[str, ...]:
    """Return the digests that a message which was taken apart refers to."""
    values = (part.value for part in _media(message.parts))
    return tuple(dict.fromkeys(value[len(_MARK) :] for value in values if value.startswith(_MARK)))


def _media(parts: Sequence[Part]) -> Iterator[Media]:
    for part in parts:
        if isinstance(part, Media) and part.source == "base64":
            yield part
        elif isinstance(part, ToolResult):
            yield from _media(part.parts)


def _with_values(parts: Sequence[Part], change: Callable[[str], str]) -> tuple[Part, ...]:
    return tuple(_with_value(part, change) for part in parts)


def _with_value(part: Part, change: Callable[[str], str]) -> Part:
    if isinstance(part, Media) and part.source == "base64":
        return msgspec.structs.replace(part, value=change(part.value))
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, parts=_with_values(part.parts, change))
    return part


def _data(value: str) -> bytes | None:
    """Return what base64 text holds, None if it is short or would not come back to the letter."""
    if len(value) < SMALLEST:
        return None
    try:
        data = a2b_base64(value, strict_mode=True)
    except (NotBase64, ValueError):
        return None
    return data if b64encode(data).decode() == value else None
