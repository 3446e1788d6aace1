"""Ranks the messages of several threads for one question, so that they can be compared."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from heapq import heappush, heappushpop
from typing import Final

from memex import Log
from memex_recall.dated import Dated
from memex_recall.dates import AskedTime
from memex_recall.dates.timeline import looked_at_first
from memex_recall.places import PLACES, Word, sought, weight_of, weight_unheard, words_in
from memex_recall.ranking import at_most, promising, roughly, to_read, weigh
from memex_recall.words import asked_forms

_POOL: Final = 300  # so many messages of all the threads are read and weighed exactly


def rank_together(
    logs: Sequence[tuple[Log, int]], question: str, times: Sequence[AskedTime] = ()
) -> list[dict[int, float]]:
    """Return what messages of each thread are worth for a question, on one scale.

    The threads are taken as if they were one long thread. What a word is worth, and how much of the question
    a message answers, is told by all of them: by its own figures a thread of two messages that hold one word
    of the question would beat one that answers it; for all it knows, that word is the question.

    A thread that holds no word of the question costs next to nothing, and one that holds none but common
    ones little more.

    Args:
        logs: The threads, each with the last message that counts; the one that is asked in comes first.
        question: What is asked.
        times: The times that it asks about.
    """
    asked, sizes = asked_forms(question), [upto for _, upto in logs]
    own = logs[0][0]
    dated = _dated(logs, times, asked)
    postings = own.find_in([log for log, _ in logs], sought(asked), limit=PLACES)
    found = [words_in(some, asked, upto) for some, upto in zip(postings, sizes, strict=True)]
    worth = _worth(asked, found, sizes)
    words = [
        of.lighter([word.weighing(worth[word.term]) for word in some])
        for of, some in zip(dated, found, strict=True)
    ]
    seqs = _promising(words, dated, sizes)
    own.read_ahead((log, to_read(some)) for (log, _), some in zip(logs, seqs, strict=True))
    lighter = worth | {word.term: word.weight for some in words for word in some}
    return [
        {r.entry.seq: r.score for r in weigh(log, some, held, of, lighter)}
        for (log, _), some, held, of in zip(logs, seqs, words, dated, strict=True)
    ]


def _dated(
    logs: Sequence[tuple[Log, int]], times: Sequence[AskedTime], asked: Collection[str]
) -> list[Dated]:
    """Return what the times of the question say of each thread, compared with all of them."""
    if not times:
        own, upto = logs[0]
        return [Dated(own, (), upto, asked)] * len(logs)
    logs[0][0].read_ahead((log, looked_at_first(upto)) for log, upto in logs)
    dated = [Dated(log, times, upto, asked) for log, upto in logs]
    held = [of.held for of in dated if of.held]
    messages, held_in_all, threads = sum(upto for _, upto in logs), sum(held), len(held) or 1
    for of in dated:
        of.among(messages, held_in_all, threads)
    return dated


def _worth(asked: Iterable[str], found: Sequence[Sequence[Word]], sizes: Sequence[int]) -> dict[str, float]:
    """Return what each word is worth: the rarer in all threads, the more."""
    held = dict.fromkeys(asked, 0.0)
    for words, size in zip(found, sizes, strict=True):
        for word in words:  # its worth in its own thread says in how many messages it stands
            held[word.term] += (size + 1) * math.exp(-word.weight) - 0.5
    size = sum(sizes)
    return {term: weight_of(count, size) if count else weight_unheard(size) for term, count in held.items()}


def _promising(
    words: Sequence[Sequence[Word]], dated: Sequence[Dated], sizes: Sequence[int]
) -> list[list[int]]:
    """Return the messages of each thread that are among the most promising of all, or of the times."""
    rough, pools = _pools(words, sizes, _POOL)
    return [
        promising(rough.get(at, {}), of.places(some), pools[at]) if pools[at] or of.held else []
        for at, (some, of) in enumerate(zip(words, dated, strict=True))
    ]


def _pools(
    words: Sequence[Sequence[Word]], sizes: Sequence[int], most: int
) -> tuple[dict[int, dict[int, float]], list[int]]:
    """Return how many messages of each thread are among the most promising of all.

    Threads that could hold the best are looked at first, and none any more once no other can hold one
    that is good enough. Most hold common words of the question alone, and are never looked at.

    Args:
        words: Where the words of the question stand in each thread.
        sizes: How many messages of each count.
        most: How many are the most promising.

    Returns:
        What the messages of a thread are worth by the places of the words alone, for those that were
        looked at, and how many of each are among the best.
    """
    rough: dict[int, dict[int, float]] = {}
    best: list[tuple[float, int, int]] = []
    # A thread goes by minus its place: of equals the earlier thread counts.
    for bound, at in sorted(((at_most(some), -at) for at, some in enumerate(words) if some), reverse=True):
        if len(best) == most and bound < best[0][0]:
            break
        rough[-at] = roughly(words[-at], sizes[-at])
        for seq, worth in rough[-at].items():
            if len(best) < most:
                heappush(best, (worth, at, seq))
            elif worth >= best[0][0]:
                heappushpop(best, (worth, at, seq))
    pools = [0] * len(words)
    for _, at, _ in best:
        pools[-at] += 1
    return rough, pools
