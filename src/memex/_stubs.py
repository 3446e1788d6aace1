"""Stubs: what stands in a window where the result of a tool was shortened.

The host writes them from the log alone, so that the next window can write them again without a plan
that holds text, and so that no policy can put words into a tool's mouth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from memex._counter import Counter, count_message
from memex._entry import Derived, Entry
from memex._message import Message
from memex._parts import Media, Text, ToolCall, ToolResult
from memex._quoting import in_reference, neutral
from memex._terms import searchable_text

_MOST_ARGUMENTS: Final = 120
_MOST_VALUE: Final = 40


def stub_of(entry: Entry, exchange: Iterable[Entry], counter: Counter, *, shown: int = 0) -> Derived:
    """Return what stands in the place of a message whose tool results are shortened.

    Role, call ids and all that is no result stay as they are, so that every call keeps its answer.

    Args:
        entry: A message of the log with at least one tool result.
        exchange: The messages it lives and dies with, the calls among them.
        counter: How tokens are counted.
        shown: How many characters of the beginning of each result stay.
    """
    calls = {call.id: call for other in exchange for call in other.message.tool_calls}
    results = len(entry.message.tool_results)
    parts = tuple(
        _shortened(part, calls.get(part.call_id), entry, results, shown)
        if isinstance(part, ToolResult)
        else part
        for part in entry.message.parts
    )
    message = entry.message.replace(id=f"stub-{entry.seq}", parts=parts, usage=None, meta={})
    return Derived(
        kind="stub",
        message=message,
        covers=((entry.seq, entry.seq),),
        tokens=count_message(counter, message),
        shown=shown,
    )


def _shortened(part: ToolResult, call: ToolCall | None, entry: Entry, results: int, shown: int) -> ToolResult:
    named = _call_text(call, part)
    size = f"{entry.tokens:,} tokens"
    if results > 1:
        size = f"one of {results} results of {size}"
    if pictures := sum(isinstance(inner, Media) for inner in part.parts):
        size += f", {pictures} picture{'s'[: pictures > 1]} or file{'s'[: pictures > 1]}"
    what = "error" if part.is_error else "result"
    text = f"[{what} of {named}, {size}, kept in memory as #{entry.seq}]"
    if shown and (words := neutral(searchable_text(Message(role="tool", parts=part.parts)))):
        text = f"{words[:shown].rstrip()}…\n[the beginning of the {text[1:]}"
    extra = {key: _without_form(key, value) for key, value in part.extra.items()}
    return msgspec.structs.replace(part, parts=(Text(text),), extra=extra, meta={})


def _call_text(call: ToolCall | None, part: ToolResult) -> str:
    """Return the call as a reader would write it: ``read_file(path="notes.md", lines=40)``."""
    if call is None:
        return in_reference(part.name or "a tool")
    given = call.parsed
    if isinstance(given, Mapping):
        arguments = ", ".join(f"{key}={_value_text(value)}" for key, value in given.items())
    else:
        arguments = call.arguments
    return in_reference(f"{call.name}({_cut(arguments, _MOST_ARGUMENTS)})")


def _value_text(value: Any) -> str:
    return _cut(msgspec.json.encode(value).decode(), _MOST_VALUE)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _without_form(key: str, value: Any) -> Any:
    """Return a codec's notes on a result without how its content was spelt: it is another content now."""
    if not key.endswith(":shape") or not isinstance(value, Mapping):
        return value
    return {name: note for name, note in value.items() if name != "content"}


def place_of(item: Entry | Derived) -> int | None:
    """Return the place in the log that an item of a window has: its own, or of what it stands for."""
    if isinstance(item, Entry):
        return item.seq
    return item.covers[0][0] if item.kind == "stub" and item.covers else None


def as_entry(stub: Derived, counter: str) -> Entry:
    """Return a stub as if it were the message it stands for, to be grouped with its call."""
    return Entry(stub.covers[0][0], stub.message, stub.tokens, counter)
