"""Weighing: what each message is worth for the newest question, all rankings together.

A score of a ranking says how many times likelier a message is to hold what is asked. What several
rankings say is fused, and weighed with what the place of a message says. What together holds nearly
all of the odds is kept: the rest would be brought back by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from memex._bearing import bearing
from memex._elsewhere import in_order, other_log
from memex._entry import Entry, Place
from memex._fusing import fuse
from memex._log import Log
from memex._others import by_thread
from memex._terms import searchable_text
from memex._window import Window

_REST: Final = 0.02  # of all odds; what is left when so little is left is not brought back
_FLOOR: Final = 2.5e-3  # of the best; what is less likely is not brought back, however much there is of it
_POOL: Final = 300  # so many are read and packed, best first
_REFERENCE: Final = 10
_STANDING: Final = frozenset({"system", "developer"})  # these are in every window, or rule another one


class Weighed(NamedTuple):
    """A message that may be quoted.

    Attributes:
        entry: The message.
        worth: The logarithm of its odds to hold what is asked.
        cost: About how many tokens its quote takes.
        place: Where it stands: in this thread or in another.
        said: Its words.
    """

    entry: Entry
    worth: float
    cost: int
    place: Place
    said: str


def by_value(window: Window) -> list[Entry]:
    """Return all that any ranking names, however unlikely, what is worth most for its tokens first."""
    return [weighed.entry for weighed in ordered(window)]


def ordered(window: Window) -> list[Weighed]:
    """Return the same, each with its worth and its place."""
    return _in_order(_worths(window))


def weigh(window: Window) -> list[Weighed]:
    """Return what is likely to hold what is asked, what is worth most for its tokens first.

    What is in the window already is among it: where that holds nearly all of the odds, nothing
    else is worth quoting.
    """
    return _in_order(_likeliest(_worths(window)))


def _worths(window: Window) -> list[Weighed]:
    """Return the likeliest messages that the rankings name: this thread's in log order, then others'."""
    worth = fused(window)
    likely = sorted(worth, key=lambda place: (-worth[place], _newest_first(place)))[:_POOL]
    weighed = []
    for log, seqs in _by_log(window, likely):
        entries = [entry for entry in log.at(seqs) if entry.message.role not in _STANDING]
        bears = bearing(log, window.query, entries)
        for entry in entries:
            place = entry.seq if log is window.log else (log.thread, entry.seq)
            said = searchable_text(entry.message)
            weighed.append(Weighed(entry, worth[place] + bears[entry.seq], _cost(entry, said), place, said))
    return weighed


def _by_log(window: Window, places: Iterable[Place]) -> Iterator[tuple[Log, list[int]]]:
    """Yield the logs that messages stand in, this thread's first, each with their numbers."""
    chosen = list(places)
    yield window.log, [place for place in chosen if isinstance(place, int)]
    for thread, seqs in by_thread(in_order(window, chosen)).items():
        yield other_log(window, thread), seqs


def _newest_first(place: Place) -> tuple[str, int]:
    return ("", -place) if isinstance(place, int) else (place[0], -place[1])


def _in_order(weighed: Iterable[Weighed]) -> list[Weighed]:
    return sorted(weighed, key=lambda w: (math.log(w.cost) - w.worth, _newest_first(w.place)))


def _likeliest(weighed: Sequence[Weighed]) -> list[Weighed]:
    """Return the fewest messages that hold all but ``_REST`` of the odds, without the unlikely."""
    best = max((w.worth for w in weighed), default=0.0)
    odds = {w.place: math.exp(w.worth - best) for w in weighed}
    left = math.fsum(odds.values())
    enough = _REST * left
    kept = []
    for found in sorted(weighed, key=lambda w: (-w.worth, _newest_first(w.place))):
        if left <= enough or odds[found.place] < _FLOOR:
            break
        left -= odds[found.place]
        kept.append(found)
    return kept


def fused(window: Window) -> dict[Place, float]:
    """Return the logarithm of what each ranked message before the question is worth.

    Rankings that name no message of another thread did not look there, and say nothing of those.
    """
    newest = window.newest
    last = newest.seq - 1 if newest else window.log.head
    here = [
        (r.weight, {seq: s for seq, s in r.scores.items() if seq <= last}, r.least)
        for r in window.rankings
        if r.scores
    ]
    there = [(r.weight, r.elsewhere, r.least) for r in window.rankings if r.elsewhere]
    worth: dict[Place, float] = {}
    worth.update(fuse(here).items())
    worth.update(fuse(there).items())
    return worth


def _cost(entry: Entry, said: str) -> int:
    """Return about how many tokens the quote of a message takes: each line of it has a mark."""
    return entry.tokens + 2 * (said.count("\n") + 1) + _REFERENCE
