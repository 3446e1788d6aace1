"""What the chat-shaped formats share: one wire message a message, one tool message a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import msgspec

from memex._codec import Encoded
from memex._codecs.content import content_field, content_form, empty_form, split_results, write_blocks
from memex._codecs.leftovers import fill, leftover, shape_of, shaped, unknown_fields, with_fields
from memex._codecs.outgoing import Outgoing
from memex._codecs.reading import text_or_none
from memex._errors import InvalidMessage
from memex._frozen import EMPTY, FrozenDict, thaw
from memex._message import Message, Role
from memex._parts import Part, ToolResult

Fields = tuple[list[Part], dict[str, Any]]


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one chat-shaped format differs from the others.

    Attributes:
        name: Name of the codec.
        write_part: Writes one part as a content block: ``(role, part, out)``.
        write_result: Writes the head of a tool message: everything but its content.
        write_fields: Returns the parts of an assistant message that go into its content, and its
            other fields.
        roles: What roles are called where the format calls them otherwise.
        named: Whether messages have a ``name``.
        empty: What stands for "no content", by wire role, where the wire did not say.
    """

    name: str
    write_part: Callable[[str, Any, Outgoing], dict[str, Any]]
    write_result: Callable[[ToolResult, Outgoing], dict[str, Any]]
    write_fields: Callable[[Sequence[Part], Outgoing], Fields]
    roles: Mapping[str, str] = EMPTY
    named: bool = True
    empty: Mapping[str, Mapping[str, Any]] = EMPTY


def read_spoken(item: FrozenDict, role: str, parts: Sequence[Part], where: str, dialect: Dialect) -> Message:
    """Return the message of a wire message that is not a tool's, with its unknown fields."""
    message = Message(
        role=cast("Role", role),
        parts=tuple(parts),
        name=text_or_none(item, "name") if dialect.named else None,
        extra=shaped(dialect.name, content=_form_of(item, parts, dialect.empty.get(role, {}))),
    )
    rest = _rest(item, _write_message(message, Outgoing(dialect.name), dialect), where)
    return message.replace(extra={**message.extra, dialect.name: rest}) if rest else message


def read_result(item: FrozenDict, result: ToolResult, where: str, dialect: Dialect) -> Message:
    """Return the message of a tool message, its unknown fields with the result."""
    form = _form_of(item, result.parts, dialect.empty.get("tool", {}))
    notes = {**shape_of(result, dialect.name), "content": form}
    result = msgspec.structs.replace(result, extra=shaped(dialect.name, **notes))
    written = _write_message(Message(role="tool", parts=(result,)), Outgoing(dialect.name), dialect)
    return Message(role="tool", parts=(with_fields(result, dialect.name, _rest(item, written, where)),))


def _form_of(item: FrozenDict, parts: Sequence[Part], empty: Mapping[str, Any]) -> str | None:
    return content_form(item, empty) if parts else empty_form(item)


def _rest(item: FrozenDict, written: list[dict[str, Any]], where: str) -> dict[str, Any]:
    rest = leftover(item, written[0]) if len(written) == 1 else None
    if rest is None:
        raise InvalidMessage(f"{where}: memex cannot keep it exactly; its fields contradict each other")
    return rest


def write_messages(messages: Sequence[Message], model: str | None, dialect: Dialect) -> Encoded:
    """Write messages; parts bound to another model than ``model`` are left out and listed."""
    out = Outgoing(dialect.name, model)
    wire = [item for message in messages for item in _write_message(message, out, dialect)]
    return Encoded({"messages": thaw(wire)}, tuple(out.left_out))


def _write_message(message: Message, out: Outgoing, dialect: Dialect) -> list[dict[str, Any]]:
    """Return the wire messages for one message: none if forgotten or empty, one per tool result."""
    if message.status == "forgotten":
        return []
    out.message = message
    wire: list[dict[str, Any]] = []
    extra = unknown_fields(message, dialect.name)
    for run in split_results(message):
        if run and isinstance(run[0], ToolResult):
            wire.append(_write_result(run[0], out, dialect))
        elif message.role == "tool":
            for part in run:
                out.leave(part, f"a tool message of {dialect.name} holds nothing but results")
        elif (spoken := _write_spoken(message, run, out, dialect)) is not None:
            wire.append(fill(spoken, extra))
            extra = EMPTY
    if not wire:
        out.empty()
    elif message.role == "tool" or not dialect.named:
        out.check_name()
    return wire


def _write_result(part: ToolResult, out: Outgoing, dialect: Dialect) -> dict[str, Any]:
    blocks = write_blocks(part.parts, out, partial(dialect.write_part, "tool"))
    form = str(shape_of(part, dialect.name).get("content", ""))
    if not blocks and part.parts:
        form = ""  # it was not empty on the wire
    content = content_field(blocks, form, dialect.empty.get("tool", {}))
    if part.is_error:
        out.leave(part, f"{dialect.name} has no field for is_error; the rest is sent")
    return fill({**dialect.write_result(part, out), **content}, unknown_fields(part, dialect.name))


def _write_spoken(
    message: Message, run: Sequence[Part], out: Outgoing, dialect: Dialect
) -> dict[str, Any] | None:
    """Return the wire message for what is said between tool results, or None if nothing is left."""
    form = str(shape_of(message, dialect.name).get("content", ""))
    role = dialect.roles.get(message.role, message.role)
    fields: dict[str, Any] = {}
    if role == "assistant":
        run, fields = dialect.write_fields(run, out)
    blocks = write_blocks(run, out, partial(dialect.write_part, role))
    if not (blocks or fields) and (message.parts or not form):
        return None
    wire = {"role": role, **content_field(blocks, form, dialect.empty.get(role, {})), **fields}
    return {**wire, "name": message.name} if dialect.named and message.name is not None else wire
