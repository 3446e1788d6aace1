"""What a wire object holds beyond what memex has words for, and how it goes back.

A codec reads a wire object into a part, writes that part again, and keeps the difference in
``extra``. So unknown fields survive at any depth, and a round trip is exact by construction:
``fill(written, leftover(wire, written)) == wire``.

``extra[codec]`` holds unknown fields. ``extra[codec + ":shape"]`` holds the codec's own notes on
which of several spellings the wire used (a string or a list, null or absent, ...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from memex._frozen import EMPTY
from memex._message import Message
from memex._parts import Part

AnyPart = TypeVar("AnyPart", bound=Part)


def leftover(wire: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what ``wire`` has beyond ``written``, or None where the two contradict."""
    rest: dict[str, Any] = {}
    for key, value in wire.items():
        if key not in written:
            rest[key] = value
        elif isinstance(value, Mapping) and isinstance(written[key], Mapping):
            inner = leftover(value, written[key])
            if inner is None:
                return None
            if inner:
                rest[key] = inner
        elif not same(value, written[key]):
            return None
    return None if any(key not in wire for key in written) else rest


def fill(written: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Add unknown fields to what was written; where both have a value, the message's own wins."""
    for key, value in extra.items():
        if key not in written:
            written[key] = value
        elif isinstance(value, Mapping) and isinstance(written[key], Mapping):
            written[key] = fill(dict(written[key]), value)
    return written


def same(left: object, right: object) -> bool:
    """Say whether two JSON values are equal, types included (``1``, ``1.0`` and ``true`` differ)."""
    if left is right:
        return True
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def unknown_fields(thing: Part | Message, codec: str) -> Mapping[str, Any]:
    """Return the unknown fields that go back to ``codec``."""
    fields = thing.extra.get(codec)
    return fields if isinstance(fields, Mapping) else EMPTY


def shape_of(thing: Part | Message, codec: str) -> Mapping[str, Any]:
    """Return the notes on how ``codec`` spelt this."""
    shape = thing.extra.get(f"{codec}:shape")
    return shape if isinstance(shape, Mapping) else EMPTY


def shaped(codec: str, **marks: object) -> dict[str, Any]:
    """Return an ``extra`` that holds notes; marks that are None or False are left away."""
    kept = {key: mark for key, mark in marks.items() if mark is not None and mark is not False}
    return {f"{codec}:shape": kept} if kept else {}


def with_fields(part: AnyPart, codec: str, fields: Mapping[str, Any]) -> AnyPart:
    """Return the part with unknown fields added to its extra."""
    return msgspec.structs.replace(part, extra={**part.extra, codec: fields}) if fields else part


def with_shape(part: AnyPart, codec: str, **marks: object) -> AnyPart:
    """Return the part with notes added to those it has."""
    shape = {**shape_of(part, codec), **marks}
    return msgspec.structs.replace(part, extra={**part.extra, f"{codec}:shape": shape})


def single(values: Sequence[Any]) -> Any:
    """Return the only element, or None."""
    return values[0] if len(values) == 1 else None
