"""Checks a request strictly against the types that the SDK publishes for it: no field it does not know."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from openai._types import SequenceNotStr
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses
from typing_extensions import is_typeddict

CHAT = (chat.CompletionCreateParamsNonStreaming, chat.CompletionCreateParamsStreaming)
RESPONSES = (responses.ResponseCreateParamsNonStreaming, responses.ResponseCreateParamsStreaming)
_LISTS = (list, Iterable, Sequence, SequenceNotStr)


def check_chat(body: Mapping[str, Any]) -> None:
    """Raise an AssertionError if the SDK's types for Chat Completions do not allow a body."""
    _check(body, CHAT[bool(body.get("stream"))], "body")


def check_responses(body: Mapping[str, Any]) -> None:
    """Raise an AssertionError if the SDK's types for the Responses API do not allow a body."""
    _check(body, RESPONSES[bool(body.get("stream"))], "body")


def _check(value: Any, wanted: Any, where: str) -> None:
    problem = _problem(value, wanted, where)
    assert problem is None, problem


@cache
def _fields(wanted: Any) -> dict[str, Any]:
    return typing.get_type_hints(wanted, include_extras=True)


def _problem(value: Any, wanted: Any, where: str) -> str | None:  # noqa: PLR0911 - a table
    """Return what is wrong, or None."""
    if wanted in (Any, object) or isinstance(wanted, typing.TypeVar):
        return None
    origin, args = get_origin(wanted), get_args(wanted)
    if origin in (typing.Annotated, Required, NotRequired):
        return _problem(value, args[0], where)
    if origin in (Union, UnionType):
        problems = [_problem(value, one, where) for one in args]
        return None if None in problems else max(filter(None, problems), key=_depth)
    if origin is Literal:
        return None if value in args else f"{where}: {value!r} is none of {args}"
    if is_typeddict(wanted):
        return _table_problem(value, wanted, where)
    if origin in (dict, Mapping) or wanted is dict:
        return None if isinstance(value, dict) else f"{where}: {value!r} is no object"
    if origin in _LISTS or wanted in _LISTS:
        return _list_problem(value, args[0] if args else Any, where)
    return _plain_problem(value, wanted, where)


def _table_problem(value: Any, wanted: Any, where: str) -> str | None:
    if not isinstance(value, dict):
        return f"{where}: {value!r} is no object"
    fields = _fields(wanted)
    problems = [
        f"{where}.{name}: {wanted.__name__} has no such field" for name in value if name not in fields
    ]
    problems += [f"{where}.{name}: is missing" for name in wanted.__required_keys__ if name not in value]
    told = (_problem(item, fields[name], f"{where}.{name}") for name, item in value.items() if name in fields)
    return next((p for p in (*problems, *told) if p), None)


def _list_problem(value: Any, wanted: Any, where: str) -> str | None:
    if not isinstance(value, list):
        return f"{where}: {value!r} is no list"
    return next((p for n, item in enumerate(value) if (p := _problem(item, wanted, f"{where}[{n}]"))), None)


def _plain_problem(value: Any, wanted: Any, where: str) -> str | None:
    if wanted in (None, NoneType):
        return None if value is None else f"{where}: {value!r} is not null"
    numbers = {float: (int, float), int: (int,)}.get(wanted, (wanted,))
    fits = isinstance(value, numbers) and (wanted is bool or not isinstance(value, bool))
    return None if fits else f"{where}: {value!r} is no {wanted}"


def _depth(problem: str) -> int:
    return problem.partition(":")[0].count(".") + problem.partition(":")[0].count("[")
