"""Ranks the messages of a thread for a question: BM25 of the message, and of those beside it.

The cost is bounded whatever the length of the thread: each word gives its newest places only, and
only the most promising messages are read. All figures come from the log before the question, so
that a plan can be replayed and the ranking holds still while tools are called.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Final

import msgspec

from memex import Entry, Log, Postings, searchable_text, terms
from memex_recall.words import asked_words

PLACES: Final = 500
"""Newest places of each word that are looked at. Words with more are common, and weigh little."""

_K1: Final = 1.2
_B: Final = 1.0  # long messages hold many words by chance; 0.75 is made for documents
_BESIDE: Final = 0.5
_LEAST: Final = 0.3  # about a word that one message in thirteen has: what is worth less is chance
_COMMON: Final = 0.1  # a word in a tenth of the messages tells next to nothing
_STANDING: Final = frozenset({"system", "developer"})  # these are in every window


class Ranked(msgspec.Struct, frozen=True):
    """A message and how well it fits.

    Attributes:
        entry: The message.
        score: Its worth together with that of the messages beside it.
        own: Its worth alone; 0 where it has none of the words.
    """

    entry: Entry
    score: float
    own: float


def rank(
    log: Log,
    question: str,
    *,
    upto: int,
    outside: Collection[int] = (),
    most: int | None = None,
    worth: float = 0.3,
    pool: int = 60,
) -> list[Ranked]:
    """Return the messages that fit a question, best first; empty where nothing is worth quoting.

    Args:
        log: The thread.
        question: What is asked.
        upto: Last message that counts; the question stands after it.
        outside: Messages that are not wanted, such as those in the window.
        most: Messages of more tokens are passed over: they could not be quoted.
        worth: What fits less than this share of the best message of the whole thread is left out,
            so that nothing is brought back where the best is in the window already.
        pool: How many messages are read and weighed exactly.
    """
    postings = log.find(asked_words(question), limit=PLACES)
    weights = _weights(postings, upto)
    found: dict[int, float] = {}
    for posting in postings:
        weight = weights[posting.term]
        for seq in posting.seqs:
            if seq <= upto:
                found[seq] = found.get(seq, 0.0) + weight
    strongest = nlargest(4 * pool, ((score, seq) for seq, score in found.items()))
    rough = _with_neighbours(found, around=(seq for _, seq in strongest), last=upto)
    least = max(_LEAST, worth * max(rough.values(), default=0.0))
    fit = [seq for seq, score in rough.items() if score >= least and seq not in outside]
    promising = sorted(fit, key=lambda seq: (-rough[seq], -seq))[:pool]
    beside = {near for seq in promising for near in (seq - 1, seq + 1) if near in found}
    read = {
        e.seq: e
        for e in log.at({*promising, *beside})
        if e.message.role not in _STANDING and (most is None or e.tokens <= most)
    }
    own = _bm25(read.values(), weights)
    exact = _with_neighbours(own, around=own, last=upto)
    best = max(exact.values(), default=0.0)
    ranked = [
        Ranked(read[seq], exact[seq], own.get(seq, 0.0))
        for seq in promising
        if seq in read and exact.get(seq, 0.0) >= max(_LEAST, worth * best)
    ]
    return sorted(ranked, key=lambda r: (-r.score, -r.entry.seq))


def _weights(postings: Sequence[Postings], upto: int) -> dict[str, float]:
    """Return what each word is worth: the rarer, the more."""
    common = _idf(max(3.0, _COMMON * upto), upto)
    idfs = {p.term: _idf(_document_frequency(p.seqs, upto), upto) for p in postings}
    return {word: max(0.1 * idf, idf - common) for word, idf in idfs.items()}


def _document_frequency(seqs: Sequence[int], upto: int) -> float:
    """Return how many messages hold a word; estimated where only the newest of them are known."""
    before = [seq for seq in seqs if seq <= upto]
    if len(seqs) < PLACES or not before:
        return len(before)
    return len(before) * upto / (upto - before[-1] + 1)


def _idf(held: float, upto: int) -> float:
    return math.log(1 + max(0.0, upto - held + 0.5) / (held + 0.5))


def _bm25(entries: Iterable[Entry], weights: Mapping[str, float]) -> dict[int, float]:
    words = {e.seq: terms(f"{e.message.name or ''}\n{searchable_text(e.message)}") for e in entries}
    average = sum(map(len, words.values())) / (len(words) or 1) or 1.0
    own: dict[int, float] = {}
    for seq, said in words.items():
        norm = _K1 * (1 - _B + _B * len(said) / average)
        held = ((weights[word], count) for word, count in Counter(said).items() if word in weights)
        worth = sum(weight * count * (_K1 + 1) / (count + norm) for weight, count in held)
        if worth:
            own[seq] = worth
    return own


def _with_neighbours(own: Mapping[int, float], *, around: Iterable[int], last: int) -> dict[int, float]:
    """Return scores in which half of the better neighbour's counts too.

    The answer to a question often has none of its words, but stands beside a message that has.

    Args:
        own: What each message is worth alone.
        around: The messages to do it for, together with those beside them.
        last: The last message of all.
    """
    near = {seq + step for seq in around for step in (-1, 0, 1)}
    return {
        seq: own.get(seq, 0.0) + _BESIDE * max(own.get(seq - 1, 0.0), own.get(seq + 1, 0.0))
        for seq in near
        if 1 <= seq <= last
    }
