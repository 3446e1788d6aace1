"""Which messages are looked at: those that share the rarer words of the question, and the newest.

The cost is bounded, whatever the length of the thread: so many words are looked up, each gives its
newest places only, and so many messages are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from heapq import nlargest
from typing import Final

import msgspec

from memex import Entry, Log, terms

WORDS: Final = 48
"""A question may be a pasted document: so many of its words are looked up."""
PLACES: Final = 200
"""Newest places of a word that are looked at. A word with more of them is common, and weighs little."""
READ: Final = 60
"""Messages that share words with the question, and are read."""
RECENT: Final = 20
"""Newest messages before the question that are read as well."""
_BESIDE: Final = 0.5  # an answer often stands beside the message that has the words
_STANDING: Final = frozenset({"system", "developer"})


class Candidate(msgspec.Struct, frozen=True):
    """A message that may bear on a question.

    Attributes:
        entry: The message.
        shared: How much of the question's words it has, the rarer counting more; from 0 to 1.
    """

    entry: Entry
    shared: float


def candidates(log: Log, question: str, *, upto: int) -> list[Candidate]:
    """Return the messages before a question that may bear on it, in log order."""
    shared = _shared(log, question, upto)
    best = nlargest(READ, ((worth, seq) for seq, worth in shared.items()))
    chosen = {seq for _, seq in best} | set(range(max(1, upto - RECENT + 1), upto + 1))
    read = log.at(chosen)
    return [Candidate(e, shared.get(e.seq, 0.0)) for e in read if e.message.role not in _STANDING]


def _shared(log: Log, question: str, upto: int) -> dict[int, float]:
    words = _telling(terms(question[:20_000]))
    postings = log.find(words, limit=PLACES)
    weights = {p.term: _rarity(p.seqs, upto) for p in postings}
    whole = sum(weights.values())
    own: dict[int, float] = {}
    for posting in postings:
        for seq in posting.seqs:
            if seq <= upto:
                own[seq] = own.get(seq, 0.0) + weights[posting.term]
    if not whole:
        return {}
    strongest = nlargest(2 * READ, ((worth / whole, seq) for seq, worth in own.items()))
    return _with_neighbours({seq: share for share, seq in strongest}, upto)


def _telling(said: Iterable[str]) -> list[str]:
    """Return the words to look up; of many the longest, which are the rarer ones."""
    words = list(dict.fromkeys(said))
    return words if len(words) <= WORDS else sorted(words, key=lambda word: (-len(word), word))[:WORDS]


def _rarity(seqs: tuple[int, ...], upto: int) -> float:
    """Return what a word weighs: nothing where a fifth of the messages have it, or none."""
    before = [seq for seq in seqs if seq <= upto]
    if not before:
        return 0.0
    held = len(before) if len(seqs) < PLACES else len(before) * upto / (upto - before[-1] + 1)
    return max(0.0, math.log(0.2 * max(upto, 20) / held))


def _with_neighbours(own: Mapping[int, float], upto: int) -> dict[int, float]:
    near = {seq + step for seq in own for step in (-1, 0, 1)}
    return {
        seq: min(1.0, own.get(seq, 0.0) + _BESIDE * max(own.get(seq - 1, 0.0), own.get(seq + 1, 0.0)))
        for seq in near
        if 1 <= seq <= upto
    }
