"""Messages as bytes: canonical JSON that a store keeps and a later memex can still read."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from memex._errors import InvalidMessage, StoreDamaged
from memex._message import Message

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Message)
_PART_TYPES = frozenset(
    {"text", "reasoning", "tool_call", "tool_result", "media", "refusal", "citation", "opaque"}
)
MAX_ID_BYTES: Final = 1024
_CONTROL = re.compile("[\\x00-\\x1f\\x7f]")


def encode_message(message: Message) -> bytes:
    """Return the message as canonical JSON.

    Raises:
        InvalidMessage: If the message holds what JSON cannot carry, such as a lone surrogate, or
            a field is of the wrong type, so that nobody could read the message again.
    """
    try:
        data = _ENCODER.encode(message)
    except UnicodeEncodeError as error:
        raise InvalidMessage(
            f"message {message.id!r} holds a lone surrogate (U+{ord(error.object[error.start]):04X}), "
            "which is not text; replace it before storing the message"
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"message {message.id!r} cannot be written as JSON: {error}") from error
    try:
        _DECODER.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidMessage(f"message {message.id!r} has a field of the wrong type: {error}") from error
    if b'"opaque"' in data and any(_is_foreign(part) for part in msgspec.to_builtins(message.parts)):
        return _ENCODER.encode(_unwrap_foreign(msgspec.json.decode(data)))
    return data


def decode_message(data: bytes | str) -> Message:
    """Return the message that ``data`` holds; parts of an unknown type come back as opaque.

    Raises:
        StoreDamaged: If ``data`` is not a message.
    """
    try:
        return _DECODER.decode(data)
    except msgspec.ValidationError:
        return _decode_with_foreign_parts(data)
    except msgspec.DecodeError as error:
        raise StoreDamaged(f"a stored message is not JSON: {error}") from error


def _decode_with_foreign_parts(data: bytes | str) -> Message:
    try:
        raw = msgspec.json.decode(data)
        raw["parts"] = [_wrap_foreign(part) for part in raw.get("parts", [])]
        return msgspec.convert(raw, Message)
    except (msgspec.MsgspecError, AttributeError, TypeError) as error:
        raise StoreDamaged(f"a stored message has the wrong shape: {error}") from error


def _wrap_foreign(part: Any) -> Any:
    """Wrap a part that a newer memex wrote, also inside tool results."""
    if part.get("type") == "tool_result":
        return part | {"parts": [_wrap_foreign(inner) for inner in part.get("parts", [])]}
    if part.get("type") in _PART_TYPES:
        return part
    return {"type": "opaque", "format": "memex", "data": part}


def _is_foreign(part: Any) -> bool:
    if part.get("type") == "tool_result":
        return any(_is_foreign(inner) for inner in part.get("parts", []))
    return bool(part.get("type") == "opaque" and part.get("format") == "memex")


def _unwrap_foreign(raw: Any) -> Any:
    return raw | {"parts": [_unwrap_part(part) for part in raw["parts"]]}


def _unwrap_part(part: Any) -> Any:
    if part.get("type") == "tool_result":
        return part | {"parts": [_unwrap_part(inner) for inner in part.get("parts", [])]}
    return part["data"] if _is_foreign(part) else part


def check_id(value: str, what: str) -> str:
    """Return ``value`` if every store can keep it as an id.

    Args:
        value: The id.
        what: What it names, for the error: ``"thread"``, ``"message"``, ``"namespace"``.

    Raises:
        InvalidMessage: If it is empty, longer than 1,024 bytes, or holds a control character
            or a lone surrogate.
    """
    if not isinstance(value, str) or not value:
        raise InvalidMessage(f"a {what} id is a non-empty string, not {value!r}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidMessage(f"the {what} id {value!r} holds a lone surrogate") from None
    if size > MAX_ID_BYTES:
        raise InvalidMessage(f"the {what} id is {size:,} bytes long; at most {MAX_ID_BYTES:,}")
    if _CONTROL.search(value):
        raise InvalidMessage(f"the {what} id {value!r} holds a control character")
    return value
