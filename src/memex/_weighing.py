"""Weighing: what each message is worth for the newest question, all rankings together.

A score of a ranking says how many times likelier a message is to hold what is asked. What several
rankings say is fused, and weighed with what the place of a message says. What together holds nearly
all of the odds is kept: the rest would be brought back by chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from memex._bearing import bearing
from memex._entry import Entry
from memex._fusing import fuse
from memex._terms import searchable_text
from memex._window import Window

_REST: Final = 0.02  # of all odds; what is left when so little is left is not brought back
_FLOOR: Final = 2.5e-3  # of the best; what is less likely is not brought back, however much there is of it
_POOL: Final = 300  # so many are read and packed, best first
_REFERENCE: Final = 10
_STANDING: Final = frozenset({"system", "developer"})  # these are in every window


class Weighed(NamedTuple):
    """A message that may be quoted.

    Attributes:
        entry: The message.
        worth: The logarithm of its odds to hold what is asked.
        cost: About how many tokens its quote takes.
        said: Its words.
    """

    entry: Entry
    worth: float
    cost: int
    said: str


def by_value(window: Window) -> list[Entry]:
    """Return all that any ranking names, however unlikely, what is worth most for its tokens first."""
    entries, worth = _worths(window)
    return [weighed.entry for weighed in _in_order(entries, worth)]


def weigh(window: Window) -> list[Weighed]:
    """Return what is likely to hold what is asked, what is worth most for its tokens first.

    What is in the window already is among it: where that holds nearly all of the odds, nothing
    else is worth quoting.
    """
    entries, worth = _worths(window)
    return _in_order(_likeliest(entries, worth), worth)


def _worths(window: Window) -> tuple[list[Entry], dict[int, float]]:
    """Return the likeliest messages that the rankings name, in log order, and the logarithm of its odds."""
    worth = fused(window)
    likely = sorted(worth, key=lambda seq: (-worth[seq], -seq))[:_POOL]
    entries = [entry for entry in window.log.at(likely) if entry.message.role not in _STANDING]
    bears = bearing(window.log, window.query, entries)
    return entries, {entry.seq: worth[entry.seq] + bears[entry.seq] for entry in entries}


def _in_order(entries: list[Entry], worth: Mapping[int, float]) -> list[Weighed]:
    said = [searchable_text(entry.message) for entry in entries]
    weighed = [
        Weighed(entry, worth[entry.seq], _cost(entry, text), text)
        for entry, text in zip(entries, said, strict=True)
    ]
    return sorted(weighed, key=lambda w: (math.log(w.cost) - w.worth, -w.entry.seq))


def _likeliest(entries: list[Entry], worth: Mapping[int, float]) -> list[Entry]:
    """Return the fewest messages that hold all but ``_REST`` of the odds, without the unlikely."""
    best = max(worth.values(), default=0.0)
    odds = {seq: math.exp(value - best) for seq, value in worth.items()}
    left = math.fsum(odds.values())
    enough = _REST * left
    kept = []
    for entry in sorted(entries, key=lambda e: (-worth[e.seq], -e.seq)):
        if left <= enough or odds[entry.seq] < _FLOOR:
            break
        left -= odds[entry.seq]
        kept.append(entry)
    return kept


def fused(window: Window) -> dict[int, float]:
    """Return the logarithm of what each ranked message before the question is worth."""
    newest = window.newest
    last = newest.seq - 1 if newest else window.log.head
    return fuse(
        [
            (
                ranking.weight,
                {seq: score for seq, score in ranking.scores.items() if seq <= last},
                min(ranking.scores.values()) if ranking.unnamed is None else ranking.unnamed,
            )
            for ranking in window.rankings
            if ranking.scores
        ]
    )


def _cost(entry: Entry, said: str) -> int:
    """Return about how many tokens the quote of a message takes: each line of it has a mark."""
    return entry.tokens + 2 * (said.count("\n") + 1) + _REFERENCE
