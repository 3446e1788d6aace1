"""Messages that have no word of the question near them, but speak of what the best ones found speak of.

"How does she relax?" finds the one message that says "relax", and that is about pottery. Where little is
found, the telling words of the best messages are looked up as well. What they lead to is a guess: it stays
behind nearly all that the question's own words lead to.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from memex import Log, searchable_text
from memex_recall.places import sought, words_in
from memex_recall.words import telling_words

if TYPE_CHECKING:
    from memex_recall.ranking import Ranked

FEW: Final = 100
"""It is looked further where fewer messages than these are found, for at most as many more."""

_BEST: Final = 8  # messages whose words count
_HEARD: Final = 1000  # characters of each of them
_SAID: Final = 40  # words of these
_LOOKED_UP: Final = 40  # of all, those of the best first
_PLACES: Final = 96  # newest of each that are looked at
_MANY: Final = 80  # messages; a word of more is passed over, so that a few later ones change nothing
_WORDS: Final = 15  # of all of them that are worth most
_TWICE: Final = 2  # messages hold such a word at least: that of one leads nowhere else
_LEAST: Final = 1.5  # about a word that one message in five has: what is worth less is chance


def further(log: Log, found: Sequence[Ranked], *, known: Collection[str], upto: int) -> dict[int, float]:
    """Return which part of the telling words of the best messages further messages hold, each by its worth.

    Args:
        log: The thread.
        found: The messages that the words of the question lead to.
        known: These words in all their forms, and the names of those who speak.
        upto: Last message that counts.
    """
    best = sorted(found, key=lambda r: (-r.score, -r.entry.seq))[:_BEST]
    told: dict[str, float] = {}
    for ranked in best:
        for term in telling_words(searchable_text(ranked.entry.message)[:_HEARD], _SAID):
            if term not in known:
                told[term] = told.get(term, 0.0) + ranked.score
    looked_up = {term: (term,) for term in islice(told, _LOOKED_UP)}
    words = words_in(log.find(sought(looked_up), limit=_PLACES), looked_up, upto, most=_PLACES)
    worths = {
        word.term: told[word.term] * word.weight
        for word in words
        if _TWICE <= len(word.seqs) <= _MANY and word.weight >= _LEAST
    }
    most_worth = set(sorted(worths, key=lambda term: (-worths[term], term))[:_WORDS])
    parts: dict[int, float] = {}
    for word in words:
        if word.term in most_worth:
            for seq in word.seqs:
                parts[seq] = parts.get(seq, 0.0) + worths[word.term]
    for ranked in found:
        parts.pop(ranked.entry.seq, None)
    whole = math.fsum(worths[term] for term in most_worth)
    chosen = sorted(parts, key=lambda seq: (-parts[seq], -seq))[:FEW]
    return {seq: parts[seq] / whole for seq in chosen}
