"""Content as most formats write it: a string, or a list of typed blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from memex._codecs.leftovers import fill, leftover, same, unknown_fields, with_fields
from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import describe, objects, text_field
from memex._errors import InvalidMessage
from memex._frozen import FrozenDict, thaw
from memex._message import Message
from memex._parts import Citation, Opaque, Part, Text, ToolResult

Read = Callable[[FrozenDict, str], Part | None]
Write = Callable[[Any, Outgoing], dict[str, Any]]
ReadCited = Callable[[Any, str], list[Citation]]
Cite = Callable[[dict[str, Any], Citation], None]


def read_blocks(
    content: Any, where: str, codec: str, read: Read, write: Write, cited: tuple[str, ReadCited] | None = None
) -> list[Part]:
    """Return the parts of a string, a list of blocks, or null.

    Args:
        content: The frozen value of the field.
        where: What errors call it: ``"message 3: content"``.
        codec: Name of the format.
        read: Returns the part of one block, or None for a type it does not know.
        write: Writes that part again; what comes out less than the block had becomes its extra.
        cited: The field of a text block that holds its citations, and what reads its value; the
            citations follow their text.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)]
    if not isinstance(content, tuple):
        raise InvalidMessage(f"{where} is {describe(content)}, not a string or a list")
    parts: list[Part] = []
    for index, block in enumerate(objects(content, where)):
        place = f"{where}[{index}]"
        text_field(block, "type", place)
        part = read(block, place)
        field, read_cited = cited or ("", None)
        citations = read_cited(block.get(field), part.text) if read_cited and isinstance(part, Text) else []
        rest = FrozenDict((key, block[key]) for key in block if key != field) if citations else block
        parts += [settle(part, rest, codec, write), *citations]
    return parts


def settle(part: Part | None, wire: FrozenDict, codec: str, write: Write) -> Part:
    """Return the part with the unknown fields of ``wire``, or all of ``wire`` as opaque.

    Opaque is what memex has no word for, and also what it could not write back as it was.
    """
    if part is None or isinstance(part, Opaque):
        return part or Opaque(format=codec, data=wire)
    try:
        rest = leftover(wire, write(part, Outgoing(codec)))
    except NoPlace:
        rest = None
    return Opaque(format=codec, data=wire) if rest is None else with_fields(part, codec, rest)


def write_blocks(
    parts: Iterable[Part], out: Outgoing, write: Write, cite: Cite | None = None
) -> list[dict[str, Any]]:
    """Write parts as blocks; those that have no place or are bound elsewhere are noted.

    Args:
        parts: The parts, in order.
        out: Where it is noted what is left out.
        write: Writes one part.
        cite: Adds a citation to the block of the text before it, for formats that keep it there.
    """
    blocks: list[dict[str, Any]] = []
    text: dict[str, Any] | None = None
    for part in parts:
        if cite is not None and isinstance(part, Citation):
            _cite(part, text, out, cite)
            continue
        block = write_block(part, out, write)
        blocks += [] if block is None else [block]
        text = block if isinstance(part, Text) else None
    return blocks


def _cite(part: Citation, text: dict[str, Any] | None, out: Outgoing, cite: Cite) -> None:
    if text is None:
        out.leave(part, "no text stands before it")
        return
    try:
        cite(text, part)
    except NoPlace as why:
        out.leave(part, str(why))


def write_block(part: Part, out: Outgoing, write: Write) -> dict[str, Any] | None:
    """Write one part as a block, its unknown fields included, or note why not."""
    if not out.takes(part):
        return None
    try:
        if isinstance(part, Opaque):
            return opaque_object(part)
        return fill(write(part, out), unknown_fields(part, out.codec))
    except NoPlace as why:
        out.leave(part, str(why))
        return None


def opaque_object(part: Opaque) -> dict[str, Any]:
    """Return the wire object in an opaque part."""
    if not isinstance(part.data, Mapping):
        raise NoPlace(f"its data is {describe(part.data)}, not an object")
    value: dict[str, Any] = thaw(part.data)
    return value


def content_field(
    blocks: Sequence[Mapping[str, Any]], form: str, empty: Mapping[str, Any], text_type: str = "text"
) -> dict[str, Any]:
    """Return the ``content`` field: a string for one bare text, else a list.

    Args:
        blocks: The written blocks.
        form: What the wire had where it was not that: ``"list"``, ``"null"`` or ``"absent"``.
        empty: The field where there are no blocks and the wire did not say.
        text_type: The type of a text block.
    """
    if not blocks:
        forms: dict[str, dict[str, Any]] = {"list": {"content": []}, "null": {"content": None}, "absent": {}}
        return forms.get(form, dict(empty))
    first = blocks[0]
    if (
        form != "list"
        and len(blocks) == 1
        and first.keys() == {"type", "text"}
        and first["type"] == text_type
    ):
        return {"content": first["text"]}
    return {"content": list(blocks)}


def content_form(item: Mapping[str, Any], empty: Mapping[str, Any], text_type: str = "text") -> str | None:
    """Return the form to note for an item's content, or None where it is written so anyway."""
    if "content" not in item:
        return None if "content" not in empty else "absent"
    content = item["content"]
    if isinstance(content, str):
        return None
    if content is None:
        return None if "content" in empty and empty["content"] is None else "null"
    usual = content_field(content, "", empty, text_type)
    return None if same(usual.get("content"), content) else "list"


def empty_form(item: Mapping[str, Any]) -> str:
    """Return the form to note for an item whose content holds no parts."""
    if "content" not in item:
        return "absent"
    return "null" if item["content"] is None else "list"


def split_results(message: Message) -> list[tuple[Part, ...]]:
    """Return the parts in runs: each tool result alone, what is between them together."""
    runs: list[tuple[Part, ...]] = []
    current: list[Part] = []
    for part in message.parts:
        if not isinstance(part, ToolResult):
            current.append(part)
            continue
        if current:
            runs.append(tuple(current))
            current = []
        runs.append((part,))
    if current or not runs:
        runs.append(tuple(current))
    return runs
