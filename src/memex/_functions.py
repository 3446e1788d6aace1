"""Python functions as tools: their schema from type hints and docstring, and how they are called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from memex._backend import Tool
from memex._errors import BadSetting, InvalidMessage
from memex._frozen import freeze
from memex._parts import Citation, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from memex._schemas import schema_of

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")  # the strictest provider's rule
_PARTS: Final = (Text, Reasoning, ToolCall, ToolResult, Media, Refusal, Citation, Opaque)


def tool_of(function: Callable[..., Any], *, name: str | None = None) -> Tool:
    """Make a tool of a function: its schema comes from the type hints, its words from the docstring.

    Any types that ``msgspec`` reads can be hints: plain values, lists, dicts, ``Literal``, enums, dates,
    dataclasses, ``TypedDict``, ``msgspec.Struct``, and ``Annotated[int, msgspec.Meta(ge=1)]``. What the
    docstring says of each argument is told to the model. A parameter with a default may be left out.

    Args:
        function: A plain or ``async`` function, a method, or any other callable.
        name: What the model calls it; the function's own name by default.

    Raises:
        BadSetting: If the model could not call it: no name, a type that JSON cannot hold, arguments
            without names.
    """
    if not callable(function):
        raise BadSetting(f"tools: a {type(function).__name__} is neither a Tool nor a function")
    called = name or getattr(function, "__name__", "")
    if not isinstance(called, str) or not _NAME.match(called):
        raise BadSetting(
            f"tools: {called or function!r} is no name for a tool; give tool_of(function, name=...) one of "
            "letters, digits, '_' and '-', at most 64"
        )
    summary, about = _told(function)
    schema = schema_of(_struct(function, called, about), f"tools: {called}()")
    _add_defaults(schema, function)
    return Tool(called, summary, freeze(schema), function=function)


def offered(tools: Iterable[Tool | Callable[..., Any]]) -> tuple[Tool, ...]:
    """Return what a caller passed as tools, functions made into tools.

    Raises:
        BadSetting: If one is no tool, or two have the same name.
    """
    if isinstance(tools, (str, Mapping)) or not isinstance(tools, Iterable):
        raise BadSetting(f"tools: give a list of tools and functions, not a {type(tools).__name__}")
    made = tuple(tool if isinstance(tool, Tool) else tool_of(tool) for tool in tools)
    names = [tool.name for tool in made]
    for tool_name in names:
        if names.count(tool_name) > 1:
            raise BadSetting(
                f"tools: two of them are called {tool_name!r}; a model could not tell them apart"
            )
    return made


def described(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """Return tools as a model is told of them: without their functions."""
    return tuple(msgspec.structs.replace(tool, function=None) for tool in tools)


def arguments_for(function: Callable[..., Any], text: str) -> dict[str, Any]:
    """Return the arguments that a model wrote, as the types that the function asks for.

    Args:
        function: The function.
        text: The exact string of the call; an empty one means no arguments.

    Raises:
        InvalidMessage: If it is no JSON object, or does not fit; says where.
    """
    given = text.strip() or "{}"
    try:
        if _takes_anything(function):
            return msgspec.json.decode(given, type=dict[str, Any])
        values = msgspec.json.decode(given, type=_struct(function, "arguments", {}))
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"the arguments do not fit: {error}") from error
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidMessage(f"the arguments are not valid JSON: {error}") from error
    named = {name: getattr(values, name) for name in values.__struct_fields__}
    return {name: value for name, value in named.items() if value is not UNSET}


def parts_of(value: object) -> tuple[Part, ...]:
    """Return what a function gave back as parts: text as it is, parts as they are, the rest as JSON."""
    if isinstance(value, _PARTS):
        return (value,)
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, _PARTS) for item in value):
        return tuple(value)
    return (Text(value if isinstance(value, str) else _json(value)),)


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (TypeError, ValueError, RecursionError, OverflowError):  # a lone surrogate, a loop, ...
        return str(value)


def _struct(function: Callable[..., Any], name: str, about: Mapping[str, str]) -> type[msgspec.Struct]:
    """Return the arguments of a function as one type. A default stays the function's own."""
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for parameter in _parameters(function, name):
        hint: Any = Any if parameter.annotation is parameter.empty else parameter.annotation
        if parameter.default is None and parameter.annotation is not parameter.empty:
            hint = hint | None
        if parameter.name in about:
            hint = Annotated[hint, Meta(description=about[parameter.name])]
        if parameter.default is parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint | UnsetType, UNSET))
    return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)


def _parameters(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    try:
        signature = inspect.signature(function, eval_str=True)
    except (TypeError, ValueError, NameError, AttributeError, SyntaxError) as error:
        raise BadSetting(f"tools: the arguments of {name}() cannot be known: {error}") from error
    parameters = list(signature.parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise BadSetting(f"tools: {name}() takes {parameter} without a name; a model gives every name")
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        raise BadSetting(
            f"tools: {name}() takes any argument, so that a model cannot know which; give "
            f"Tool({name!r}, ..., parameters=..., function={name}) with a schema"
        )
    return parameters


def _takes_anything(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def _told(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Return what the docstring says of the function, and of each argument."""
    plain = inspect.isroutine(function) or inspect.isclass(function)
    text = inspect.getdoc(function if plain else type(function).__call__) or ""
    if not text and not plain and type(function).__module__ != "functools":
        text = inspect.getdoc(function) or ""
    from docstring_parser import parse  # 15 ms that a turn without functions does not pay

    found = parse(text)
    summary = "\n\n".join(words for words in (found.short_description, found.long_description) if words)
    return summary, {told.arg_name: told.description for told in found.params if told.description}


def _add_defaults(schema: dict[str, Any], function: Callable[..., Any]) -> None:
    """Tell the model the defaults that JSON can hold."""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is parameter.empty or parameter.default is None:
            continue
        try:
            schema["properties"][parameter.name]["default"] = freeze(parameter.default)
        except InvalidMessage:  # an object of Python's: the function knows it
            continue
