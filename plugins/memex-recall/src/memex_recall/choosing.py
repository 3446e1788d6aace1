"""Chooses what to quote: the matches that are worth it, what stands beside them, and what fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from memex import Entry, Log, searchable_text, terms
from memex_recall.ranking import Ranked

_HEADING: Final = 40
_REFERENCE: Final = 16


class Quote(msgspec.Struct, frozen=True):
    """A message that is to be quoted.

    Attributes:
        entry: The message.
        score: How well it fits; None for one that stands beside such a message.
        beside: The message it stands beside.
    """

    entry: Entry
    score: float | None = None
    beside: int | None = None


def choose(
    log: Log, question: str, ranked: Sequence[Ranked], *, top: int, neighbours: int, outside: Collection[int]
) -> list[Quote]:
    """Return what to quote in order of worth: the matches, then what stands beside them.

    Args:
        log: The thread.
        question: What is asked; the same question asked before is no answer, what follows it may be.
        ranked: The messages that fit, best first.
        top: At most so many matches.
        neighbours: How many messages before and after each match.
        outside: Messages not to quote.
    """
    matches = [found for found in ranked if found.own][:top]
    seen = {tuple(terms(question))}
    quotes = []
    for match in matches:
        said = tuple(terms(searchable_text(match.entry.message)))
        if said not in seen:
            seen.add(said)
            quotes.append(Quote(match.entry, score=match.score))
    beside = _beside([match.entry.seq for match in matches], neighbours)
    near = {found.entry.seq: found.entry for found in ranked if found.entry.seq in beside}
    unread = (seq for seq in beside if seq not in outside and seq not in near)
    near |= {entry.seq: entry for entry in log.at(unread)}
    return quotes + [
        Quote(near[seq], beside=match)
        for seq, match in beside.items()
        if seq in near and near[seq].message.role not in ("system", "developer")
    ]


def _beside(matches: Sequence[int], neighbours: int) -> dict[int, int]:
    """Return what stands beside the matches, nearest to the best first, with the match it is beside.

    What follows comes before what precedes: an answer stands after its question.
    """
    near: dict[int, int] = {}
    for at in matches:
        for step in range(1, neighbours + 1):
            for seq in (at + step, at - step):
                if seq > 0 and seq not in matches:
                    near.setdefault(seq, at)
    return near


def most_of(room: int) -> int:
    """Return the most tokens a match may take: half, so that one long message does not take all."""
    return room // 2


def fitting(quotes: Iterable[Quote], room: int) -> list[Quote]:
    """Return the quotes that fit in about ``room`` tokens, in the same order.

    A neighbour may take half of what a match may.
    """
    left = room - _HEADING
    taken = []
    for quote in quotes:
        lines = searchable_text(quote.entry.message).count("\n") + 1
        cost = quote.entry.tokens + 2 * lines + _REFERENCE
        most = most_of(room) if quote.beside is None else most_of(room) // 2
        if cost <= min(left, most):
            taken.append(quote)
            left -= cost
    return taken
