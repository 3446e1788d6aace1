"""A message: the unit of the log. Immutable, with ordered parts and a stable id."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from memex._frozen import EMPTY, freeze
from memex._parts import Citation, Part, Text, ToolCall, ToolResult
from memex._usage import Usage

Role = Literal["system", "developer", "user", "assistant", "tool"]
Status = Literal["complete", "incomplete", "error", "forgotten"]


def new_id() -> str:
    """Return a new message id of 24 hexadecimal digits: milliseconds, then 48 random bits.

    As in UUID version 7 (RFC 9562), ids made one after the other lie side by side in an index.
    Order is never read from them.
    """
    return (time.time_ns() // 1_000_000).to_bytes(6, "big").hex() + os.urandom(6).hex()


def now() -> datetime:
    """Return the present moment in UTC, to the microsecond."""
    return datetime.now(UTC)


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who made a message.

    Attributes:
        provider: Name of the backend, such as ``"openai"``.
        model: The model as it was asked for. Signed and encrypted parts go back only to it.
        response_id: The provider's id of the response.
        answered_as: The model's name in the answer, where that differs: often with a date.
    """

    provider: str
    model: str = ""
    response_id: str | None = None
    answered_as: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of a thread.

    Attributes:
        role: Who speaks.
        parts: What the message is made of, in order. Any iterable is accepted.
        id: Unique in the thread; appending the same id twice stores it once.
        parent: Id of the message that this one answers, where known.
        name: Name of the speaker, where there are several.
        origin: The model that wrote it, where one did.
        status: ``incomplete`` for an answer that was cut off, ``error`` for one that failed,
            ``forgotten`` for the tombstone of an erased message.
        usage: Tokens that the call cost, on replies.
        created: When it was made, in UTC where no zone is given. For the reader only: order is the log's.
            Words for a time that an import could not read are kept in ``meta["created"]``.
        meta: The user's own notes.
        extra: Fields of a wire format that memex has no word for, by codec name; as in parts.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    id: str = msgspec.field(default_factory=new_id)
    parent: str | None = None
    name: str | None = None
    origin: Origin | None = None
    status: Status = "complete"
    usage: Usage | None = None
    created: datetime = msgspec.field(default_factory=now)
    meta: Mapping[str, Any] = EMPTY
    extra: Mapping[str, Any] = EMPTY

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "parts", tuple(self.parts))
        if isinstance(self.created, datetime) and self.created.tzinfo is None:
            # One moment without a zone cannot be compared with the others of its thread.
            msgspec.structs.force_setattr(self, "created", self.created.replace(tzinfo=UTC))
        if self.meta is not EMPTY:
            msgspec.structs.force_setattr(self, "meta", freeze(self.meta))
        if self.extra is not EMPTY:
            msgspec.structs.force_setattr(self, "extra", freeze(self.extra))

    @classmethod
    def of(cls, role: Role, content: str | Part | Iterable[Part], **fields: Any) -> Message:
        """Make a message from a text, a part, or several parts.

        Args:
            role: Who speaks.
            content: A string (one text part), one part, or parts in order.
            **fields: Any other field of the message.
        """
        if isinstance(content, str):
            return cls(role=role, parts=(Text(content),), **fields)
        if isinstance(content, msgspec.Struct):
            return cls(role=role, parts=(content,), **fields)
        return cls(role=role, parts=tuple(content), **fields)

    @classmethod
    def system(cls, content: str | Part | Iterable[Part], **fields: Any) -> Message:
        """Make a system message; see :meth:`of`."""
        return cls.of("system", content, **fields)

    @classmethod
    def user(cls, content: str | Part | Iterable[Part], **fields: Any) -> Message:
        """Make a user message; see :meth:`of`."""
        return cls.of("user", content, **fields)

    @classmethod
    def assistant(cls, content: str | Part | Iterable[Part], **fields: Any) -> Message:
        """Make an assistant message; see :meth:`of`."""
        return cls.of("assistant", content, **fields)

    @classmethod
    def tool(cls, call_id: str, content: str | Iterable[Part], **fields: Any) -> Message:
        """Make a tool message that answers the call ``call_id``."""
        parts = (Text(content),) if isinstance(content, str) else tuple(content)
        return cls(role="tool", parts=(ToolResult(call_id=call_id, parts=parts),), **fields)

    def replace(self, **fields: Any) -> Message:
        """Return a copy with some fields changed; this message stays as it is."""
        return msgspec.structs.replace(self, **fields)

    @property
    def text(self) -> str:
        """The text parts, joined by newlines; one that goes on after its citations is not cut there."""
        pieces: list[str] = []
        before: Part | None = None
        for part in self.parts:
            if isinstance(part, Text):
                pieces += ["\n"] if pieces and not isinstance(before, Citation) else []
                pieces.append(part.text)
            before = part
        return "".join(pieces)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls in this message."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The tool results in this message."""
        return tuple(part for part in self.parts if isinstance(part, ToolResult))


def is_broken(message: Message) -> bool:
    """Tell whether a message is an answer that was cut off or failed."""
    return message.role == "assistant" and message.status in ("incomplete", "error")
