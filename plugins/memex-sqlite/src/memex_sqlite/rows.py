"""How a message lies in its row: the columns, and the message back from them.

What most messages have - a text, a role, an id and a time - has columns of its own. Everything else
is JSON in one more column, which is NULL for most. Nothing is lost: the columns and the JSON
together are the message's canonical JSON, taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

import msgspec

from memex import Message, StoreDamaged, Text, decode_message, encode_message, join_blobs, split_blobs

_Role = Literal["system", "developer", "user", "assistant", "tool"]
ROLES: Final[tuple[_Role, ...]] = ("user", "assistant", "system", "developer", "tool")
"""By code. SQLite keeps the integers 0 and 1, which are the most frequent, in no bytes at all."""
CODES: Final = {role: code for code, role in enumerate(ROLES)}
COLUMNS: Final = "id, role, created, text, json"
BLOB_MARK: Final = '"sha256:'
"""Stands in the JSON of a message whose pictures lie in the table of blobs."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_EXACT = 2**32 * 10**6
_SURROGATE = re.compile("[\ud800-\udfff]")
_OWN_ID = re.compile("[0-9a-f]{24}")


class _Few(msgspec.Struct, forbid_unknown_fields=True):
    parent: str | None = None
    name: str | None = None
    status: Literal["complete", "incomplete", "error"] = "complete"


_FEW: Final = msgspec.json.Decoder(_Few)


class Columns(NamedTuple):
    """A message as its row has it.

    Attributes:
        id: The id; twelve bytes where it is 24 hexadecimal digits.
        role: Its code.
        created: Microseconds since 1970.
        text: The text, of a message whose only part is a plain text.
        json: Its other fields; None if there are none. Both are None for a tombstone.
    """

    id: bytes | str
    role: int
    created: int
    text: str | None
    json: str | None


class Draft(NamedTuple):
    """A message that is to be stored, already checked.

    Attributes:
        message: The message.
        columns: Its row.
        blobs: Its pictures and files, by SHA-256 in hexadecimal.
        tokens: What it costs.
        counter: Name of the counter that says so.
    """

    message: Message
    columns: Columns
    blobs: Mapping[str, bytes]
    tokens: int = 0
    counter: str | None = None


def draft(message: Message, tokens: int = 0, counter: str | None = None) -> Draft:
    """Return a message ready to be stored.

    Raises:
        InvalidMessage: If it cannot be kept faithfully.
    """
    text = _text(message)
    if text is not None and _has_only_text(message) and _is_sound(text, message.role):
        code, moment = CODES[message.role], (message.created - _EPOCH) // _MICROSECOND
        return Draft(message, Columns(packed_id(message.id), code, moment, text, None), {}, tokens, counter)
    split, blobs = split_blobs(message)
    return Draft(message, _columns(split), blobs, tokens, counter)


def packed_id(message_id: str) -> bytes | str:
    """Return an id as the tables have it: ids of memex's own making in half the space."""
    return bytes.fromhex(message_id) if _OWN_ID.fullmatch(message_id) else message_id


def tombstone(message_id: bytes | str, role: int) -> Columns:
    """Return what is left of a message that was forgotten."""
    return Columns(message_id, role, 0, None, None)


def message_of(
    stored_id: bytes | str,
    code: int,
    created: int,
    text: str | None,
    rest: str | None,
    blobs: Mapping[str, bytes] | None = None,
) -> Message:
    """Return the message of a row.

    Args:
        stored_id: The columns, as in :class:`Columns`.
        code: As there.
        created: As there.
        text: As there.
        rest: Its JSON.
        blobs: Its pictures and files, where its JSON has the mark.

    Raises:
        StoreDamaged: If they make no message.
    """
    try:
        message_id = stored_id if isinstance(stored_id, str) else stored_id.hex()
        role = ROLES[code]
        # Twice as fast, and exact: until 2106 the next float is less than half a microsecond away.
        exact = 0 <= created < _EXACT
        moment = datetime.fromtimestamp(created / 1e6, UTC) if exact else _EPOCH + created * _MICROSECOND
    except (LookupError, TypeError, OverflowError) as error:
        raise StoreDamaged(f"a stored message has the wrong shape: {error}") from error
    if rest is None:
        if text is None:
            return Message(role=role, id=message_id, status="forgotten", created=moment)
        return Message(role=role, parts=(Text(text),), id=message_id, created=moment)
    if text is not None and (message := _with_few(message_id, role, moment, text, rest)) is not None:
        return message
    known: dict[str, object] = {"role": role, "id": message_id, "created": moment}
    if text is not None:
        known["parts"] = ({"type": "text", "text": text},)
    # Of a name that is there twice the last counts: a time in another zone is in the JSON.
    body = msgspec.json.encode(known)
    if rest != "{}":
        body = body[:-1] + b"," + rest.encode()[1:]
    message = decode_message(body)
    return join_blobs(message, blobs) if blobs else message


def _with_few(message_id: str, role: _Role, moment: datetime, text: str, rest: str) -> Message | None:
    """Return a message with a text and a few other fields, most often a name; None if it has more."""
    try:
        few = _FEW.decode(rest)
    except msgspec.MsgspecError:
        return None
    return Message(
        role=role,
        parts=(Text(text),),
        id=message_id,
        parent=few.parent,
        name=few.name,
        status=few.status,
        created=moment,
    )


def _has_only_text(message: Message) -> bool:
    """Tell whether a message has nothing but its parts, a role, an id and a time."""
    return (
        message.created.tzinfo is UTC
        and message.status == "complete"
        and message.parent is None
        and message.name is None
        and message.origin is None
        and message.usage is None
        and not message.meta
        and not message.extra
    )


def _is_sound(text: object, role: str) -> bool:
    """Tell whether a plain message can be kept; what cannot is left to the codec, which says why."""
    if role not in CODES or type(text) is not str:
        return False
    return text.isascii() or _SURROGATE.search(text) is None


def _text(message: Message) -> str | None:
    if len(message.parts) != 1:
        return None
    part = message.parts[0]
    if type(part) is not Text or part.extra or part.meta:
        return None
    # SQL's own functions end a text at the first NUL; in JSON it is escaped.
    return None if "\0" in str(part.text) else part.text


def _columns(message: Message) -> Columns:
    fields = msgspec.json.decode(encode_message(message))
    created = fields.pop("created")
    if message.created.tzinfo is not UTC:
        fields["created"] = created
    text = _text(message)
    if text is not None:
        del fields["parts"]
    del fields["role"], fields["id"]
    moment = _microseconds(message.created)
    if fields == {"status": "forgotten"} and moment == 0:
        return tombstone(packed_id(message.id), CODES[message.role])
    return Columns(
        packed_id(message.id), CODES[message.role], moment, text, msgspec.json.encode(fields).decode()
    )


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is not UTC:
        # A zone can carry a time out of the years that there are; the exact time is in the JSON.
        return max(_FIRST, min(_LAST, (moment - _EPOCH) // _MICROSECOND))
    return (moment - _EPOCH) // _MICROSECOND
