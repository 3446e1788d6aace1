"""Ranks the messages of several threads for one question, so that they can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import nlargest
from typing import Final

import msgspec

from memex import Log
from memex_recall.places import Word, words_in
from memex_recall.ranking import rough, weighed
from memex_recall.words import asked_words

_POOL: Final = 300  # so many messages of all the threads are read and weighed exactly


def rank_together(logs: Sequence[tuple[Log, int]], question: str) -> list[dict[int, float]]:
    """Return what messages of each thread are worth for a question, on one scale.

    The threads count as one long thread: what a word is worth, and how much of the question a message
    answers, is told by all of them. By its own figures a thread of two messages that hold one word of
    the question would beat one that answers it: for all it knows, that word is the question.

    Args:
        logs: The threads, each with the last message that counts.
        question: What is asked.
    """
    asked = asked_words(question)
    found = [words_in(log, asked, upto) for log, upto in logs]
    worth = _worth(found, [upto for _, upto in logs])
    words = [[msgspec.structs.replace(w, weight=worth[w.term]) for w in some] for some in found]
    total = sum(worth.values()) or 1.0
    promising = [
        (value / total, -at, seq)
        for at, (some, (_, upto)) in enumerate(zip(words, logs, strict=True))
        for seq, value in rough(some, upto).items()
    ]
    chosen: list[list[int]] = [[] for _ in logs]
    for _, at, seq in nlargest(_POOL, promising):
        chosen[-at].append(seq)
    return [
        {r.entry.seq: r.score for r in weighed(log, some, sorted(seqs), worth)}
        for (log, _), some, seqs in zip(logs, words, chosen, strict=True)
    ]


def _worth(found: Sequence[Sequence[Word]], sizes: Sequence[int]) -> Mapping[str, float]:
    """Return what each word is worth that stands in any thread: the rarer in all of them, the more."""
    held: dict[str, float] = {}
    for words, size in zip(found, sizes, strict=True):
        for word in words:  # its worth in its own thread says in how many messages it stands
            held[word.term] = held.get(word.term, 0.0) + (size + 1) * math.exp(-word.weight) - 0.5
    size = sum(sizes)
    return {term: math.log((size + 1) / (count + 0.5)) for term, count in held.items()}
