"""Cohere v2 chat messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from memex._codec import Encoded
from memex._codecs import arguments, thoughts
from memex._codecs.content import read_blocks, settle, write_blocks
from memex._codecs.dialect import Dialect, Fields, read_result, read_spoken, write_messages
from memex._codecs.function_calls import opaque_call, read_call, write_call
from memex._codecs.leftovers import same, shape_of, shaped
from memex._codecs.media import read_image_url, write_image_url
from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import (
    choice_field,
    int_or_none,
    object_field,
    objects,
    open_payload,
    required,
    text_field,
    text_or_none,
)
from memex._frozen import FrozenDict
from memex._message import Message
from memex._parts import Citation, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

NAME: Final = "cohere"
_ROLES = ("system", "user", "assistant", "tool")
_PLAN = ("tool_plan",)
_SOURCES = frozenset({"tool", "document"})


class Cohere:
    """Messages of Cohere's v2 chat API.

    Payload: ``{"messages": [...]}``. Each wire message is one message, each tool message one tool
    result. A ``tool_plan`` is reasoning that goes back into that field; a document in a tool
    result is a text, its ``data`` as JSON. Written and read again, a conversation comes back in
    this normal form:

    - developer messages are system messages, and a refusal is a text;
    - a message with several tool results becomes one tool message each; an empty result is an
      empty text;
    - the parts of an assistant message stand in the order tool plan, text and thoughts, tool
      calls, citations.

    Signed or encrypted reasoning, names, ``is_error``, everything but images by URL or data, and
    citations of other formats are left out and listed; the tool name in a result repeats the
    call's and is not written.
    """

    name = NAME

    def encode(self, messages: Sequence[Message], *, model: str | None = None) -> Encoded:
        """Write messages; parts bound to another model than ``model`` are left out and listed."""
        return write_messages(messages, model, _DIALECT)

    def decode(self, payload: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[Message]:
        """Read a payload, or the bare list of its messages.

        Raises:
            InvalidMessage: If it is not of this format; names the message, from 0, and the field.
        """
        items, _ = open_payload(payload, "messages")
        return [_read(item, f"message {index}") for index, item in enumerate(items)]


def _read(item: FrozenDict, where: str) -> Message:
    role = choice_field(item, "role", _ROLES, where)
    content = item.get("content") if role == "assistant" else required(item, "content", where)
    parts = read_blocks(content, f"{where}: content", NAME, _read_block, partial(_write_part, role))
    if role == "tool":
        result = ToolResult(call_id=text_field(item, "tool_call_id", where), parts=tuple(parts))
        return read_result(item, result, where, _DIALECT)
    if role == "assistant":
        parts = [*thoughts.read_thoughts(item, NAME, _PLAN), *parts, *_read_calls(item, where)]
        parts += _read_citations(item.get("citations"))
    return read_spoken(item, role, parts, where, _DIALECT)


def _read_calls(item: FrozenDict, where: str) -> list[Part]:
    if item.get("tool_calls") is None:
        return []
    calls = objects(item["tool_calls"], f"{where}: tool_calls")
    return [_read_call(call, f"{where}: tool_calls[{index}]") for index, call in enumerate(calls)]


def _read_call(call: FrozenDict, where: str) -> Part:
    function = call.get("function")
    # Name and arguments are optional in Cohere's API; without them it is no call memex could run.
    whole = isinstance(function, FrozenDict) and {"name", "arguments"} <= function.keys()
    return read_call(call, where, NAME) if whole else opaque_call(call, NAME)


def _read_block(block: FrozenDict, where: str) -> Part | None:
    match block["type"]:
        case "text":
            return Text(text_field(block, "text", where))
        case "thinking":
            return Reasoning(text_field(block, "thinking", where))
        case "image_url":
            return read_image_url(block, where)
        case "document":
            return _read_document(object_field(block, "document", where))
        case _:
            return None


def _read_document(document: FrozenDict) -> Text | None:
    data = document.get("data")
    if isinstance(data, str):
        return Text(data, extra=shaped(NAME, document="text"))
    if not isinstance(data, FrozenDict):
        return None
    text = arguments.compact(data)
    return (
        Text(text, extra=shaped(NAME, document="object")) if same(arguments.as_object(text), data) else None
    )


def _read_citations(value: Any) -> list[Part]:
    """Return the citations, or none where one of them is not as Cohere documents it."""
    if not isinstance(value, tuple) or not all(isinstance(item, FrozenDict) for item in value):
        return []
    citations = [settle(_read_citation(item), item, NAME, _write_citation) for item in value]
    return [] if any(isinstance(part, Opaque) for part in citations) else citations


def _read_citation(item: FrozenDict) -> Citation:
    sources = item.get("sources")
    return Citation(
        text=text_or_none(item, "text") or "",
        start=int_or_none(item, "start"),
        end=int_or_none(item, "end"),
        sources=sources if isinstance(sources, tuple) else (),
    )


def _write_citation(part: Citation, _out: Outgoing) -> dict[str, Any]:
    if not all(isinstance(item, Mapping) and item.get("type") in _SOURCES for item in part.sources):
        raise NoPlace("its sources are of another format")
    fields = {
        "start": part.start,
        "end": part.end,
        "text": part.text or None,
        "sources": part.sources or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _write_part(role: str, part: Part, out: Outgoing) -> dict[str, Any]:
    match part, role:
        case Text(), _:
            return _write_text(part, role)
        case Refusal(), _:
            return {"type": "text", "text": part.text}
        case Media(kind="image"), "user":
            return write_image_url(part, out)
        case Reasoning(signature=None, encrypted=None), "assistant":
            out.check_reasoning(part)
            return {"type": "thinking", "thinking": part.text}
        case _:
            raise NoPlace(f"{NAME} has no place for it in a {role} message")


def _write_text(part: Text, role: str) -> dict[str, Any]:
    document = shape_of(part, NAME).get("document") if role == "tool" else None
    if document == "text":
        return {"type": "document", "document": {"data": part.text}}
    data = arguments.as_object(part.text) if document == "object" else None
    if data is not None:
        return {"type": "document", "document": {"data": data}}
    return {"type": "text", "text": part.text}


def _write_result(part: ToolResult, _out: Outgoing) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": part.call_id}


def _write_fields(run: Sequence[Part], out: Outgoing) -> Fields:
    plans = [part for part in run if thoughts.field_of(part, NAME)]
    calls = [part for part in run if _is_call(part)]
    citations = [part for part in run if isinstance(part, Citation)]
    apart = {id(part) for part in (*plans, *calls, *citations)}
    fields: dict[str, Any] = dict(thoughts.write_thoughts(plans, out))
    if written := write_blocks(calls, out, write_call):
        fields["tool_calls"] = written
    if written := write_blocks(citations, out, _write_citation):
        fields["citations"] = written
    return [part for part in run if id(part) not in apart], fields


def _is_call(part: Part) -> bool:
    return isinstance(part, ToolCall) or shape_of(part, NAME).get("place") == "tool_calls"


_DIALECT: Final = Dialect(
    name=NAME,
    write_part=_write_part,
    write_result=_write_result,
    write_fields=_write_fields,
    roles={"developer": "system"},
    named=False,
    empty={"tool": {"content": ""}},
)
