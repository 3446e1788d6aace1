"""What a model says in the Responses API: message items among its other items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memex._codecs.content import content_field, content_form, write_block
from memex._codecs.leftovers import fill, leftover, shape_of, with_shape
from memex._codecs.outgoing import Outgoing
from memex._codecs.reading import required
from memex._codecs.responses_items import NAME, read_content, write_content, write_item
from memex._frozen import FrozenDict
from memex._parts import Citation, Opaque, Part, Reasoning, ToolCall, ToolResult


def read_answer(item: FrozenDict, where: str, after: Sequence[Part]) -> list[Part]:
    """Return the parts of an assistant's message item; the first notes the item's own fields."""
    content = required(item, "content", where)
    parts = read_content(content, f"{where}: content", "assistant")
    parts = [with_shape(part, NAME, place="content") if isinstance(part, Opaque) else part for part in parts]
    fields = {key: item[key] for key in item if key not in {"role", "content"}}
    marks: dict[str, Any] = {}
    if fields or len(parts) > 1 or (after and _is_content(after[-1])):
        marks["item"] = fields
    form = content_form(item, {}, "output_text")
    if form:
        marks["content"] = form
    if parts and marks:
        parts[0] = with_shape(parts[0], NAME, **marks)
    written = write_answer(parts, Outgoing(NAME))
    exact = len(written) == 1 and leftover(item, written[0]) == {}
    return parts if exact else [Opaque(format=NAME, data=item)]


def write_answer(parts: Sequence[Part], out: Outgoing) -> list[dict[str, Any]]:
    """Write an answer as items: content that the wire had in one message item stays together.

    Other content is a message item each, a text as a string: the API's schema asks for an id where
    an assistant's content is a list.
    """
    items: list[dict[str, Any]] = []
    run: list[Part] = []
    for part in parts:
        if run and not _belongs(part, run):
            items += _write_message_item(run, out)
            run = []
        if _is_content(part):
            run.append(part)
            continue
        written = write_block(part, out, write_item)
        items += [] if written is None else [written]
    return items + (_write_message_item(run, out) if run else [])


def _belongs(part: Part, run: Sequence[Part]) -> bool:
    """Say whether a part goes into the message item that ``run`` is."""
    if not _is_content(part) or "item" in shape_of(part, NAME):
        return False
    return isinstance(part, Citation) or "item" in shape_of(run[0], NAME)


def _write_message_item(run: Sequence[Part], out: Outgoing) -> list[dict[str, Any]]:
    shape = shape_of(run[0], NAME)
    blocks = write_content(run, out, "assistant")
    if not blocks:
        return []
    item = {"role": "assistant", **content_field(blocks, str(shape.get("content", "")), {}, "output_text")}
    return [fill(item, shape.get("item", {}))]


def _is_content(part: Part) -> bool:
    """Say whether a part of an answer is written inside a message item, not as an item."""
    if isinstance(part, Opaque):
        return shape_of(part, NAME).get("place") == "content"
    return not isinstance(part, (ToolCall, Reasoning, ToolResult))
