"""Selection: packs the block of quotes from all the rankings of a window, once.

A score of a ranking says how many times likelier a message is to hold what is asked. So the scores
of several rankings are multiplied, each to the power of its weight. Then what is worth most for its
tokens comes first, as long as it fits the share of the prompt that quotes may take.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from memex._bearing import bearing
from memex._entry import Entry
from memex._plan import Change
from memex._ranges import expand, to_ranges
from memex._terms import searchable_text, terms
from memex._window import Window

_LEAST: Final = math.log(1e-3)  # what is so much less likely than the best would be brought back by chance
_POOL: Final = 300  # so many are read and packed, best first
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
    brought = _quoted(window, _fitting(_weighed(window, worth, window.seqs), window.query, room), room)
    at_risk = _at_risk(window, room)
    if brought.room < 0 and at_risk:
        # It will be cut before it is sent: what that takes must not be lost to this question.
        weighed = _weighed(window, worth, window.seqs - at_risk)
        brought = _quoted(window, _fitting(weighed, window.query, room), room)
    return brought


def by_value(window: Window) -> list[Entry]:
    """Return what could be quoted if the window were empty, what is worth most for its tokens first."""
    return [weighed.entry for weighed in _weighed(window, fused(window), ())]


class _Weighed(NamedTuple):
    """A message that may be quoted.

    Attributes:
        entry: The message.
        worth: The logarithm of its odds to hold what is asked.
        cost: About how many tokens its quote takes.
    """

    entry: Entry
    worth: float
    cost: int


def fused(window: Window) -> dict[int, float]:
    """Return the logarithm of what each ranked message before the question is worth."""
    newest = window.newest
    last = newest.seq - 1 if newest else window.log.head
    ranked = [ranking for ranking in window.rankings if ranking.scores]
    weights = [ranking.weight for ranking in ranked]
    # Rankings of the same messages mostly agree: two of them are not twice the evidence.
    agreeing = math.sqrt(sum(weights) ** 2 / (sum(weight**2 for weight in weights) or 1.0)) or 1.0
    worth = dict.fromkeys((seq for ranking in ranked for seq in ranking.scores if seq <= last), 0.0)
    for ranking in ranked:
        least = min(ranking.scores.values()) if ranking.unnamed is None else ranking.unnamed
        for seq, score in ranking.scores.items():
            if seq <= last:
                worth[seq] += ranking.weight / agreeing * math.log(score / least)
    return worth


def _weighed(window: Window, worth: Mapping[int, float], outside: Collection[int]) -> list[_Weighed]:
    """Return what may be quoted, what is worth most for its tokens first."""
    least = _LEAST + max(worth.values(), default=0.0)
    likely = sorted((seq for seq in worth if worth[seq] >= least), key=lambda seq: (-worth[seq], -seq))
    read = window.log.at(seq for seq in likely[:_POOL] if seq not in outside)
    entries = [entry for entry in read if entry.message.role not in _STANDING]
    bears = bearing(window.log, window.query, entries)
    weighed = [_Weighed(e, worth[e.seq] + bears[e.seq], _cost(e)) for e in entries]
    return sorted(weighed, key=lambda w: (math.log(w.cost) - w.worth, -w.entry.seq))


def _cost(entry: Entry) -> int:
    """Return about how many tokens the quote of a message takes: each line of it has a mark."""
    return entry.tokens + 2 * (searchable_text(entry.message).count("\n") + 1) + _REFERENCE


def _fitting(weighed: Sequence[_Weighed], question: str, room: int) -> list[_Weighed]:
    """Return what to quote, in the same order: as much as fits in about ``room`` tokens.

    A message may take half of the room, so that a long one does not push out all the others, and
    the same words are quoted once. The question itself, asked before, is no answer.
    """
    seen = {tuple(terms(question))}
    left = room - _HEADING
    taken = []
    for quote in weighed:
        if quote.cost <= min(left, room // 2):
            said = tuple(terms(searchable_text(quote.entry.message)))
            if said and said not in seen:
                seen.add(said)
                taken.append(quote)
                left -= quote.cost
    return taken


def _quoted(window: Window, quotes: list[_Weighed], room: int) -> Window:
    """Return the window with as many of the quotes as fit; those that stand in it move."""
    while quotes:
        entries = [quote.entry for quote in quotes]
        bare = window.drop((entry for entry in entries if entry.seq in window), reason="quoted")
        brought = bare.recall(entries, reason="recalled", detail=_detail(window, quotes))
        if brought.tokens - bare.tokens <= room:
            return brought.replace(selected=frozenset(entry.seq for entry in entries))
        quotes.pop()  # the estimate was short
    return window


def _detail(window: Window, quotes: Sequence[_Weighed]) -> dict[str, Any]:
    """Return for the plan how likely each quote is beside the best, and what each ranking made of it."""
    best = max(quote.worth for quote in quotes)
    detail: dict[str, Any] = {"worth": {str(q.entry.seq): round(math.exp(q.worth - best), 3) for q in quotes}}
    seqs = [quote.entry.seq for quote in quotes]
    for ranking in window.rankings:
        scores = {str(seq): round(ranking.scores[seq], 2) for seq in seqs if seq in ranking.scores}
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
