"""Items of the OpenAI Responses API: calls, their outputs, and reasoning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from memex._codecs.annotations import read_annotations, write_annotation
from memex._codecs.content import content_field, content_form, empty_form, read_blocks, write_blocks
from memex._codecs.leftovers import shape_of, shaped
from memex._codecs.media import from_file_data, from_url, to_file_data, to_url
from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import objects, required, text_field, text_or_none
from memex._frozen import FrozenDict
from memex._parts import Citation, Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

NAME: Final = "openai-responses"
_BREAK: Final = "\n\n"


def read_content(content: Any, where: str, role: str) -> list[Part]:
    """Return the parts of a message's content, or of an output (role ``"result"``)."""
    read_cited = partial(read_annotations, nested=False)
    return read_blocks(
        content, where, NAME, _read_block, partial(write_part, role), ("annotations", read_cited)
    )


def _read_block(block: FrozenDict, where: str) -> Part | None:
    match block["type"]:
        case "input_text" | "output_text":
            return Text(text_field(block, "text", where))
        case "refusal":
            return Refusal(text_field(block, "refusal", where))
        case "input_image":
            return _read_image(block)
        case "input_file":
            return _read_file(block)
        case _:
            return None


def _read_image(block: FrozenDict) -> Media | None:
    url, file_id, detail = (text_or_none(block, key) for key in ("image_url", "file_id", "detail"))
    extra = shaped(NAME, undetailed="detail" not in block)
    if url is not None:
        return msgspec.structs.replace(from_url(url, "image", detail=detail), extra=extra)
    if file_id is not None:
        return Media(kind="image", source="file_id", value=file_id, detail=detail, extra=extra)
    return None


def _read_file(block: FrozenDict) -> Media | None:
    data, url, file_id = (text_or_none(block, key) for key in ("file_data", "file_url", "file_id"))
    name, detail = text_or_none(block, "filename"), text_or_none(block, "detail")
    if data is not None:
        return from_file_data(data, name, detail)
    if url is not None:
        return Media(kind="file", source="url", value=url, name=name, detail=detail)
    if file_id is not None:
        return Media(kind="file", source="file_id", value=file_id, name=name, detail=detail)
    return None


def write_content(parts: Sequence[Part], out: Outgoing, role: str) -> list[dict[str, Any]]:
    """Write parts as blocks; citations become annotations of the text before them."""
    return write_blocks(parts, out, partial(write_part, role), _annotate)


def _annotate(text: dict[str, Any], part: Citation) -> None:
    if text["type"] != "output_text":
        raise NoPlace(f"{NAME} has citations in answers only")
    text["annotations"] = [*(text.get("annotations") or ()), write_annotation(part, nested=False)]


def write_part(role: str, part: Part, out: Outgoing) -> dict[str, Any]:
    """Write one part as a content block of a message of this role."""
    if isinstance(part, Text):
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}
    if isinstance(part, Refusal) and role == "assistant":
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Media) and role != "assistant":
        return _write_media(part, out)
    raise NoPlace(f"{NAME} has no place for it in {role} content")


def _write_media(part: Media, out: Outgoing) -> dict[str, Any]:
    block: dict[str, Any]
    match part.kind, part.source:
        case "image", "file_id":
            block = {"type": "input_image", "file_id": part.value}
        case "image", _:
            block = {"type": "input_image", "image_url": to_url(part, NAME)}
        case "file", "base64":
            block = {"type": "input_file", "file_data": to_file_data(part)}
        case "file", source:
            block = {"type": "input_file", "file_url" if source == "url" else "file_id": part.value}
        case _:
            raise NoPlace(f"{NAME} takes no {part.kind}")
    if part.detail is not None:
        block["detail"] = part.detail
    elif part.kind == "image" and not shape_of(part, NAME).get("undetailed"):
        block["detail"] = "auto"  # the API's schema asks for it
    if part.kind == "file" and part.name is not None:
        block["filename"] = part.name
    out.check_media(part, "detail", "media_type", *(["name"] if part.kind == "file" else []))
    return block


def read_call(item: FrozenDict, where: str) -> ToolCall:
    """Read a ``function_call`` or ``custom_tool_call`` item."""
    custom = item["type"] == "custom_tool_call"
    return ToolCall(
        id=text_field(item, "call_id", where),
        name=text_field(item, "name", where),
        arguments=text_field(item, "input" if custom else "arguments", where),
        extra=shaped(NAME, custom=custom),
    )


def read_reasoning(item: FrozenDict, where: str) -> Reasoning | None:
    """Read a ``reasoning`` item: its summary is the text, or its content where it has no summary."""
    field = "summary"
    entries = objects(required(item, "summary", where), f"{where}: summary")
    if not entries and item.get("content"):
        field = "content"
        entries = objects(item["content"], f"{where}: content")
    texts = [text_or_none(entry, "text") for entry in entries]
    known = [text for text in texts if text is not None]
    if len(known) != len(texts):
        return None
    text = _BREAK.join(known)
    usual = field == "summary" and known == ([text] if text else [])
    item_id = text_or_none(item, "id")
    return Reasoning(
        text=text,
        encrypted=text_or_none(item, "encrypted_content"),
        id=item_id,
        extra=shaped(
            NAME,
            nameless=item_id is None,
            field=field if field == "content" else None,
            lengths=None if usual else [len(piece) for piece in known],
        ),
    )


def write_item(part: Part, out: Outgoing) -> dict[str, Any]:
    """Write a part that is an item of its own."""
    if isinstance(part, ToolResult):
        return _write_output(part, out)
    if isinstance(part, ToolCall):
        call = {"call_id": part.id, "name": part.name}
        if shape_of(part, NAME).get("custom"):
            return {"type": "custom_tool_call", **call, "input": part.arguments}
        return {"type": "function_call", **call, "arguments": part.arguments}
    if isinstance(part, Reasoning):
        return _write_reasoning(part)
    raise NoPlace(f"{NAME} has no place for it in an answer")


def _write_reasoning(part: Reasoning) -> dict[str, Any]:
    shape = shape_of(part, NAME)
    if part.signature is not None or (part.id is None and not shape.get("nameless")):
        raise NoPlace(f"not reasoning that {NAME} wrote, which has an id and no signature")
    texts = _split(part.text, shape.get("lengths", ()))
    item: dict[str, Any] = {"type": "reasoning", "summary": []}
    if shape.get("field") == "content":
        item["content"] = [{"type": "reasoning_text", "text": text} for text in texts]
    else:
        item["summary"] = [{"type": "summary_text", "text": text} for text in texts]
    if part.id is not None:
        item["id"] = part.id
    if part.encrypted is not None:
        item["encrypted_content"] = part.encrypted
    return item


def _split(text: str, lengths: Any) -> list[str]:
    """Cut a joined text where it was joined, unless it has been changed since."""
    pieces: list[str] = []
    start = 0
    for length in lengths:
        pieces.append(text[start : start + length])
        start += length + len(_BREAK)
    if lengths and _BREAK.join(pieces) == text:
        return pieces
    return [text] if text else []


def read_output(item: FrozenDict, where: str) -> ToolResult:
    """Read a ``function_call_output`` or ``custom_tool_call_output`` item."""
    output = required(item, "output", where)
    parts = read_content(output, f"{where}: output", "result")
    content = FrozenDict(content=output)
    custom = item["type"] == "custom_tool_call_output"
    return ToolResult(
        call_id=text_field(item, "call_id", where),
        parts=tuple(parts),
        name=None if custom else text_or_none(item, "name"),
        extra=shaped(
            NAME,
            custom=custom,
            content=content_form(content, {"content": ""}, "input_text") if parts else empty_form(content),
        ),
    )


def _write_output(part: ToolResult, out: Outgoing) -> dict[str, Any]:
    shape = shape_of(part, NAME)
    blocks = write_content(part.parts, out, "result")
    form = str(shape.get("content", ""))
    output = content_field(blocks, form if blocks or not part.parts else "", {"content": ""}, "input_text")
    custom = bool(shape.get("custom"))
    item = {
        "type": "custom_tool_call_output" if custom else "function_call_output",
        "call_id": part.call_id,
        "output": output["content"],
    }
    if part.name is not None and not custom:
        item["name"] = part.name
    if part.is_error:
        out.leave(part, f"{NAME} has no field for is_error; the rest is sent")
    return item
