"""Wire formats: how other programs write a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import msgspec

from memex._errors import UnknownProvider
from memex._message import Message

BUILT_IN = {
    "openai": "memex._codecs.openai_chat:OpenAIChat",
    "openai-responses": "memex._codecs.openai_responses:OpenAIResponses",
    "anthropic": "memex._codecs.anthropic:Anthropic",
    "cohere": "memex._codecs.cohere:Cohere",
    "hf": "memex._codecs.hf:HFChat",
}


class LeftOut(msgspec.Struct, frozen=True):
    """A part that a format or a model could not take.

    Attributes:
        message: Id of the message.
        part: Type of the part, such as ``"reasoning"``; the field for ``"name"`` and ``"id"``, and
            ``"message"`` where nothing of the message could be sent.
        why: The reason, for a person.
    """

    message: str
    part: str
    why: str


class Encoded(msgspec.Struct, frozen=True):
    """Messages in a wire format.

    Attributes:
        payload: Keyword arguments for the SDK's call: ``{"messages": [...]}`` and, where the
            format has it, ``"system"`` or ``"input"``.
        left_out: What the format cannot carry, one entry each.
    """

    payload: dict[str, Any]
    left_out: tuple[LeftOut, ...] = ()


@runtime_checkable
class Codec(Protocol):
    """Messages to and from a wire format, without loss.

    ``encode(decode(wire))`` gives the same payload back, unknown fields included.
    """

    name: str

    def encode(self, messages: Sequence[Message], *, model: str | None = None) -> Encoded:
        """Write messages; parts bound to another model than ``model`` are left out and listed."""

    def decode(self, payload: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[Message]:
        """Read a payload, or the bare list of its messages.

        Raises:
            InvalidMessage: If it is not of this format; names the item and the field.
        """


def built_in(name: str) -> Codec:
    """Return one of the codecs that come with the host.

    Raises:
        UnknownProvider: If there is none of that name.
    """
    if name not in BUILT_IN:
        raise UnknownProvider(
            f"no codec {name!r}; the host has {', '.join(BUILT_IN)}", kind="codecs", name=name
        )
    module, _, attribute = BUILT_IN[name].partition(":")
    codec: Codec = getattr(import_module(module), attribute)()
    return codec


def encode(messages: Sequence[Message], codec: str, *, model: str | None = None) -> Encoded:
    """Write messages in a wire format: ``encode(messages, "openai").payload["messages"]``."""
    return built_in(codec).encode(messages, model=model)


def decode(payload: Mapping[str, Any] | Iterable[Mapping[str, Any]], codec: str) -> list[Message]:
    """Read messages from a wire format: ``decode(request["messages"], "openai")``."""
    return built_in(codec).decode(payload)
