"""Weighing: what each message is worth for the newest question, all rankings together.

A score of a ranking says how many times likelier a message is to hold what is asked. So the scores
of several rankings are multiplied, each to the power of its weight. That gives half of the odds. The
other half is what each ranking says by itself: one may be right where another has no sign. What
together holds nearly all of the odds is kept: the rest would be brought back by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from memex._bearing import bearing
from memex._entry import Entry
from memex._ranking import Ranking
from memex._terms import searchable_text
from memex._window import Window

_REST: Final = 0.02  # of all odds; what is left when so little is left is not brought back
_FLOOR: Final = 2.5e-3  # of the best; what is less likely is not brought back, however much there is of it
_POOL: Final = 300  # so many are read and packed, best first
_ALONE: Final = 0.5  # of the odds; where there are several rankings, what each says by itself
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
    ranked = [ranking for ranking in window.rankings if ranking.scores]
    alone = [_log_odds(ranking, last) for ranking in ranked]
    weights = [ranking.weight for ranking in ranked]
    # Rankings of the same messages mostly agree: two of them are not twice the evidence.
    agreeing = math.sqrt(sum(weights) ** 2 / (sum(weight**2 for weight in weights) or 1.0)) or 1.0
    together = dict.fromkeys((seq for odds in alone for seq in odds), 0.0)
    for odds in alone:
        for seq, value in odds.items():
            together[seq] += value / agreeing
    if len(ranked) < 2 or not together:
        return together
    # A message that one ranking is sure of would be lost to those that all of them find middling.
    parts = [_in_all(together, 1 - _ALONE, together)]
    for odds, weight in zip(alone, weights, strict=True):
        if share := _ALONE * weight / sum(weights):
            parts.append(_in_all(odds, share, together))
    return dict(zip(together, map(_log_sum, zip(*parts, strict=True)), strict=True))


def _log_odds(ranking: Ranking, last: int) -> dict[int, float]:
    """Return the logarithm of what one ranking finds each message worth, to the power of its weight."""
    least = math.log(min(ranking.scores.values()) if ranking.unnamed is None else ranking.unnamed)
    named = [(seq, score) for seq, score in ranking.scores.items() if seq <= last]
    return {seq: ranking.weight * (math.log(score) - least) for seq, score in named}


def _in_all(odds: Mapping[int, float], share: float, seqs: Iterable[int]) -> list[float]:
    """Return the logarithm of each message's odds, such that the odds of all are ``share`` together."""
    every = [odds.get(seq, 0.0) for seq in seqs]
    moved = math.log(share) - _log_sum(every)
    return [value + moved for value in every]


def _log_sum(logarithms: Sequence[float]) -> float:
    """Return the logarithm of the sum of what is given by logarithms."""
    most = max(logarithms)
    return most + math.log(math.fsum([math.exp(value - most) for value in logarithms]))


def _cost(entry: Entry, said: str) -> int:
    """Return about how many tokens the quote of a message takes: each line of it has a mark."""
    return entry.tokens + 2 * (said.count("\n") + 1) + _REFERENCE
