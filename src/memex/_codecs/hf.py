"""Messages for the chat templates of Hugging Face transformers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

from memex._codec import Encoded
from memex._codecs import arguments, thoughts
from memex._codecs.content import read_blocks, settle, write_blocks
from memex._codecs.dialect import Dialect, Fields, read_result, read_spoken, write_messages
from memex._codecs.leftovers import shape_of, shaped
from memex._codecs.media import Kind, from_url, to_url
from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import (
    choice_field,
    describe,
    object_field,
    objects,
    open_payload,
    required,
    text_field,
    text_or_none,
)
from memex._errors import InvalidMessage
from memex._frozen import FrozenDict
from memex._message import Message, new_id
from memex._parts import Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

NAME: Final = "hf"
_ROLES = ("system", "developer", "user", "assistant", "tool")
_USUAL: Final = "reasoning_content"


class HFChat:
    """Messages for ``apply_chat_template``, arguments as objects.

    Payload: ``{"messages": [...]}``. Content is a string for one text and a list otherwise; roles
    are written as they are, though not every template knows ``developer``. Written and read
    again, a conversation comes back in this normal form:

    - a message with several tool results becomes one tool message each; an empty result is an
      empty text;
    - the parts of an assistant message stand in the order reasoning, text and media, tool calls;
      all reasoning is one part, and a refusal is a text;
    - the arguments of a tool call are compact JSON where they are a JSON object, and exact
      otherwise (see ``memex._codecs.arguments``).

    Calls without an id, which templates allow, get one; results without an id answer the first
    open call, of that name where they name one. Signed or encrypted reasoning, files, media by
    file id, ``is_error`` and citations are left out and listed.
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
        messages: list[Message] = []
        waiting: list[ToolCall] = []
        for index, item in enumerate(items):
            message = _read(item, f"message {index}", waiting)
            waiting += message.tool_calls
            messages.append(message)
        return messages


def _read(item: FrozenDict, where: str, waiting: list[ToolCall]) -> Message:
    role = choice_field(item, "role", _ROLES, where)
    content = item.get("content") if role == "assistant" else required(item, "content", where)
    parts = read_blocks(content, f"{where}: content", NAME, _read_block, partial(_write_part, role))
    if role == "tool":
        return read_result(item, _read_tool(item, where, parts, waiting), where, _DIALECT)
    if role == "assistant":
        parts = [*thoughts.read_thoughts(item, NAME, usual=_USUAL), *parts, *_read_calls(item, where)]
    return read_spoken(item, role, parts, where, _DIALECT)


def _read_tool(item: FrozenDict, where: str, parts: list[Part], waiting: list[ToolCall]) -> ToolResult:
    """Return the result, and strike the call it answers from those that wait."""
    name = text_or_none(item, "name")
    nameless = item.get("tool_call_id") is None
    call_id = "" if nameless else text_field(item, "tool_call_id", where)
    answered = [call for call in waiting if (name in {None, call.name} if nameless else call.id == call_id)]
    if nameless:
        call_id = answered[0].id if answered else _fresh_call_id()
    if answered:
        waiting.remove(answered[0])
    return ToolResult(call_id=call_id, parts=tuple(parts), name=name, extra=shaped(NAME, nameless=nameless))


def _fresh_call_id() -> str:
    return f"call_{new_id()}"


def _read_block(block: FrozenDict, where: str) -> Part | None:
    match block["type"]:
        case "text":
            return Text(text_field(block, "text", where))
        case "image" | "audio" | "video" as kind:
            return _read_media(block, cast("Kind", kind))
        case _:
            return None


def _read_media(block: FrozenDict, kind: Kind) -> Media | None:
    url, data = text_or_none(block, "url"), text_or_none(block, "base64")
    if url is not None:
        return from_url(url, kind) if kind == "image" else Media(kind=kind, source="url", value=url)
    return None if data is None else Media(kind=kind, source="base64", value=data)


def _read_calls(item: FrozenDict, where: str) -> list[Part]:
    if item.get("tool_calls") is None:
        return []
    calls = objects(item["tool_calls"], f"{where}: tool_calls")
    return [_read_call(call, f"{where}: tool_calls[{index}]") for index, call in enumerate(calls)]


def _read_call(call: FrozenDict, where: str) -> Part:
    """Read ``{"type", "id", "function": {"name", "arguments"}}``, or the bare function."""
    bare = "function" not in call
    place = where if bare else f"{where}.function"
    body = call if bare else object_field(call, "function", where)
    given = required(body, "arguments", place)
    if not isinstance(given, (FrozenDict, str)):
        raise InvalidMessage(f"{place}: 'arguments' is {describe(given)}, not an object or a string")
    call_id = text_or_none(call, "id")
    exact = isinstance(given, str) or arguments.is_exact(given)
    part = ToolCall(
        id=_fresh_call_id() if call_id is None else call_id,
        name=text_field(body, "name", place),
        arguments=given if isinstance(given, str) else arguments.to_text(given),
        extra=shaped(
            NAME,
            bare=bare,
            untyped=call.get("type") != "function",
            nameless=call_id is None,
            text=isinstance(given, str),
            input=None if exact else given,
        ),
    )
    settled = settle(part, call, NAME, _write_call)
    if not isinstance(settled, ToolCall):
        raise InvalidMessage(f"{where}: memex cannot keep it exactly; its fields contradict each other")
    return settled


def _write_call(part: ToolCall, _out: Outgoing) -> dict[str, Any]:
    shape = shape_of(part, NAME)
    given: Any = part.arguments
    if not shape.get("text"):
        given = shape.get("input")
        if not isinstance(given, Mapping) or arguments.to_text(given) != part.arguments:
            given = arguments.to_object(part.arguments)
    body = {"name": part.name, "arguments": given}
    call: dict[str, Any] = body if shape.get("bare") else {"function": body}
    if not shape.get("untyped"):
        call["type"] = "function"
    if not shape.get("nameless"):
        call["id"] = part.id
    return call


def _write_part(role: str, part: Part, out: Outgoing) -> dict[str, Any]:
    if isinstance(part, (Text, Refusal)):
        return {"type": "text", "text": part.text}
    if isinstance(part, Media) and part.kind != "file":
        return _write_media(part, out)
    raise NoPlace(f"{NAME} has no place for it in a {role} message")


def _write_media(part: Media, out: Outgoing) -> dict[str, Any]:
    if part.source == "base64" and (part.kind != "image" or part.media_type is None):
        out.check_media(part)
        return {"type": part.kind, "base64": part.value}
    out.check_media(part, "media_type")
    return {"type": part.kind, "url": to_url(part, NAME)}


def _write_result(part: ToolResult, _out: Outgoing) -> dict[str, Any]:
    head = {"role": "tool"}
    if not shape_of(part, NAME).get("nameless"):
        head["tool_call_id"] = part.call_id
    return head if part.name is None else {**head, "name": part.name}


def _write_fields(run: Sequence[Part], out: Outgoing) -> Fields:
    reasoning = [part for part in run if isinstance(part, Reasoning)]
    calls = [part for part in run if isinstance(part, ToolCall)]
    fields: dict[str, Any] = dict(thoughts.write_thoughts(reasoning, out, _USUAL))
    if written := write_blocks(calls, out, _write_call):
        fields["tool_calls"] = written
    return [part for part in run if not isinstance(part, (Reasoning, ToolCall))], fields


_DIALECT: Final = Dialect(
    name=NAME,
    write_part=_write_part,
    write_result=_write_result,
    write_fields=_write_fields,
    empty={"tool": {"content": ""}},
)
