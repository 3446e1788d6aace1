"""Messages for a reader."""

from __future__ import annotations

from collections.abc import Iterator

from memex import (
    Citation,
    Derived,
    Entry,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    show_ranges,
)
from memex.commands import one_line


def many(count: int, noun: str) -> str:
    """Return how many of something, in words: ``1 thread``, ``2 threads``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def heading(item: Entry | Derived) -> str:
    """Return one line that says where a message stands and who speaks."""
    message = item.message
    if isinstance(item, Derived):
        others = [f"thread {thread} #{show_ranges(ranges)}" for thread, ranges in item.elsewhere]
        what = "; ".join([*others, *([f"#{show_ranges(item.covers)}"] if item.covers else [])])
        return one_line(f"[{item.kind} of {what}, {item.tokens:,} tokens]", 400)
    who = f"{message.name} ({message.role})" if message.name else message.role
    note = "" if message.status == "complete" else f", {message.status}"
    if isinstance(plan := message.extra.get("memex:plan"), int):
        note += f", plan {plan}"
    return one_line(f"[#{item.seq} {who}, {message.created:%Y-%m-%d %H:%M}{note}]")


def body(message: Message) -> str:
    """Return what a message says, a paragraph for each part."""
    return "\n".join(line for part in message.parts for line in _lines(part))


def _lines(part: Part) -> Iterator[str]:
    match part:
        case Text(text=text) | Refusal(text=text):
            yield text
        case Reasoning(text=text):
            yield f"(thinks: {text or 'hidden by its provider'})"
        case ToolCall(name=name, arguments=arguments):
            yield f"→ {name} {arguments}"
        case ToolResult(parts=parts, is_error=failed):
            said = "\n".join(line for inner in parts for line in _lines(inner))
            yield f"← {'error: ' if failed else ''}{said}"
        case Media(kind=kind, source=source, value=value, name=name):
            yield f"({kind}: {name or (value if source != 'base64' else 'data')})"
        case Citation(text=text):
            yield f"(cites: {text})"
        case Opaque(format=format_name):
            yield f"(a part that only {format_name} understands)"
