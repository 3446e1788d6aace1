"""Ranks the messages of several threads for one question, so that they can be compared."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from heapq import nlargest
from typing import Final

from memex import Log
from memex_recall.dated import Dated
from memex_recall.dates import AskedTime
from memex_recall.places import Word, weight_of, weight_unheard, words_in
from memex_recall.ranking import rank, roughly
from memex_recall.words import asked_forms

_POOL: Final = 300  # so many messages of all the threads are read and weighed exactly


def rank_together(
    logs: Sequence[tuple[Log, int]], question: str, times: Sequence[AskedTime] = ()
) -> list[dict[int, float]]:
    """Return what messages of each thread are worth for a question, on one scale.

    Args:
        logs: The threads, each with the last message that counts.
        question: What is asked.
        times: The times that it asks about.
    """
    together = Together(logs, question, times)
    scores = []
    for (log, upto), pool in zip(logs, together.pools(), strict=True):
        read = pool or together.dated(log).held
        ranked = rank(log, question, upto=upto, pool=pool, together=together) if read else []
        scores.append({r.entry.seq: r.score for r in ranked})
    return scores


class Together:
    """Several threads as if they were one long thread.

    What a word is worth, and how much of the question a message answers, is told by all of them. By its
    own figures a thread of two messages that hold one word of the question would beat one that
    answers it: for all it knows, that word is the question.

    Args:
        logs: The threads, each with the last message that counts.
        question: What is asked.
        times: The times that it asks about.
    """

    def __init__(
        self, logs: Sequence[tuple[Log, int]], question: str, times: Sequence[AskedTime] = ()
    ) -> None:
        asked = asked_forms(question)
        self._logs = logs
        self._dated = {log.thread: Dated(log, times, upto, asked) for log, upto in logs}
        held = [dated.held for dated in self._dated.values() if dated.held]
        for dated in self._dated.values():
            dated.among(sum(upto for _, upto in logs), sum(held), len(held) or 1)
        found = [words_in(log, asked, upto) for log, upto in logs]
        worth = _worth(found, [upto for _, upto in logs])
        self._words = {
            log.thread: self.dated(log).lighter([word.weighing(worth[word.term]) for word in words])
            for (log, _), words in zip(logs, found, strict=True)
        }
        self._worth = {word.term: word.weight for words in self._words.values() for word in words}

    def dated(self, log: Log) -> Dated:
        """Return what the times of the question say of a thread."""
        return self._dated[log.thread]

    def words(self, log: Log) -> Sequence[Word]:
        """Return the words that stand in a thread, each as much worth as all threads say."""
        return self._words[log.thread]

    def total(self, names: Collection[str]) -> float:
        """Return what all words are worth, without names of speakers."""
        return sum(worth for term, worth in self._worth.items() if term not in names)

    def pools(self) -> list[int]:
        """Return how many messages of each thread are among the most promising of all."""
        promising = [
            (worth, -at, seq)
            for at, (log, upto) in enumerate(self._logs)
            for seq, worth in roughly(self.words(log), upto).items()
        ]
        pools = [0] * len(self._logs)
        for _, at, _ in nlargest(_POOL, promising):
            pools[-at] += 1
        return pools


def _worth(found: Sequence[Sequence[Word]], sizes: Sequence[int]) -> dict[str, float]:
    """Return what each word is worth: the rarer in all threads, the more."""
    held: dict[str, float] = {}
    for words, size in zip(found, sizes, strict=True):
        for word in words:  # its worth in its own thread says in how many messages it stands
            here = (size + 1) * math.exp(-word.weight) - 0.5 if word.seqs else 0.0
            held[word.term] = held.get(word.term, 0.0) + here
    size = sum(sizes)
    return {term: weight_of(count, size) if count else weight_unheard(size) for term, count in held.items()}
