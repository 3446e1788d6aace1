"""Checks a request against the SDK's own types: every field known, every value of its type."""

from __future__ import annotations

import collections.abc
import io
import os
import types
import typing
from functools import cache
from typing import Any

import pydantic
import typing_extensions
from anthropic._types import SequenceNotStr
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

_FILES = (os.PathLike, typing.IO[bytes], io.IOBase)
_LISTS = (collections.abc.Iterable, list, SequenceNotStr)


def check_params(params: dict[str, Any]) -> None:
    """Fail if ``messages.create`` does not take these parameters."""
    sdk = {
        name: value for name, value in params.items() if name not in ("extra_body", "extra_headers", "stream")
    }
    _check(MessageCreateParamsNonStreaming, sdk)


def check_count_params(params: dict[str, Any]) -> None:
    """As above, for ``messages.count_tokens``."""
    _check(MessageCountTokensParams, params)


def _check(kind: Any, params: dict[str, Any]) -> None:
    try:
        _adapter(kind).validate_python(params)
    except pydantic.ValidationError as error:
        # A union of twenty blocks says why each of them does not fit; the shortest way down says most.
        told = sorted(error.errors(include_url=False), key=lambda one: -len(one["loc"]))
        raise AssertionError(f"{[(one['loc'], one['msg']) for one in told[:3]]} in {params}") from None


@cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(_strict(kind))


@cache
def _strict(kind: Any) -> Any:
    """Return the type with unknown fields forbidden, and with lists where anything iterable would do."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if typing_extensions.is_typeddict(kind):
        if getattr(kind, "__pydantic_config__", {}).get("extra") == "allow":
            return kind
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        fields = {name: _strict(hint) for name, hint in hints.items()}
        twin = typing_extensions.TypedDict(kind.__name__, fields, total=False)
        twin.__pydantic_config__ = pydantic.ConfigDict(extra="forbid", strict=True)
        return twin
    if origin in (typing.Union, types.UnionType):
        # Files stand for their data in the SDK; memex sends the data.
        plain = [
            one
            for one in inner
            if typing.get_origin(one) not in (os.PathLike, typing.IO) and one not in _FILES
        ]
        return typing.Union[tuple(_strict(one) for one in plain)]  # noqa: UP007 - made of a tuple
    if origin in _LISTS:
        return list[_strict(inner[0])]
    if origin in (typing_extensions.Required, typing_extensions.NotRequired):
        return origin[_strict(inner[0])]
    return _strict(inner[0]) if origin is typing.Annotated else kind
