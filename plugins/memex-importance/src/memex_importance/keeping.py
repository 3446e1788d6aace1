"""The policy that keeps: when the window is full, the less important leave, in one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from memex import Change, Entry, Unit, Window, is_question, to_ranges
from memex_importance.features import Scorer
from memex_importance.settings import check_number

_TOLD: Final = 100  # so many messages have their scores in the plan of an eviction, the newest
_OVERHEAD: Final = 20  # tokens: else the shortest would always hold most in the fewest

Features = Mapping[int, Mapping[str, float]]
Turn = tuple[Unit, ...]
"""A question with what was answered to it: they are kept or dropped together."""


def keep_important(*, low_water: float = 0.5, reserve: float = 0.4) -> Callable[[Window], Window]:
    """Return a policy that drops the less important turns when the window is full.

    It acts only on a window that is over its limit, and drops down to a low-water mark in one batch,
    so that the windows of the turns that follow begin alike. The newest turns stay as they are; of
    the older ones those stay that hold most in the fewest tokens.

    Args:
        low_water: What is left after dropping, as a share of the limit.
        reserve: How much of what is left is for older turns that are important.

    Raises:
        BadSetting: If a setting makes no sense.
    """
    check_number("keep-important", "low_water", low_water, "above 0 and at most 1", most=1.000001)
    check_number("keep-important", "reserve", reserve, "above 0 and below 1", most=1)
    scorer = Scorer()

    def keep(window: Window) -> Window:
        if window.room >= 0:
            return window
        turns = _turns(window.droppable_units)
        space = sum(_tokens(turn) for turn in turns)
        fixed = window.tokens - space
        mark = int(max(low_water * window.limit, fixed + low_water / 2 * (window.limit - fixed)))
        features = {entry.seq: scorer(entry.message) for entry in _entries(turns)}
        start = _newest_turns(turns, (1 - reserve) * (mark - fixed))
        left = mark - fixed - sum(_tokens(turn) for turn in turns[start:])
        kept = _important(turns[:start], left, features)
        gone = [entry for turn in turns[:start] if turn not in kept for entry in _entries([turn])]
        why = {str(entry.seq): dict(features[entry.seq]) for entry in _entries(kept) if features[entry.seq]}
        worths = {str(entry.seq): _worth([entry], features) for entry in gone[-_TOLD:]}
        window = window.drop(gone, reason="less-important", detail={"mark": mark, "importance": worths})
        if not why:
            return window
        # Nothing more changes: this is for whoever asks why an old message is still there.
        seqs = to_ranges(entry.seq for entry in _entries(kept))
        told = Change(kind="rank", seqs=seqs, reason="important", tokens=0, detail={"features": why})
        return window.changed(window.items, told)

    keep.__name__ = "keep-important"  # what a plan calls it when the program passes the callable itself
    return keep


def _turns(droppable: Iterable[Unit]) -> list[Turn]:
    """Return the units as turns; what stands before the first question is a turn as well."""
    turns: list[list[Unit]] = []
    for unit in droppable:
        if not turns or is_question(unit.entries[0].message):
            turns.append([])
        turns[-1].append(unit)
    return [tuple(turn) for turn in turns]


def _newest_turns(turns: list[Turn], room: float) -> int:
    """Return where the newest turns begin that fit in ``room`` tokens."""
    start = len(turns)
    while start and (room := room - _tokens(turns[start - 1])) >= 0:
        start -= 1
    return start


def _important(turns: list[Turn], room: float, features: Features) -> list[Turn]:
    """Return the turns that hold most in the fewest tokens, as many as fit; in order."""

    def density(at: int) -> tuple[float, int]:
        return _worth(_entries([turns[at]]), features) / (_tokens(turns[at]) + _OVERHEAD), at

    chosen = []
    for at in sorted(range(len(turns)), key=density, reverse=True):
        cost = _tokens(turns[at])
        if cost <= room and density(at)[0] > 0:
            chosen.append(at)
            room -= cost
    return [turns[at] for at in sorted(chosen)]


def _worth(entries: Iterable[Entry], features: Features) -> float:
    return round(sum(sum(features[entry.seq].values()) for entry in entries), 3)


def _entries(turns: Iterable[Turn]) -> list[Entry]:
    return [entry for turn in turns for unit in turn for entry in unit.entries]


def _tokens(turn: Turn) -> int:
    return sum(entry.tokens for unit in turn for entry in unit.entries)
