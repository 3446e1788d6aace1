"""Items of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from memex._codec import Encoded
from memex._codecs.content import content_field, content_form, empty_form, settle, split_results
from memex._codecs.ids import message_id
from memex._codecs.leftovers import fill, leftover, shape_of, shaped, unknown_fields
from memex._codecs.outgoing import Outgoing
from memex._codecs.reading import choice_field, open_payload, required, text_field, text_or_none
from memex._codecs.responses_answer import read_answer, write_answer
from memex._codecs.responses_items import (
    NAME,
    read_call,
    read_content,
    read_output,
    read_reasoning,
    write_content,
    write_item,
)
from memex._errors import InvalidMessage
from memex._frozen import FrozenDict, thaw
from memex._message import Message, Role
from memex._parts import Part, ToolResult

_ROLES = ("user", "system", "developer", "assistant")
_NAMED = frozenset({"message", "function_call", "custom_tool_call"})
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})


class OpenAIResponses:
    """Items of OpenAI's Responses API.

    Payload: ``{"input": [...]}``, with ``"instructions"`` where the conversation was read from a
    payload that had them; ``input`` is a string where it came as one. Everything that a model
    gives between two other messages (its messages, reasoning, calls, and items that memex has no
    word for) is one assistant message, each item a part or a run of parts, in the wire's order
    and with the wire's ids. A call that OpenAI runs and its output are opaque and stay together.

    Written and read again, a conversation comes back in this normal form:

    - consecutive assistant messages are one; each tool result is a tool message of its own, and
      an empty result is an empty text;
    - an image without ``detail`` has the detail ``auto``.

    Reasoning goes back only with the id it came with; where it is left out, so are the ids of the
    answer's other items, which OpenAI would refuse without it. Names of speakers, ``is_error``, media in
    answers, sounds, films and citations of other formats are left out and listed.
    """

    name = NAME

    def encode(self, messages: Sequence[Message], *, model: str | None = None) -> Encoded:
        """Write messages; parts bound to another model than ``model`` are left out and listed."""
        out = Outgoing(NAME, model)
        payload: dict[str, Any] = {}
        items: list[dict[str, Any]] = []
        told = [message for message in messages if message.status != "forgotten"]
        for index, message in enumerate(told):
            written = _write(message, out)
            place = shape_of(message, NAME).get("place")
            bare = len(written) == 1 and isinstance(written[0].get("content"), str)
            if place == "instructions" and index == 0 and bare:
                payload["instructions"] = written[0]["content"]
            elif place == "no instructions" and index == 0:
                payload["instructions"] = None
            else:
                items += written
                if place == "input" and bare and index == len(told) - 1 and len(items) == 1:
                    return Encoded({**payload, "input": items[0]["content"]}, tuple(out.left_out))
        return Encoded(thaw({**payload, "input": items}), tuple(out.left_out))

    def decode(self, payload: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[Message]:
        """Read a payload, or the bare list of its items.

        Raises:
            InvalidMessage: If it is not of this format; names the item, from 0, and the field.
        """
        text = payload.get("input") if isinstance(payload, Mapping) else None
        if isinstance(payload, Mapping) and isinstance(text, str):
            payload = {**payload, "input": [{"role": "user", "content": text}]}
        items, rest = open_payload(payload, "input", "instructions")
        messages = [_read_instructions(rest["instructions"])] if "instructions" in rest else []
        messages += _Reading().messages(items)
        if isinstance(text, str):
            messages[-1] = messages[-1].replace(extra=shaped(NAME, place="input"))
        return messages


def _read_instructions(value: Any) -> Message:
    if value is None:
        return Message(role="system", extra=shaped(NAME, place="no instructions"))
    text = text_field({"instructions": value}, "instructions", "payload")
    return Message.system(text, extra=shaped(NAME, place="instructions"))


class _Reading:
    """Gathers the items of an answer until something else is said."""

    def __init__(self) -> None:
        self._answer: list[Part] = []
        self._answer_ids: list[object] = []
        self._used: set[str] = set()
        self._messages: list[Message] = []

    def messages(self, items: Iterable[FrozenDict]) -> list[Message]:
        for index, item in enumerate(items):
            self._read(item, f"item {index}")
        self._close()
        return self._messages

    def _read(self, item: FrozenDict, where: str) -> None:
        kind = _kind(item, where)
        if kind == "message":
            role = choice_field(item, "role", _ROLES, where)
            if role != "assistant":
                self._add(_read_spoken(item, role, where), item)
            else:
                self._answer_ids.append(item.get("id"))
                self._answer += read_answer(item, where, after=self._answer)
            return
        part = _read_item(item, kind, where)
        if isinstance(part, ToolResult):
            self._add(Message(role="tool", parts=(part,)), item)
        else:
            self._answer.append(part)

    def _add(self, message: Message, item: FrozenDict) -> None:
        self._close()
        self._messages.append(message.replace(id=message_id(item.get("id"), self._used)))

    def _close(self) -> None:
        if self._answer:
            ids = self._answer_ids
            chosen = message_id(ids[0] if len(ids) == 1 else None, self._used)
            self._messages.append(Message(role="assistant", parts=tuple(self._answer), id=chosen))
        self._answer, self._answer_ids = [], []


def _kind(item: FrozenDict, where: str) -> str:
    """Return the type of an item; a message and a reference need not name theirs."""
    if item.get("type") is not None:
        return text_field(item, "type", where)
    return "item_reference" if "id" in item and "role" not in item else "message"


def _read_item(item: FrozenDict, kind: str, where: str) -> Part:
    part: Part | None = None
    if kind in {"function_call", "custom_tool_call"}:
        part = read_call(item, where)
    elif kind in _OUTPUTS and text_or_none(item, "call_id") is not None:
        part = read_output(item, where)
    elif kind == "reasoning":
        part = read_reasoning(item, where)
    return settle(part, item, NAME, write_item)


def _read_spoken(item: FrozenDict, role: str, where: str) -> Message:
    parts = read_content(required(item, "content", where), f"{where}: content", role)
    form = content_form(item, {}, "input_text") if parts else empty_form(item)
    message = Message(role=cast("Role", role), parts=tuple(parts), extra=shaped(NAME, content=form))
    written = _write(message, Outgoing(NAME))
    rest = leftover(item, written[0]) if len(written) == 1 else None
    if rest is None:
        raise InvalidMessage(f"{where}: memex cannot keep it exactly; its fields contradict each other")
    return message.replace(extra={**message.extra, NAME: rest}) if rest else message


def _write(message: Message, out: Outgoing) -> list[dict[str, Any]]:
    out.message = message
    out.check_name()
    before = len(out.left_out)
    items: list[dict[str, Any]] = []
    for run in split_results(message):
        if message.role == "assistant" or (run and isinstance(run[0], ToolResult)):
            items += write_answer(run, out)
        elif message.role == "tool":
            for part in run:
                out.leave(part, f"{NAME} sends nothing but results from a tool")
        else:
            items += _write_spoken(message, run, out)
    if not items and shape_of(message, NAME).get("place") != "no instructions":
        out.empty()
    if any(left.part in {"reasoning", "opaque"} for left in out.left_out[before:]):
        _drop_ids(items, out)
    return items


def _drop_ids(items: Sequence[dict[str, Any]], out: Outgoing) -> None:
    """Take the ids off an answer that is no longer whole: OpenAI refuses them without its reasoning."""
    for item in items:
        if item.get("type") in _NAMED and item.pop("id", None) is not None:
            out.leave("id", "it belongs to an answer of which something was left out")


def _write_spoken(message: Message, run: Sequence[Part], out: Outgoing) -> list[dict[str, Any]]:
    form = str(shape_of(message, NAME).get("content", ""))
    blocks = write_content(run, out, message.role)
    if not blocks and (message.parts or not form):
        return []
    item = {"role": message.role, **content_field(blocks, form, {}, "input_text")}
    return [fill(item, unknown_fields(message, NAME))]
