"""JSON values that cannot be changed in place, so that no plugin can alter a stored message."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

from memex._errors import InvalidMessage

_INT64 = 2**63


class FrozenDict(dict[str, Any]):
    """A ``dict`` without the methods that change it. JSON libraries see a plain dict."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise TypeError("a stored message cannot be changed; make a new one with replace()")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict:
        return self


EMPTY = FrozenDict()


def freeze(value: Any) -> Any:
    """Return an immutable copy of a JSON value: dicts frozen, lists as tuples.

    Args:
        value: None, bool, int (64 bits), finite float, str, or a list, tuple or dict of these.

    Raises:
        InvalidMessage: If JSON could not give the same value back.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, FrozenDict):
        return value or EMPTY  # the one empty dict: a message without meta is written without it
    if isinstance(value, int):
        if not -_INT64 <= value < 2 * _INT64:
            raise InvalidMessage(f"{value} does not fit 64 bits; store it as text")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidMessage(f"{value} is not a JSON number; store it as text or leave it out")
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InvalidMessage(f"the key {key!r} is a {type(key).__name__}; keys are strings")
        return FrozenDict((key, freeze(item)) for key, item in value.items()) or EMPTY
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    raise InvalidMessage(f"a {type(value).__name__} is not a JSON value; store it as text")


def thaw(value: Any) -> Any:
    """Return a plain, changeable copy of a frozen value: dicts and lists."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw(item) for item in value]
    return value
