"""A factory's signature is the list of its settings: what it takes, what is missing, of which type."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from memex._errors import BadSetting

FIRST: Final = ""
"""Key of a setting given without its name, as ``chats.db`` in ``"sqlite:chats.db"``."""

NEVER_SETTINGS: Final = frozenset({"host"})
"""Parameters that only the host fills in."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def bind(
    who: str, target: Callable[..., object], settings: Mapping[str, Any], injected: Mapping[str, object]
) -> inspect.BoundArguments:
    """Check settings against a factory's signature and return the arguments for a call of it.

    Args:
        who: How errors call the factory: ``"sqlite (memex-sqlite 0.1.0)"``.
        target: The factory.
        settings: By parameter name; :data:`FIRST` stands for the first positional parameter.
        injected: What the host fills in, where the factory takes it; not for the user to set.

    Raises:
        BadSetting: If a setting is unknown, missing or of the wrong type.
        ValueError: If Python cannot tell the signature.
    """
    signature = inspect.signature(target)
    parameters = _named(signature)
    takes = {
        name: parameter
        for name, parameter in parameters.items()
        if name not in injected and name not in NEVER_SETTINGS
    }
    named = _with_first_named(who, takes, settings)
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
    values: dict[str, Any] = {name: value for name, value in injected.items() if name in parameters}
    further: dict[str, Any] = {}
    for name, value in named.items():
        if name in takes:
            values[name] = _converted(who, target, takes[name], value)
        elif open_ended and name not in values and name not in NEVER_SETTINGS:
            further[name] = value
        else:
            raise BadSetting(f"{who}: unexpected setting {name!r}; {_list(takes)}")
    for name, parameter in takes.items():
        if parameter.default is parameter.empty and name not in values:
            raise BadSetting(f"{who}: setting {name!r} is missing; {_list(takes)}")
    bound = signature.bind_partial(**further)
    bound.arguments.update(values)
    return bound


def settings_of(target: Callable[..., object], injected: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a factory's settings with their annotations, ``inspect.Parameter.empty`` for none."""
    return {
        name: annotation(target, parameter)
        for name, parameter in _named(inspect.signature(target)).items()
        if name not in injected and name not in NEVER_SETTINGS
    }


def annotation(target: Callable[..., object], parameter: inspect.Parameter) -> Any:
    """Return the type that a parameter is annotated with; ``Any`` where it cannot be found out.

    One by one, because a single name that is imported for type checkers only makes
    ``get_type_hints`` fail for the whole function.
    """
    if parameter.annotation is parameter.empty:
        return parameter.empty
    function = inspect.unwrap(target.__init__ if inspect.isclass(target) else target)
    names = getattr(function, "__globals__", None) or vars(sys.modules.get(target.__module__, typing))
    alone = types.SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        return typing.get_type_hints(alone, globalns=names, include_extras=True)[parameter.name]
    except Exception:  # noqa: BLE001 - evaluating a stranger's annotation can raise anything
        return Any


def _named(signature: inspect.Signature) -> dict[str, inspect.Parameter]:
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }


def _list(takes: Mapping[str, object]) -> str:
    return f"takes {', '.join(takes)}" if takes else "takes no settings"


def _with_first_named(
    who: str, takes: Mapping[str, inspect.Parameter], settings: Mapping[str, Any]
) -> dict[str, Any]:
    named = dict(settings)
    if FIRST not in named:
        return named
    value = named.pop(FIRST)
    first = next((name for name, parameter in takes.items() if parameter.kind in _POSITIONAL), None)
    if first is None:
        raise BadSetting(f"{who}: {value!r} needs a name in front of it; {_list(takes)}")
    if first in named:
        raise BadSetting(f"{who}: setting {first!r} is given twice, as {value!r} and as {named[first]!r}")
    return {first: value, **named}


def _converted(who: str, target: Callable[..., object], parameter: inspect.Parameter, value: Any) -> Any:
    wanted = annotation(target, parameter)
    if wanted is parameter.empty:
        return value
    if isinstance(value, str) and wanted in (Path, Path | None):
        return Path(value)
    try:
        return msgspec.convert(value, type=wanted, strict=False)
    except msgspec.ValidationError:
        shown = "a " + type(value).__name__ if "key" in parameter.name else repr(value)
        raise BadSetting(
            f"{who}: setting {parameter.name!r} is {shown}; it must be {_describe(wanted)}"
        ) from None
    except Exception:  # noqa: BLE001 - a type that msgspec does not know: the factory checks it
        return value


def _describe(wanted: Any) -> str:
    if wanted in (None, type(None)):
        return "None"
    choices = typing.get_args(wanted)
    if typing.get_origin(wanted) is typing.Literal:
        return " or ".join(repr(choice) for choice in choices)
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        return " or ".join(_describe(choice) for choice in choices)
    return inspect.formatannotation(wanted).replace("collections.abc.", "")
