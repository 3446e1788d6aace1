"""Typed access to the fields of a payload, so that bad input is named and never a KeyError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from memex._errors import InvalidMessage
from memex._frozen import FrozenDict, freeze

# Python's own recursion limit is 1,000 frames; no provider takes JSON as deep as this.
MAX_DEPTH: Final = 100
_NAMES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}


def open_payload(
    payload: Mapping[str, Any] | Iterable[Mapping[str, Any]], key: str, *also: str
) -> tuple[list[FrozenDict], FrozenDict]:
    """Return the items of a payload, frozen, and the payload's other fields.

    Args:
        payload: ``{key: [...]}``, or the bare list.
        key: Where the list is: ``"messages"`` or ``"input"``.
        also: Other fields that a payload of this format may have.

    Raises:
        InvalidMessage: If it is neither; settings of a call (``model``, ``tools``) do not belong
            to the conversation, and are refused rather than lost.
    """
    if not isinstance(payload, Mapping):
        return frozen_items(payload, key), FrozenDict()
    strange = [name for name in payload if name not in (key, *also)]
    if strange:
        raise InvalidMessage(f"payload: {strange[0]!r} is not part of a conversation; pass only {key!r}")
    if key not in payload:
        raise InvalidMessage(f"payload: {key!r} is missing")
    rest = {name: value for name, value in payload.items() if name != key}
    return frozen_items(payload[key], key), frozen(rest, "payload")


def frozen_items(items: object, key: str) -> list[FrozenDict]:
    """Return each item of a list as a frozen dict; see :func:`noun` for how they are named."""
    if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Iterable):
        raise InvalidMessage(f"payload: {key!r} is {describe(items)}, not a list")
    return [_frozen_item(item, f"{noun(key)} {index}") for index, item in enumerate(items)]


def noun(key: str) -> str:
    """Return what errors call one element: ``"message"`` or ``"item"``, counted from 0."""
    return "item" if key == "input" else "message"


def _frozen_item(item: object, where: str) -> FrozenDict:
    if not isinstance(item, Mapping):
        hint = "; pass its model_dump()" if hasattr(item, "model_dump") else ""
        raise InvalidMessage(f"{where} is {describe(item)}, not an object{hint}")
    value: FrozenDict = frozen(item, where)
    return value


def frozen(value: Any, where: str) -> Any:
    """Return a frozen copy of a JSON value.

    Raises:
        InvalidMessage: If it is not JSON, or nested deeper than :data:`MAX_DEPTH`.
    """
    if depth_exceeds(value, MAX_DEPTH):
        raise InvalidMessage(f"{where}: nested deeper than {MAX_DEPTH} levels")
    try:
        return freeze(value)
    except InvalidMessage as error:
        raise InvalidMessage(f"{where}: {error}") from None


def depth_exceeds(value: object, limit: int) -> bool:
    """Say whether lists and dicts are nested deeper than ``limit``; safe for cycles."""
    stack = [(value, 1)]
    while stack:
        current, depth = stack.pop()
        if isinstance(current, Mapping):
            inner: Iterable[object] = current.values()
        elif isinstance(current, (list, tuple)):
            inner = current
        else:
            continue
        if depth > limit:
            return True
        stack.extend((child, depth + 1) for child in inner if isinstance(child, (Mapping, list, tuple)))
    return False


def describe(value: object) -> str:
    """Return what kind of JSON value this is, for an error message."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def required(item: Mapping[str, Any], key: str, where: str) -> Any:
    """Return a field that must be there, of whatever type."""
    if key not in item:
        raise InvalidMessage(f"{where}: {key!r} is missing")
    return item[key]


def text_field(item: Mapping[str, Any], key: str, where: str) -> str:
    """Return a field that must be a string."""
    value = required(item, key, where)
    if not isinstance(value, str):
        raise InvalidMessage(f"{where}: {key!r} is {describe(value)}, not a string")
    return value


def object_field(item: Mapping[str, Any], key: str, where: str) -> FrozenDict:
    """Return a field that must be an object."""
    value = required(item, key, where)
    if not isinstance(value, FrozenDict):
        raise InvalidMessage(f"{where}: {key!r} is {describe(value)}, not an object")
    return value


def choice_field(item: Mapping[str, Any], key: str, choices: Iterable[str], where: str) -> str:
    """Return a field that must be one of a few strings."""
    value = text_field(item, key, where)
    if value not in choices:
        raise InvalidMessage(f"{where}: {key!r} is {value!r}, not one of {', '.join(choices)}")
    return value


def objects(value: Any, where: str) -> list[FrozenDict]:
    """Return a list whose elements must be objects."""
    if not isinstance(value, tuple):
        raise InvalidMessage(f"{where} is {describe(value)}, not a list")
    for index, element in enumerate(value):
        if not isinstance(element, FrozenDict):
            raise InvalidMessage(f"{where}[{index}] is {describe(element)}, not an object")
    return list(value)


def text_or_none(item: Mapping[str, Any], key: str) -> str | None:
    """Return an optional field if it is a string; anything else is kept as an unknown field."""
    value = item.get(key)
    return value if isinstance(value, str) else None


def int_or_none(item: Mapping[str, Any], key: str) -> int | None:
    """Return an optional field if it is a whole number."""
    value = item.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
