"""Selection: packs the block of quotes from all the rankings of a window, once.

Rankings are put on one scale (the best of each is worth 1), weighed and added. What is worth most
comes first, as long as it fits the share of the prompt that quotes may take.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from memex._entry import Entry
from memex._plan import Change
from memex._ranges import expand, to_ranges
from memex._terms import searchable_text, terms
from memex._window import Window

_WORTH: Final = 0.3  # what fits less than this share of the best would be brought back by chance
_POOL: Final = 200  # so many are read and packed, best first
_HEADING: Final = 40
_REFERENCE: Final = 16
_STANDING: Final = frozenset({"system", "developer"})  # these are in every window


def select(window: Window) -> Window:
    """Return a window that quotes what its rankings find worth it, just before the newest question.

    Where nothing is, the window stays as it is. What is in the window already is not quoted. When
    the window is about to be cut, a match in its older half is quoted too, since nobody knows yet
    where the cut will be.
    """
    window = _without_selected(window)
    newest = window.newest
    fixed = window.tokens - sum(entry.tokens for entry in window.droppable)
    share = max((ranking.share for ranking in window.rankings), default=0.0)
    room = min(int(share * window.limit), window.limit - fixed)
    if newest is None or room <= 0:
        return window
    worth = fused(window)
    brought = _quoted(window, _fitting(window, worth, window.seqs, room), worth, room)
    at_risk = _at_risk(window, room)
    if brought.room < 0 and at_risk:
        # It will be cut before it is sent: what that takes must not be lost to this question.
        brought = _quoted(window, _fitting(window, worth, window.seqs - at_risk, room), worth, room)
    return brought


def fused(window: Window) -> dict[int, float]:
    """Return what each ranked message before the question is worth, by all rankings together."""
    newest = window.newest
    last = newest.seq - 1 if newest else window.log.head
    worth: dict[int, float] = {}
    for ranking in window.rankings:
        best = ranking.best
        for seq, score in ranking.scores.items():
            if seq <= last:
                worth[seq] = worth.get(seq, 0.0) + ranking.weight * score / best
    return worth


def _fitting(window: Window, worth: Mapping[int, float], outside: Collection[int], room: int) -> list[Entry]:
    """Return what to quote in order of worth: as much as fits in about ``room`` tokens.

    A message may take half of the room, so that a long one does not push out all the others, and
    the same words are quoted once. The question itself, asked before, is no answer.
    """
    least = _WORTH * max(worth.values(), default=0.0)
    best = sorted((seq for seq in worth if worth[seq] >= least), key=lambda seq: (-worth[seq], -seq))
    entries = {e.seq: e for e in window.log.at(seq for seq in best[:_POOL] if seq not in outside)}
    seen = {tuple(terms(window.query))}
    left = room - _HEADING
    taken = []
    for seq in best[:_POOL]:
        entry = entries.get(seq)
        if entry is None or entry.message.role in _STANDING:
            continue
        text = searchable_text(entry.message)
        cost = entry.tokens + 2 * (text.count("\n") + 1) + _REFERENCE
        said = tuple(terms(text))
        if cost <= min(left, room // 2) and said and said not in seen:
            seen.add(said)
            taken.append(entry)
            left -= cost
    return taken


def _quoted(window: Window, quotes: list[Entry], worth: Mapping[int, float], room: int) -> Window:
    """Return the window with as many of the quotes as fit; those that stand in it move."""
    while quotes:
        moving = [entry for entry in quotes if entry.seq in window]
        bare = window.drop(moving, reason="quoted")
        brought = bare.recall(quotes, reason="recalled", detail=_detail(window, quotes, worth))
        if brought.tokens - bare.tokens <= room:
            return brought.replace(selected=frozenset(entry.seq for entry in quotes))
        quotes.pop()  # the estimate was short
    return window


def _detail(window: Window, quotes: Sequence[Entry], worth: Mapping[int, float]) -> dict[str, Any]:
    """Return for the plan what each quote is worth, and what each ranking made of it."""
    detail: dict[str, Any] = {"worth": {str(e.seq): round(worth[e.seq], 3) for e in quotes}}
    for ranking in window.rankings:
        scores = {str(e.seq): round(ranking.scores[e.seq], 2) for e in quotes if e.seq in ranking.scores}
        if scores:
            detail[ranking.name] = scores
    return detail


def _without_selected(window: Window) -> Window:
    """Return the window without what an earlier selection quoted; other quotes stay."""
    before = next((d for d in window.derived if d.kind == "recall"), None)
    if before is None or not window.selected:
        return window
    bare = window.replace(items=tuple(i for i in window.items if i is not before), selected=frozenset())
    kept = [seq for seq in expand(before.covers) if seq not in window.selected]
    change = Change(
        kind="rank", seqs=to_ranges(window.selected), reason="selected-anew", tokens=-before.tokens
    )
    return bare.changed(bare.items, change).recall(window.log.at(kept)) if kept else bare


def _at_risk(window: Window, room: int) -> frozenset[int]:
    """Return messages of the older half of a window that will not fit with ``room`` more tokens.

    Nobody knows yet where it will be cut. A match in the older half is better quoted than cut.
    Exchanges with tools stay whole: they are not moved.
    """
    if window.room >= room:
        return frozenset()
    left = window.tokens + room - window.limit // 2
    at_risk: list[Entry] = []
    for unit in window.droppable_units:
        if left <= 0:
            break
        left -= sum(entry.tokens for entry in unit.entries)
        at_risk += unit.entries if len(unit.entries) == 1 else ()
    return frozenset(entry.seq for entry in at_risk)
