"""The fields of OpenAI chat messages that are not content."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from memex._codecs import thoughts
from memex._codecs.annotations import write_annotation
from memex._codecs.content import Write, write_blocks
from memex._codecs.dialect import Dialect, Fields
from memex._codecs.function_calls import write_call
from memex._codecs.leftovers import shape_of
from memex._codecs.openai_chat_parts import NAME, write_audio, write_function_call, write_part
from memex._codecs.outgoing import Outgoing
from memex._parts import Citation, Media, Opaque, Part, Reasoning, Refusal, ToolCall, ToolResult

# Fields that hold one part: the last takes it, and others go where there is room for several.
_SINGLE: Final = {"refusal": "content", "audio": "content", "function_call": "tool_calls"}
_WRITERS: Final[dict[str, Write]] = {
    "audio": write_audio,
    "function_call": write_function_call,
    "tool_calls": write_call,
    "annotations": partial(write_annotation, nested=True),
}
_FIELDS: Final[dict[type[Part], str]] = {
    Reasoning: "reasoning",
    Citation: "annotations",
    Refusal: "refusal",
    ToolCall: "tool_calls",
}


def _write_result(part: ToolResult, _out: Outgoing) -> dict[str, Any]:
    if shape_of(part, NAME).get("role") == "function":
        return {"role": "function", "name": part.name or ""}
    head = {"role": "tool", "tool_call_id": part.call_id}
    return head if part.name is None else {**head, "name": part.name}


def _write_fields(run: Sequence[Part], out: Outgoing) -> Fields:
    places = [_field_of(part) for part in run]
    at: dict[str, list[Part]] = {}
    for index, (part, field) in enumerate(zip(run, places, strict=True)):
        room = _SINGLE[field] if field in _SINGLE and field in places[index + 1 :] else field
        at.setdefault(room, []).append(part)
    fields: dict[str, Any] = dict(thoughts.write_thoughts(at.get("reasoning", ()), out))
    for field, parts in at.items():
        if isinstance(parts[-1], Refusal) and field == "refusal":
            fields[field] = parts[-1].text
        elif field in _WRITERS and (written := write_blocks(parts, out, _WRITERS[field])):
            fields[field] = written[0] if field in _SINGLE else written
    return at.get("content", []), fields


def _field_of(part: Part) -> str:
    """Return the field of an assistant message in which a part is written."""
    shape = shape_of(part, NAME)
    if isinstance(part, Media) and part.kind == "audio" and part.source == "file_id":
        return "audio"
    if isinstance(part, ToolCall) and shape.get("field") == "function_call":
        return "function_call"
    if isinstance(part, (Refusal, Opaque)) and shape.get("place") in {"content", "tool_calls"}:
        return str(shape["place"])
    return _FIELDS.get(type(part), "content")


DIALECT: Final = Dialect(
    name=NAME,
    write_part=write_part,
    write_result=_write_result,
    write_fields=_write_fields,
    empty={"assistant": {"content": None}, "tool": {"content": ""}},
)
