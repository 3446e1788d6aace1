"""The content blocks of an Anthropic message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, cast

from memex._codecs import arguments
from memex._codecs.content import Read, content_field, content_form, empty_form, read_blocks, write_blocks
from memex._codecs.leftovers import shape_of, shaped
from memex._codecs.media import Kind, media_type
from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import object_field, text_field, text_or_none
from memex._errors import InvalidMessage
from memex._frozen import FrozenDict, thaw
from memex._parts import Citation, Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

NAME: Final = "anthropic"
_KINDS = {"image": "image", "document": "file"}
_REFERENCES: Final = {"url": ("url", "url"), "file": ("file_id", "file_id"), "base64": ("base64", "data")}
_IN_DOCUMENT: Final = ("cited_text", "document_index")
_CITATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "char_location": (*_IN_DOCUMENT, "start_char_index", "end_char_index"),
    "page_location": (*_IN_DOCUMENT, "start_page_number", "end_page_number"),
    "content_block_location": (*_IN_DOCUMENT, "start_block_index", "end_block_index"),
    "search_result_location": ("cited_text", "search_result_index", "source", "start_block_index"),
    "web_search_result_location": ("cited_text", "encrypted_index", "url"),
}
"""Kinds of citations, each with what Anthropic refuses to take it without."""


def read_content(content: Any, where: str, role: str) -> list[Part]:
    """Return the parts of a string or a list of blocks; a text's citations follow it as one part.

    Args:
        content: The frozen value.
        where: What errors call it.
        role: ``"user"``, ``"assistant"``, ``"system"``, or ``"tool_result"`` for what is in one.
    """
    if isinstance(content, str):
        return [_text(content)]
    if content is None:
        raise InvalidMessage(f"{where} is null, not a string or a list")
    return read_blocks(
        content, where, NAME, _read_block, partial(write_part, role), ("citations", _read_citations)
    )


def _read_citations(value: Any, text: str) -> list[Citation]:
    """Return one citation that spans the text, or none where a kind is unknown."""
    return [Citation(text=text, start=0, end=len(text), sources=value)] if _are_known(value) else []


def _are_known(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and bool(value)
        and all(isinstance(item, Mapping) and _is_whole(item) for item in value)
    )


def _is_whole(source: Mapping[str, Any]) -> bool:
    needed = _CITATIONS.get(str(source.get("type")))
    return needed is not None and all(name in source for name in needed)


def _read_block(block: FrozenDict, where: str) -> Part | None:
    read = _READERS.get(block["type"])
    return read(block, where) if read else None


def _text(value: str) -> Text:
    # Anthropic refuses an empty text; one that came from its own wire is kept all the same.
    return Text(value, extra=shaped(NAME, empty=not value))


def _read_text(block: FrozenDict, where: str) -> Text:
    return _text(text_field(block, "text", where))


def _read_thinking(block: FrozenDict, where: str) -> Reasoning:
    signature = text_or_none(block, "signature")
    extra = shaped(NAME, unsigned=signature is None)
    return Reasoning(text_field(block, "thinking", where), signature=signature, extra=extra)


def _read_redacted(block: FrozenDict, where: str) -> Reasoning:
    return Reasoning(encrypted=text_field(block, "data", where))


def _read_tool_use(block: FrozenDict, where: str) -> ToolCall:
    value = object_field(block, "input", where)
    return ToolCall(
        id=text_field(block, "id", where),
        name=text_field(block, "name", where),
        arguments=arguments.to_text(value),
        extra=shaped(NAME, input=None if arguments.is_exact(value) else value),
    )


def _read_tool_result(block: FrozenDict, where: str) -> ToolResult:
    content = block.get("content")
    parts = [] if content is None else read_content(content, f"{where}.content", "tool_result")
    form = content_form(block, {}) if parts else empty_form(block)
    return ToolResult(
        call_id=text_field(block, "tool_use_id", where),
        parts=tuple(parts),
        is_error=block.get("is_error") is True,
        extra=shaped(NAME, content=form if form != "absent" else None),
    )


def _read_media(block: FrozenDict, where: str) -> Media | None:
    source = object_field(block, "source", where)
    kind = text_field(source, "type", f"{where}.source")
    if kind not in _REFERENCES:
        return None
    reference, field = _REFERENCES[kind]
    return Media(
        kind=cast("Kind", _KINDS[block["type"]]),
        source=cast("Any", reference),
        value=text_field(source, field, f"{where}.source"),
        media_type=text_or_none(source, "media_type") if reference == "base64" else None,
        name=text_or_none(block, "title") if block["type"] == "document" else None,
    )


_READERS: Final[dict[str, Read]] = {
    "text": _read_text,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
    "image": _read_media,
    "document": _read_media,
}


def write_content(parts: Iterable[Part], out: Outgoing, role: str) -> list[dict[str, Any]]:
    """Write parts as blocks; citations go into the text before them."""
    return write_blocks(parts, out, partial(write_part, role), _cite)


def _cite(text: dict[str, Any], part: Citation) -> None:
    if not _are_known(part.sources):
        raise NoPlace("its sources are of another format, or not whole")
    text["citations"] = [*(text.get("citations") or ()), *thaw(part.sources)]


def write_part(role: str, part: Part, out: Outgoing) -> dict[str, Any]:
    """Write one part as a block of a message of this role, without its unknown fields."""
    match part, role:
        case Text(), _:
            if not part.text and not shape_of(part, NAME).get("empty"):
                raise NoPlace(f"{NAME} takes no empty text")
            return {"type": "text", "text": part.text}
        case Refusal(), _:
            return {"type": "text", "text": part.text}
        case Reasoning(), "assistant":
            return _write_reasoning(part)
        case ToolCall(), "assistant":
            return _write_tool_use(part)
        case ToolResult(), "user":
            return _write_tool_result(part, out)
        case Media(), ("user" | "tool_result"):
            return _write_media(part, out)
        case _:
            raise NoPlace(f"{NAME} has no place for it in a {role.replace('_', ' ')}")


def _write_reasoning(part: Reasoning) -> dict[str, Any]:
    if part.id is not None or (part.encrypted is not None and (part.text or part.signature is not None)):
        raise NoPlace(f"not reasoning that {NAME} wrote")
    if part.encrypted is not None:
        return {"type": "redacted_thinking", "data": part.encrypted}
    if part.signature is not None:
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    if shape_of(part, NAME).get("unsigned"):
        return {"type": "thinking", "thinking": part.text}
    raise NoPlace(f"{NAME} takes no reasoning without its signature")


def _write_tool_use(part: ToolCall) -> dict[str, Any]:
    value: Any = shape_of(part, NAME).get("input")
    if not isinstance(value, Mapping) or arguments.to_text(value) != part.arguments:
        value = arguments.to_object(part.arguments)
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": value}


def _write_tool_result(part: ToolResult, out: Outgoing) -> dict[str, Any]:
    blocks = write_content(part.parts, out, "tool_result")
    form = str(shape_of(part, NAME).get("content", ""))
    content = content_field(blocks, form if blocks or not part.parts else "", {})
    block = {"type": "tool_result", "tool_use_id": part.call_id, **content}
    return {**block, "is_error": True} if part.is_error else block


def _write_media(part: Media, out: Outgoing) -> dict[str, Any]:
    kind = {"image": "image", "file": "document"}.get(part.kind)
    if kind is None:
        raise NoPlace(f"{NAME} takes no {part.kind}")
    if part.source == "base64":
        source = {"type": "base64", "media_type": media_type(part), "data": part.value}
    elif part.source == "url":
        source = {"type": "url", "url": part.value}
    else:
        source = {"type": "file", "file_id": part.value}
    block: dict[str, Any] = {"type": kind, "source": source}
    if kind == "document" and part.name is not None:
        block["title"] = part.name
    out.check_media(part, "media_type", *(["name"] if kind == "document" else []))
    return block
