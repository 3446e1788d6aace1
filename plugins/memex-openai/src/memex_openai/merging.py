"""Puts the pieces of a streamed answer together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

# Fields that come in pieces. Every other string is told whole, by some servers again and again.
_GROWING: Final = frozenset(
    {
        "arguments",
        "content",
        "data",
        "input",
        "refusal",
        "signature",
        "summary",
        "text",
        "thinking",
        "transcript",
    }
)


def grow(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Add a piece to what came before it.

    Strings of the growing fields are joined, objects are merged, lists are extended; what stands in
    a list with an ``index`` is merged with what came under the same index.
    """
    for key, value in piece.items():
        before = whole.get(key)
        if value is None or before is None:
            if value is not None or key not in whole:
                whole[key] = _copy(value)
        elif isinstance(before, str) and isinstance(value, str) and key in _GROWING:
            whole[key] = before + value
        elif isinstance(before, dict) and isinstance(value, Mapping):
            grow(before, value)
        elif isinstance(before, list) and isinstance(value, Sequence) and not isinstance(value, str):
            _grow_list(before, value)
        else:
            whole[key] = _copy(value)


def grow_calls(calls: list[dict[str, Any]], pieces: Sequence[Any]) -> None:
    """Add pieces of tool calls.

    A piece belongs to the call of its index. Some servers tell no index, or the same for all: there a
    new id begins a new call.
    """
    for piece in pieces:
        if not isinstance(piece, Mapping):
            continue
        call = _call_of(calls, piece)
        for key, value in piece.items():
            if key in ("function", "custom") and isinstance(value, Mapping):
                _grow_function(call.setdefault(key, {}), value)
            elif value is not None and value != "":
                grow(call, {key: value})


def _call_of(calls: list[dict[str, Any]], piece: Mapping[str, Any]) -> dict[str, Any]:
    index, call_id = piece.get("index"), piece.get("id")
    same = [call for call in calls if index is None or call.get("index") == index]
    if same and (not call_id or not same[-1].get("id") or same[-1]["id"] == call_id):
        return same[-1]
    known = next((call for call in same if call_id and call.get("id") == call_id), None)
    if known is not None:
        return known
    calls.append({} if index is None else {"index": index})
    return calls[-1]


def _grow_function(function: dict[str, Any], piece: Mapping[str, Any]) -> None:
    for key, value in piece.items():
        if key == "arguments" and isinstance(value, Mapping):  # an object, where a string belongs
            value = msgspec.json.encode(value).decode()  # noqa: PLW2901 - the same thing, spelt as it should be
        if key == "name" and isinstance(value, str):
            name = function.get("name") or ""
            function["name"] = name if value == name else name + value
        elif value is not None:
            grow(function, {key: value})


def _grow_list(before: list[Any], pieces: Sequence[Any]) -> None:
    for piece in pieces:
        index = piece.get("index") if isinstance(piece, Mapping) else None
        same = next(
            (
                item
                for item in before
                if index is not None and isinstance(item, dict) and item.get("index") == index
            ),
            None,
        )
        if same is None:
            before.append(_copy(piece))
        else:
            grow(same, piece)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(item) for item in value]
    return value
