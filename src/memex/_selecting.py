"""Selection: packs the block of quotes from all the rankings of a window.

First before the policies that evict, within the share of the prompt that quotes may take from the
rest of the conversation. Then after them, in what they left free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from memex._elsewhere import as_planned, entries_at, key_of
from memex._entry import Entry, Place
from memex._packing import Packer
from memex._plan import Change
from memex._ranges import to_ranges
from memex._ranking import Ranking
from memex._weighing import Weighed, weigh
from memex._window import Window

_HEADING: Final = 40
_FREE: Final = 0.4  # of what eviction left free; the rest is for the answer's turn and for tools
_TRIES: Final = 2  # so often what estimates left free is filled


class Selection:
    """Selects for one window, in two steps of its chain; what messages are worth is found once."""

    def __init__(self) -> None:
        self._known: tuple[tuple[Ranking, ...], list[Weighed], Packer] | None = None

    def select(self, window: Window) -> Window:
        """Return a window that quotes what its rankings find worth it, just before the newest question.

        Where nothing is, the window stays as it is. What is in the window already is not quoted. When
        the window is about to be cut, a match in its older half is quoted too, since nobody knows yet
        where the cut will be.
        """
        window = _without_selected(window)
        fixed = window.tokens - sum(entry.tokens for entry in window.droppable)
        room = min(int(_share(window) * window.limit), window.limit - fixed)
        if window.newest is None or room <= 0:
            return window
        at_risk = _at_risk(window, room)
        # It will be cut before it is sent: what that takes must not be lost to this question. Quotes
        # only add to it, so where it is too long already nothing has to be packed to know that.
        brought = self._quoted(window, window.seqs, room) if window.room >= 0 or not at_risk else None
        if brought is None or (brought.room < 0 and at_risk):
            brought = self._quoted(window, window.seqs - at_risk, room)
        return brought

    def fill(self, window: Window) -> Window:
        """Return a window that quotes more in what is free once the policies that evict are done.

        Most of that is left alone, and at most the share is taken once more: these tokens are
        fresh in every turn. What was said since the question does not count as long as it fits
        in the rest, so that the quotes hold still while tools are called. Where nobody made room
        for what was quoted first, because the policies that evict stand before, all that is free is taken.
        """
        over = window.room < 0
        if over:
            window = _without_selected(window)
        newest = window.newest
        if newest is None:
            return window
        since = sum(item.tokens for item in window.items[window.items.index(newest) + 1 :])
        free = window.room if over else int(_FREE * (window.room + since))
        room = min(int(_share(window) * window.limit), free)
        return self._quoted(window, window.seqs, room) if 0 < room <= window.room else window

    def _quoted(self, window: Window, inside: frozenset[int], room: int) -> Window:
        """Return the window with as many more quotes as fit; those that stand in it move."""
        weighed, packer = self._weighed(window)
        best = max((w.worth for w in weighed), default=0.0)
        start = _block_tokens(window)
        for _ in range(_TRIES):
            said = {place for d in window.derived if d.kind == "recall" for place in d.places}
            beside = [w for w in weighed if w.place in said]
            outside = [w for w in weighed if w.place not in inside and w.place not in said]
            left = room - (_block_tokens(window) - start)
            quotes = packer.pack(outside, left - (0 if said else _HEADING), beside=beside)
            brought = _with(window, quotes, left, best)
            if brought is window:
                break
            window = brought
        return window

    def _weighed(self, window: Window) -> tuple[list[Weighed], Packer]:
        if self._known is None or self._known[0] is not window.rankings:
            self._known = window.rankings, weigh(window), Packer(window.query)
        return self._known[1:]


def _share(window: Window) -> float:
    return max((ranking.share for ranking in window.rankings), default=0.0)


def _block_tokens(window: Window) -> int:
    return sum(derived.tokens for derived in window.derived if derived.kind == "recall")


def _with(window: Window, quotes: list[Weighed], room: int, best: float) -> Window:
    """Return the window with as many of the quotes as fit; those that stand in it move."""
    while quotes:
        entries, elsewhere = _by_thread({quote.place: quote.entry for quote in quotes})
        bare = window.drop((entry for entry in entries if entry.seq in window), reason="quoted")
        detail = _detail(window, quotes, best)
        brought = bare.recall(entries, reason="recalled", detail=detail, elsewhere=elsewhere)
        if brought is bare:
            return window
        if brought.tokens - bare.tokens <= room:
            return brought.replace(selected=window.selected | {quote.place for quote in quotes})
        quotes.pop()  # the estimate was short
    return window


def _by_thread(entries: Mapping[Place, Entry]) -> tuple[list[Entry], dict[str, list[Entry]]]:
    """Return messages of this thread, and of others by thread."""
    elsewhere: dict[str, list[Entry]] = {}
    for place, entry in entries.items():
        if not isinstance(place, int):
            elsewhere.setdefault(place[0], []).append(entry)
    return [entry for place, entry in entries.items() if isinstance(place, int)], elsewhere


def _detail(window: Window, quotes: Sequence[Weighed], best: float) -> dict[str, Any]:
    """Return for the plan how likely each quote is beside the best, and what each ranking made of it."""
    keys = {quote.place: key_of(window, quote.place) for quote in quotes}
    detail: dict[str, Any] = {"worth": {keys[q.place]: round(math.exp(q.worth - best), 3) for q in quotes}}
    for ranking in window.rankings:
        named: Mapping[Any, float] = {**ranking.scores, **ranking.elsewhere}
        scores = {key: round(named[place], 2) for place, key in keys.items() if place in named}
        if scores:
            detail[ranking.name] = scores
    return detail


def _without_selected(window: Window) -> Window:
    """Return the window without what an earlier selection quoted; other quotes stay."""
    before = next((d for d in window.derived if d.kind == "recall"), None)
    if before is None or not window.selected:
        return window
    bare = window.replace(items=tuple(i for i in window.items if i is not before), selected=frozenset())
    kept = entries_at(window, (place for place in before.places if place not in window.selected))
    change = Change(
        kind="rank",
        seqs=to_ranges(place for place in window.selected if isinstance(place, int)),
        elsewhere=as_planned(window, window.selected),
        reason="selected-anew",
        tokens=-before.tokens,
    )
    entries, elsewhere = _by_thread(kept)
    return bare.changed(bare.items, change).recall(entries, elsewhere=elsewhere) if kept else bare


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
