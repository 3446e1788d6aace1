"""Ranks the messages of a thread for a question, by where its words stand.

The cost is bounded whatever the length of the thread: each word gives its newest places only, and
only the most promising messages are read. All figures come from the log before the question, so
that a plan can be replayed and the ranking holds still while tools are called.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from memex import Entry, Log, terms
from memex_recall.dated import Dated
from memex_recall.dates import AskedTime
from memex_recall.further import FEW, further
from memex_recall.places import PLACES, Word, sought, unheard, words_in
from memex_recall.words import asked_forms

# What each sign adds to the logarithm of a message's odds to hold what is asked. The figures were
# fitted on development conversations, together, and rounded; benchmarks/recall.py measures them.
_NEAR: Final = 6.5  # every word of the question stands in the message, or beside it
_SESSION: Final = 3.0  # every word stands somewhere in the same session
_FURTHER: Final = 1.0  # it has no word of the question near, but all those that the best messages share
_RAREST: Final = 0.15  # for what its rarest word is worth: of a long question one name can be all that counts

_DECAY: Final = 0.7  # what a word in the next message is worth of one in the message itself
_FAR: Final = 10  # messages away, a word counts no more
_WORTH: Final = tuple(_DECAY**away for away in range(_FAR))
_ROUGH: Final = 4  # so many messages on each side are looked at before any is read
_STARTS: Final = 800  # places of words from which messages are looked at
_BLOCK: Final = 16  # messages; stands for a session before any is read
_LEAST: Final = 0.3  # about a word that one message in thirteen has: what is worth less is chance
_PAUSE: Final = timedelta(hours=1)  # a session ends with one
_STANDING: Final = frozenset({"system", "developer"})  # these are in every window


class Ranked(msgspec.Struct, frozen=True):
    """A message and how well it fits.

    Attributes:
        entry: The message.
        score: How many times likelier it is to hold what is asked than one that has no sign of it.
        further: Which part of the words of the best messages it holds, where nothing else led to it.
    """

    entry: Entry
    score: float
    further: float | None = None


def rank(
    log: Log,
    question: str,
    *,
    upto: int,
    times: Sequence[AskedTime] = (),
    pool: int = 300,
) -> list[Ranked]:
    """Return the messages that fit a question, best first; empty where nothing does.

    Args:
        log: The thread.
        question: What is asked.
        upto: Last message that counts; the question stands after it.
        times: The times that it asks about.
        pool: How many messages are read and weighed exactly.
    """
    asked = asked_forms(question)
    dated = Dated(log, times, upto, asked)
    words = dated.lighter(words_in(log.find(sought(asked), limit=PLACES), asked, upto))
    seqs = promising(roughly(words, upto), dated.places(words), pool)
    ranked = weigh(log, seqs, [*words, *unheard(asked, words, upto)], dated)
    if seqs and len(ranked) < FEW:
        known = _names_in(log.at(to_read(seqs))).union(*asked.values())
        ranked += _led_to(log, ranked, known, upto)
    return _best_first(ranked)


def promising(rough: Mapping[int, float], of_times: Collection[int], pool: int) -> list[int]:
    """Return the messages that are worth weighing exactly.

    Args:
        rough: What messages are worth by the places of the words alone.
        of_times: Messages of the times that are asked about.
        pool: How many.
    """
    return sorted({*_best(rough, max(pool // 2, pool - len(of_times))), *of_times})


def to_read(seqs: Iterable[int]) -> set[int]:
    """Return the messages to read for those that are weighed: them, and the one before each."""
    return {near for seq in seqs for near in (seq, seq - 1) if near}


def weigh(
    log: Log,
    seqs: Sequence[int],
    words: Sequence[Word],
    dated: Dated,
    worth: Mapping[str, float] | None = None,
) -> list[Ranked]:
    """Return those messages of a thread that fit a question, best first.

    Args:
        log: The thread.
        seqs: The messages to weigh, in order.
        words: The words of the question, with those that nobody said where ``worth`` is not given.
        dated: What the times of the question say of it.
        worth: What all words of the question are worth in the threads it is compared with; None for
            one that is compared with no other.
    """
    if not seqs:
        return []
    read = {e.seq: e for e in log.at(to_read(seqs))}
    rules = {seq for seq, entry in read.items() if entry.message.role in _STANDING}
    if rules:  # what only they hold is as good as not asked
        words = [left for word in words if (left := word.without(rules)).seqs or not word.seqs]
    said_by = _names_in(read.values())
    heard = [word for word in words if word.seqs]
    told = [word for word in heard if word.term not in said_by] or heard
    names = said_by.difference(word.term for word in told)
    all_words = {word.term: word.weight for word in words} if worth is None else worth
    total = sum(value for term, value in all_words.items() if term not in names) or 1.0
    sessions = _sessions(read)
    near, rarest = _nearness(told, seqs)
    within = _presence(told, sessions)
    by_date = dated.worths(read.values(), near)
    ranked = []
    for seq in seqs:
        entry = read.get(seq)
        if entry is None or seq in rules or not (near[seq] or by_date.get(seq)):
            continue
        odds = (_NEAR * near[seq] + _SESSION * within[sessions[seq]]) / total + _RAREST * rarest[seq]
        ranked.append(Ranked(entry, math.exp(odds + by_date.get(seq, 0.0))))
    return _best_first(ranked)


def _led_to(log: Log, found: Sequence[Ranked], known: Collection[str], upto: int) -> list[Ranked]:
    """Return messages that only the best of those that were found lead to."""
    parts = further(log, found, known=known, upto=upto)
    entries = [entry for entry in log.at(parts) if entry.message.role not in _STANDING]
    return [Ranked(e, math.exp(_FURTHER * parts[e.seq]), parts[e.seq]) for e in entries]


def _best_first(ranked: Iterable[Ranked]) -> list[Ranked]:
    """Return messages by their scores, the newer of equals first."""
    return sorted(ranked, key=lambda r: (-r.score, -r.entry.seq))


def _names_in(read: Iterable[Entry]) -> set[str]:
    """Return the words of the names of those who speak."""
    speakers = {entry.message.name for entry in read if entry.message.name}
    return {word for name in speakers for word in terms(name)}


def roughly(words: Sequence[Word], upto: int) -> dict[int, float]:
    """Return what messages are worth by the places of the words alone."""
    found: dict[int, float] = {}
    blocks: dict[int, float] = {}
    for word in _rarest(words):
        near: dict[int, float] = {}
        for step in range(_ROUGH, 0, -1):
            worth = word.weight * _DECAY**step
            for seq in word.seqs:
                near[seq + step] = near[seq - step] = worth
        near.update(dict.fromkeys(word.seqs, word.weight))
        if found:
            for seq, worth in near.items():
                found[seq] = found.get(seq, 0.0) + worth
        else:
            found = near
        for block in {seq // _BLOCK for seq in word.seqs}:
            blocks[block] = blocks.get(block, 0.0) + word.weight
    part = _SESSION / _NEAR
    return {
        seq: worth + part * blocks.get(seq // _BLOCK, 0.0)
        for seq, worth in found.items()
        if worth >= _LEAST and 1 <= seq <= upto
    }


def at_most(words: Iterable[Word]) -> float:
    """Return what no message is worth more than by the places of the words alone."""
    whole = sum(word.weight for word in words) * (1 + _SESSION / _NEAR)
    return whole * (1 + 1e-9)  # summed in another order


def _best(worth: Mapping[int, float], count: int) -> list[int]:
    """Return the messages that are worth most, the newer of equals; numbers alone are quick to sort."""
    if len(worth) <= count or not count:
        return list(worth) if count else []
    least = sorted(worth.values(), reverse=True)[count - 1]
    best = [seq for seq, value in worth.items() if value > least]
    equal = sorted((seq for seq, value in worth.items() if value == least), reverse=True)
    return best + equal[: count - len(best)]


def _rarest(words: Sequence[Word]) -> list[Word]:
    """Return the rarest words, as many as have a bounded number of places: the others tell little."""
    rarest: list[Word] = []
    places = 0
    for word in sorted(words, key=lambda word: (len(word.seqs), word.term)):
        places += len(word.seqs)
        if rarest and places > _STARTS:
            break
        rarest.append(word)
    return rarest


def _nearness(words: Sequence[Word], seqs: Sequence[int]) -> tuple[dict[int, float], dict[int, float]]:
    """Return for each message what the words near it are worth, and what the rarest one in it is."""
    near, rarest = dict.fromkeys(seqs, 0.0), dict.fromkeys(seqs, 0.0)
    for word in words:
        places, last = word.seqs, len(word.seqs)
        for seq in seqs:
            at = bisect_left(places, seq)
            away = places[at] - seq if at < last else _FAR
            if at and seq - places[at - 1] < away:
                away = seq - places[at - 1]
            if away < _FAR:
                near[seq] += word.weight * _WORTH[away]
                if not away and word.weight > rarest[seq]:
                    rarest[seq] = word.weight
    return near, rarest


def _sessions(read: Mapping[int, Entry]) -> dict[int, tuple[int, int]]:
    """Return for each message that was read the first and last one known of its session."""
    groups: list[list[int]] = []
    before: datetime | None = None
    for seq in sorted(read):
        created = read[seq].message.created
        if before is None or abs(created - before) > _PAUSE:
            groups.append([])
        groups[-1].append(seq)
        before = created
    return {seq: (group[0], group[-1]) for group in groups for seq in group}


def _presence(words: Sequence[Word], sessions: Mapping[int, tuple[int, int]]) -> dict[tuple[int, int], float]:
    """Return for each session what the words are worth that stand anywhere in it."""
    return {
        (first, last): sum(word.weight for word in words if word.within(first, last))
        for first, last in set(sessions.values())
    }
