"""Tool-call arguments: exact text here, an object in the formats that need one.

The text is what the model wrote and may be anything. An object is written only where the text is
a JSON object and reading it loses nothing; other text travels in ``{"memex_exact_arguments":
text}`` and comes back exact. White space, escapes and the spelling of numbers are not kept by an
object: read back, its text is compact JSON in the order of its keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NoReturn

from memex._codecs.leftovers import same
from memex._codecs.reading import MAX_DEPTH, depth_exceeds
from memex._frozen import thaw

WRAPPER: Final = "memex_exact_arguments"
# What stands around the arguments in a payload takes some of the depth that decoding allows.
_ROOM: Final = 20


def to_object(text: str) -> dict[str, Any]:
    """Return arguments as an object, wrapped where they are not one or would lose something."""
    value = as_object(text)
    return {WRAPPER: text} if value is None or _unwrapped(value) is not None else value


def to_text(value: Mapping[str, Any]) -> str:
    """Return the text of an object: the wrapped text, or compact JSON."""
    inner = _unwrapped(value)
    return compact(value) if inner is None else inner


def is_exact(value: Mapping[str, Any]) -> bool:
    """Say whether the object's text gives the same object back."""
    return same(to_object(to_text(value)), value)


def compact(value: Any) -> str:
    """Return a JSON value as text without white space, keys in their order."""
    return json.dumps(thaw(value), ensure_ascii=False, separators=(",", ":"))


def _unwrapped(value: Mapping[str, Any]) -> str | None:
    """Return the text in a wrapper that :func:`to_object` would have made."""
    inner = value.get(WRAPPER)
    if len(value) != 1 or not isinstance(inner, str):
        return None
    return inner if same(to_object(inner), value) else None


def as_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that the text is, or None if it is none or reading it loses something."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_refuse,
        )
        if not isinstance(value, dict) or depth_exceeds(value, MAX_DEPTH - _ROOM):
            return None
        compact(value).encode()
    except (ValueError, ArithmeticError, RecursionError):  # UnicodeEncodeError is a ValueError
        return None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice")
    return value


def _integer(text: str) -> int:
    value = int(text)
    if text == "-0" or not -(2**63) <= value < 2**64:
        raise ValueError(f"{text} would change")
    return value


def _number(text: str) -> float:
    value = float(text)
    if Decimal(repr(value)) != Decimal(text):
        raise ValueError(f"{text} would change")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
