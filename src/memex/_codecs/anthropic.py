"""Anthropic Messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from memex._codec import Encoded
from memex._codecs.anthropic_blocks import NAME, read_content, write_content
from memex._codecs.content import content_field, content_form, empty_form, split_results
from memex._codecs.ids import message_id
from memex._codecs.leftovers import fill, leftover, shape_of, shaped, unknown_fields
from memex._codecs.outgoing import Outgoing
from memex._codecs.reading import choice_field, open_payload, required
from memex._errors import InvalidMessage
from memex._frozen import FrozenDict, thaw
from memex._message import Message, Role
from memex._parts import ToolResult

_ROLES = ("user", "assistant", "system")
_WIRE_ROLES = {
    "user": "user",
    "tool": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}


class Anthropic:
    """Messages of Anthropic's API.

    Payload: ``{"messages": [...]}``, with ``"system"`` where the conversation begins with system
    or developer messages. Anthropic wants the results of parallel calls in one user message and
    roles that alternate: consecutive user and tool messages are written as one, and so are
    consecutive assistant messages, unless the wire they came from kept them apart. Later system
    messages stay in ``messages``.

    Written and read again, a conversation comes back in this normal form:

    - leading system and developer messages are one system message; later developer messages are
      system messages;
    - each tool result is a tool message of its own; user messages between two assistant messages
      are one; consecutive assistant messages are one;
    - the arguments of a tool call are compact JSON where they are a JSON object, and exact
      otherwise (see ``memex._codecs.arguments``);
    - a refusal is a text; all citations of a text are one part that spans it.

    Reasoning goes back with its signature only. Empty texts, sounds, films, names of speakers,
    detail of images, and citations of other formats are left out and listed; the tool name in a
    result repeats the call's and is not written.
    """

    name = NAME

    def encode(self, messages: Sequence[Message], *, model: str | None = None) -> Encoded:
        """Write messages; parts bound to another model than ``model`` are left out and listed."""
        out = Outgoing(NAME, model)
        told = [message for message in messages if message.status != "forgotten"]
        leading = _leading(told)
        system = _write_system(told[:leading], out)
        turns = _write_turns(told[leading:], out)
        payload = {**system, "messages": [_finished(turn) for turn in turns]}
        return Encoded(thaw(payload), tuple(out.left_out))

    def decode(self, payload: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[Message]:
        """Read a payload, or the bare list of its messages.

        Raises:
            InvalidMessage: If it is not of this format; names the message, from 0, and the field.
        """
        items, rest = open_payload(payload, "messages", "system")
        messages = [_read_system(rest)] if "system" in rest else []
        used: set[str] = set()
        before = ""
        opening = True
        for index, item in enumerate(items):
            where = f"message {index}"
            role = choice_field(item, "role", _ROLES, where)
            opening = opening and role == "system"
            shape = {"apart": role == before != "system", "place": "messages" if opening else None}
            messages.extend(_read_turn(item, role, where, shape, used))
            before = role
        return messages


def _read_system(payload: Mapping[str, Any]) -> Message:
    item = FrozenDict(content=payload["system"])
    parts = read_content(item["content"], "payload: 'system'", "system")
    form = content_form(item, {}) if parts else empty_form(item)
    return Message(role="system", parts=tuple(parts), extra=shaped(NAME, content=form))


def _read_turn(
    item: FrozenDict, role: str, where: str, shape: Mapping[str, Any], used: set[str]
) -> list[Message]:
    """Return the messages of one wire message: one, or more where it holds tool results."""
    parts = read_content(required(item, "content", where), f"{where}: content", role)
    form = content_form(item, {}) if parts else empty_form(item)
    whole = Message(role=cast("Role", role), parts=tuple(parts))
    pieces = [
        whole.replace(
            role="tool" if run and isinstance(run[0], ToolResult) else role,
            parts=run,
            id=message_id(item.get("id") if index == 0 else None, used),
            extra=shaped(NAME, content=form, **shape) if index == 0 else FrozenDict(),
        )
        for index, run in enumerate(split_results(whole))
    ]
    turns = _write_turns(pieces, Outgoing(NAME))
    rest = leftover(item, _finished(turns[0])) if len(turns) == 1 else None
    if rest is None:
        raise InvalidMessage(f"{where}: memex cannot keep it exactly; its fields contradict each other")
    if rest:
        pieces[0] = pieces[0].replace(extra={**pieces[0].extra, NAME: rest})
    return pieces


class _Turn(msgspec.Struct):
    """A wire message in the making."""

    role: str
    blocks: list[dict[str, Any]]
    form: str
    extra: Mapping[str, Any]


def _finished(turn: _Turn) -> dict[str, Any]:
    return fill({"role": turn.role, **content_field(turn.blocks, turn.form, {})}, turn.extra)


def _form(message: Message) -> str:
    return str(shape_of(message, NAME).get("content", ""))


def _write_turns(messages: Sequence[Message], out: Outgoing) -> list[_Turn]:
    turns: list[_Turn] = []
    for message in messages:
        out.message = message
        out.check_name()
        form, extra = _form(message), unknown_fields(message, NAME)
        apart = bool(extra or shape_of(message, NAME).get("apart"))
        written = 0
        for run in split_results(message):
            is_result = bool(run) and isinstance(run[0], ToolResult)
            role = "user" if is_result else _WIRE_ROLES[message.role]
            blocks = write_content(run, out, role)
            if not blocks and (message.parts or not form):
                continue
            if turns and turns[-1].role == role != "system" and (written or not apart):
                turns[-1].blocks.extend(blocks)
            else:
                turns.append(_Turn(role, blocks, form, {} if written else extra))
            written += 1
        if not written:
            out.empty()
    return turns


def _leading(messages: Sequence[Message]) -> int:
    """Return how many messages at the start go into ``system``."""
    for index, message in enumerate(messages):
        # ``system`` has no room for fields of a message.
        inside = shape_of(message, NAME).get("place") == "messages" or unknown_fields(message, NAME)
        if _WIRE_ROLES[message.role] != "system" or inside:
            return index
    return len(messages)


def _write_system(messages: Sequence[Message], out: Outgoing) -> dict[str, Any]:
    """Return the ``system`` field, or nothing."""
    blocks: list[dict[str, Any]] = []
    said = False
    for message in messages:
        out.message = message
        out.check_name()
        written = write_content(message.parts, out, "system")
        blocks.extend(written)
        if written or (_form(message) and not message.parts):
            said = True
        else:
            out.empty()
    return {"system": content_field(blocks, _form(messages[0]), {})["content"]} if said else {}
