"""Plain JSONL: a message a line, in the shape of OpenAI's Chat Completions or in memex's own.

Beside what that shape has, a line may hold ``created``, and any other field; they are kept in the
message's ``meta`` and written back by an export. So a file that was imported comes out the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from memex import (
    InvalidMessage,
    LeftOut,
    MemexError,
    Message,
    check_id,
    decode,
    decode_message,
    encode,
    encode_message,
    thaw,
)

_WIRE: Final = frozenset(
    {
        "role",
        "content",
        "name",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "refusal",
        "audio",
        "annotations",
        "reasoning_content",
        "reasoning",
        "thinking",
    }
)
"""Fields that the format itself has; every other one is the user's own."""


class BadLine(MemexError):
    """A line that is no message, with its number. Nothing was imported."""


def read_messages(lines: Iterable[bytes], thread: str) -> Iterator[Message]:
    """Yield the message of each line; blank lines are skipped.

    A message of OpenAI's shape gets an id that follows from the thread, its place in the file and
    its content, so that the same file imported twice gives the same messages.

    Args:
        lines: The file.
        thread: Id of the thread they go to.

    Raises:
        BadLine: If a line is no message that a store could keep.
    """
    place = 0
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not text.strip():
            continue
        place += 1
        try:
            message = _read(text, thread, place)
            check_id(message.id, "message")
            encode_message(message)
        except MemexError as error:
            raise BadLine(f"line {number:,}: {_without_index(error)}; nothing was imported") from error
        yield message


def _read(line: bytes, thread: str, place: int) -> Message:
    item = _parsed(line)
    if "parts" in item and "content" not in item:
        return decode_message(line)
    wire = {key: value for key, value in item.items() if key in _WIRE}
    own = {key: value for key, value in item.items() if key not in _WIRE}
    created = _moment(own.get("created"))
    if created is not None and _written(created) == own["created"]:
        del own["created"]  # the message's own field says it all
    (message,) = decode([wire], "openai")
    content = json.dumps(item, sort_keys=True)
    message_id = hashlib.blake2b(f"{thread}\n{place}\n{content}".encode(), digest_size=12).hexdigest()
    message = message.replace(id=message_id, meta=own)
    return message.replace(created=created) if created is not None else message


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        # Decoded here: json would take bytes for UTF-16 or UTF-32 where they look like it.
        item = json.loads(line.decode().rstrip("\r\n"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InvalidMessage(f"not UTF-8 ({error.reason} at byte {error.start + 1})") from error
    except json.JSONDecodeError as error:  # its own count of lines starts at 1 in each line
        raise InvalidMessage(f"not JSON ({error.msg} at character {error.colno})") from error
    except ValueError as error:
        raise InvalidMessage(f"not JSON ({error})") from error
    except RecursionError as error:
        raise InvalidMessage("nested too deep") from error
    if not isinstance(item, dict):
        kind = "a list" if isinstance(item, list) else "a bare value"
        raise InvalidMessage(f"{kind} instead of a message; the file has one JSON object a line")
    return item


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _moment(created: object) -> datetime | None:
    """Return the moment that ``created`` tells in ISO 8601 or in seconds since 1970, if it does."""
    try:
        if isinstance(created, (int, float)) and not isinstance(created, bool):
            return datetime.fromtimestamp(created, UTC)
        if isinstance(created, str) and "-" in created:  # "2023" alone is no moment
            moment = datetime.fromisoformat(created)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _without_index(error: MemexError) -> str:
    """Return what is wrong without the codec's own count, which starts at 0 in each line."""
    text = str(error)
    return text.removeprefix("message 0: ").replace("message 0 is", "it is", 1)


def plain_line(message: Message) -> tuple[list[dict[str, Any]], tuple[LeftOut, ...]]:
    """Return the lines for a message in OpenAI's shape, and what that shape cannot carry.

    A message with several tool results becomes several lines.
    """
    encoded = encode([message], "openai")
    lines = encoded.payload["messages"]
    own = thaw(message.meta)
    for index, line in enumerate(lines):
        line["created"] = own.get("created", _written(message.created))
        if index == 0:
            for key, value in own.items():
                line.setdefault(key, value)
    return lines, encoded.left_out
