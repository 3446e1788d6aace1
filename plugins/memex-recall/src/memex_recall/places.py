"""Where the words of a question stand in a thread, and what each is worth."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from memex import Postings

PLACES: Final = 500
"""Newest places of each word that are looked at. Words with more are common, and weigh little."""
_UNHEARD: Final = 0.3
"""What a word counts that nobody has said, beside the rarest that was. It leads nowhere, but is a part of
the question: who has the rest of it has not all."""


class Word(msgspec.Struct, frozen=True):
    """A word of the question.

    Attributes:
        term: The word, as :func:`memex.terms` gives it.
        seqs: The messages that hold it, oldest first; none where nobody has said it.
        weight: What it is worth: the rarer, the more.
    """

    term: str
    seqs: Sequence[int]
    weight: float

    def without(self, seqs: Collection[int]) -> Word:
        """Return the word as if these messages did not hold it."""
        return Word(self.term, [seq for seq in self.seqs if seq not in seqs], self.weight)

    def weighing(self, weight: float) -> Word:
        """Return the word with another weight."""
        return Word(self.term, self.seqs, weight)

    def between(self, first: int, after: int) -> Sequence[int]:
        """Return its places from one message up to another."""
        return self.seqs[bisect_left(self.seqs, first) : bisect_left(self.seqs, after)]

    def within(self, first: int, last: int) -> bool:
        """Tell whether it stands between two messages."""
        at = bisect_left(self.seqs, first)
        return at < len(self.seqs) and self.seqs[at] <= last


def sought(asked: Mapping[str, Sequence[str]]) -> list[str]:
    """Return all the forms that words may have, each once."""
    return list(dict.fromkeys(form for some in asked.values() for form in some))


def words_in(
    found: Iterable[Postings], asked: Mapping[str, Sequence[str]], upto: int, *, most: int = PLACES
) -> list[Word]:
    """Return those words that stand somewhere before a question.

    Args:
        found: Where forms of the words stand in a thread.
        asked: The words, each with the forms that it may have.
        upto: Last message that counts.
        most: How many of the newest places of a form ``found`` holds at most.
    """
    postings = {p.term: p.seqs for p in found if p.seqs}
    words = []
    for term, some in asked.items() if postings else ():
        places = [postings[form] for form in some if form in postings]
        seqs = sorted({seq for held in places for seq in held if seq <= upto})
        if seqs:
            held = max(float(len(seqs)), *(_frequency(seqs, upto, most) for seqs in places))
            words.append(Word(term, seqs, weight_of(held, upto)))
    return words


def unheard(asked: Iterable[str], words: Iterable[Word], upto: int) -> list[Word]:
    """Return those words of a question that stand nowhere before it; they only make the others less sure."""
    heard = {word.term for word in words}
    return [Word(term, (), weight_unheard(upto)) for term in asked if term not in heard]


def weight_of(held: float, messages: int) -> float:
    """Return what a word is worth that so many of the messages hold."""
    return math.log((messages + 1) / (held + 0.5))


def weight_unheard(messages: int) -> float:
    """Return what a word is worth that none of the messages holds."""
    return _UNHEARD * weight_of(0, messages)


def _frequency(seqs: Sequence[int], upto: int, most: int) -> float:
    """Return how many messages hold a form; estimated where only the newest of them are known."""
    before = [seq for seq in seqs if seq <= upto]
    if len(seqs) < most or not before:
        return len(before)
    return len(before) * upto / (upto - before[-1] + 1)
