"""Checks the body of a chat request against the SDK's own models: every field known, of its type."""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any

import cohere
import pydantic
from cohere.types import CitationOptions, ResponseFormatV2, Thinking, ToolV2
from cohere.types.chat_message_v2 import ChatMessageV2
from cohere.v2.types.v2chat_request_documents_item import V2ChatRequestDocumentsItem


class Chat(pydantic.BaseModel):
    """The parameters of ``v2.chat``, as its signature has them."""

    model: str
    messages: list[ChatMessageV2]
    stream: bool = False
    tools: list[ToolV2] | None = None
    strict_tools: bool | None = None
    documents: list[V2ChatRequestDocumentsItem] | None = None
    citation_options: CitationOptions | None = None
    response_format: ResponseFormatV2 | None = None
    safety_mode: str | None = None
    max_tokens: int | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    k: int | None = None
    p: float | None = None
    logprobs: bool | None = None
    tool_choice: typing.Literal["REQUIRED", "NONE"] | None = None
    thinking: Thinking | None = None
    priority: int | None = None


def check_chat(body: dict[str, Any]) -> None:
    """Fail if ``v2.chat`` does not take these parameters."""
    try:
        _strict(Chat).model_validate(body)
    except pydantic.ValidationError as failed:
        told = sorted(failed.errors(include_url=False), key=lambda one: -len(one["loc"]))
        raise AssertionError(f"{[(one['loc'], one['msg']) for one in told[:3]]} in {body}") from None


def missing_parameters() -> set[str]:
    """Return the parameters of the SDK's call that :class:`Chat` does not have."""
    import inspect

    known = inspect.signature(cohere.ClientV2.chat).parameters
    return set(known) - set(Chat.model_fields) - {"self", "request_options"}


@cache
def _strict(kind: Any) -> Any:
    """Return the type with unknown fields forbidden."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        fields: dict[str, Any] = {}
        for name, field in kind.model_fields.items():
            required = field.is_required() or typing.get_origin(field.annotation) is typing.Literal
            fields[field.alias or name] = (_strict(field.annotation), ... if required else field.default)
        config = pydantic.ConfigDict(extra="forbid", strict=True)
        return pydantic.create_model(kind.__name__, __config__=config, **fields)
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(_strict(one) for one in inner)]  # noqa: UP007 - made of a tuple
    if origin is list:
        return list[_strict(inner[0])]
    if origin is typing.Annotated:
        return _strict(inner[0])
    return kind
