"""Which messages live and die together: a tool call, its parallel calls and all their results."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from memex._entry import Entry
from memex._parts import ToolResult


class Unit(msgspec.Struct, frozen=True):
    """Entries that are kept or dropped as one.

    Attributes:
        entries: In log order.
        unanswered: Ids of calls in it that have no result.
        unasked: Ids of results in it that have no call.
    """

    entries: tuple[Entry, ...]
    unanswered: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every call has its result and every result its call."""
        return not self.unanswered and not self.unasked


class _Growing:
    __slots__ = ("entries", "unanswered", "unasked")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.unanswered: list[str] = []
        self.unasked: list[str] = []


def units(entries: Iterable[Entry]) -> tuple[Unit, ...]:
    """Return the units of ``entries``, ordered by their first entry.

    A result belongs to the nearest earlier call of its id, so servers that use ``call_0`` in
    every turn are paired rightly. Messages without calls and results are units of their own.
    """
    growing: list[_Growing] = []
    owner: dict[str, _Growing] = {}
    for entry in entries:
        calls = entry.message.tool_calls
        results = entry.message.tool_results
        unit = _unit_for(results, owner, growing)
        unit.entries.append(entry)
        for call in calls:
            owner[call.id] = unit
            unit.unanswered.append(call.id)
        for result in results:
            if owner.get(result.call_id) is not unit:
                unit.unasked.append(result.call_id)
            elif result.call_id in unit.unanswered:
                unit.unanswered.remove(result.call_id)
    return tuple(Unit(tuple(u.entries), tuple(u.unanswered), tuple(u.unasked)) for u in growing if u.entries)


def _unit_for(results: Iterable[ToolResult], owner: dict[str, _Growing], growing: list[_Growing]) -> _Growing:
    """Return the unit a message with these results joins, merging units it answers together."""
    found: list[_Growing] = []
    for result in results:
        unit = owner.get(result.call_id)
        if unit is not None and unit not in found:
            found.append(unit)
    if not found:
        growing.append(_Growing())
        return growing[-1]
    first = min(found, key=lambda unit: unit.entries[0].seq)
    for other in found:
        if other is not first:
            _merge(first, other, owner)
    return first


def _merge(into: _Growing, other: _Growing, owner: dict[str, _Growing]) -> None:
    into.entries = sorted(into.entries + other.entries, key=lambda entry: entry.seq)
    into.unanswered += other.unanswered
    into.unasked += other.unasked
    other.entries = []
    for call_id, unit in owner.items():
        if unit is other:
            owner[call_id] = into
