"""What the times that a question asks about say of the messages of a thread.

A message may be meant because it was said in that time, or because it speaks of it: "yesterday", said
on the eighth, speaks of the seventh. The fewer messages do, the more either says.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from heapq import nlargest
from typing import Final

from memex import Entry, Log, terms
from memex_recall.dates import AskedTime, Span, times_in
from memex_recall.dates.timeline import Timeline
from memex_recall.places import Word

# How often what a question is after was said in the time that it names, how often it speaks of that
# time, and how often it has nothing to do with it. Counted on development conversations, and rounded.
_SAID: Final = 0.6
_SPOKEN: Final = 0.25
_READINGS: Final = (1.0, 0.6)  # what the second of two readings counts beside the first
_AHEAD: Final = 0.25  # what is asked about the future is seldom about what was said
_BRIEF: Final = 8  # of a longer question the time is a smaller part: it counts by the square of this share
_AS_WORDS: Final = 0.5  # what the words of a time still count as words

_MOST: Final = 100  # messages of the times that are read, whatever their length
_FEW: Final = 2  # one by its words and one whatever its words
_SPREAD: Final = 30  # of them so many at even distances, whatever their words
_AFTER: Final = 30  # messages said after the times that are read: they may speak of them
_LISTENED: Final = 60  # messages whose words are searched for times
_HEARD: Final = 400  # characters of each of them


class Dated:
    """The times of a question in a thread: what to read, and what they say of what was read.

    Args:
        log: The thread.
        times: What the question asks about; all is as without this module where it is empty.
        upto: Last message that counts.
        asked: The words of the question.
    """

    def __init__(self, log: Log, times: Sequence[AskedTime], upto: int, asked: Collection[str]) -> None:
        self._upto = upto
        self._all: tuple[int, int] | None = None
        self._most, self._later = _MOST, _AFTER
        self._words = frozenset(word for time in times for word in terms(time.named.said))
        self._trust = min(1.0, (_BRIEF / max(1.0, _length(asked))) ** 2)
        self._spans: list[tuple[Span, float, range]] = []
        timeline = Timeline(log, upto)
        for time in times:
            weights = _READINGS[: len(time.named.spans)]
            for span, weight in zip(time.named.spans, weights, strict=False):
                share = weight / sum(weights) / len(times) * (1.0 if time.begun else _AHEAD)
                seqs = timeline.seqs(span) if time.begun else range(upto + 1, upto + 1)
                self._spans.append((span, share, seqs))

    @property
    def held(self) -> int:
        """How many messages were said in the times."""
        return sum(len(seqs) for _, _, seqs in self._spans)

    def among(self, messages: int, held: int, threads: int) -> None:
        """Compare with other threads: by its own figures, one that is all of the time gains nothing.

        Args:
            messages: How many messages they all have.
            held: How many of these were said in the times.
            threads: In how many threads; they share what may be read.
        """
        self._all = messages, held
        self._most, self._later = _MOST // threads, _AFTER // threads

    def lighter(self, words: Sequence[Word]) -> Sequence[Word]:
        """Return the words, those of the times weighing less: they are not counted twice in full."""
        share = 1 - self._trust * (1 - _AS_WORDS)
        return [w.weighing(share * w.weight) if w.term in self._words else w for w in words]

    def places(self, words: Sequence[Word]) -> set[int]:
        """Return a bounded number of messages to read: said in the times, and soon after."""
        chosen: set[int] = set()
        for _, _, seqs in self._spans:
            room = max(_FEW, self._most // len(self._spans))
            chosen.update(seqs if len(seqs) <= room else _of_many(seqs, words, room))
            chosen.update(self._after(seqs))
        return chosen

    def worths(self, read: Collection[Entry], near: Mapping[int, float]) -> dict[int, float]:
        """Return what the times add to the logarithm of the odds of messages; most are not named.

        Args:
            read: The messages that were read.
            near: What words say of some of them: only the likeliest are searched for what they speak of.
        """
        if not self._spans:
            return {}
        odds = dict.fromkeys((entry.seq for entry in read), 0.0)
        spoken = self._spoken({entry.seq: entry for entry in read}, near)
        for (span, share, seqs), speaking in zip(self._spans, spoken, strict=True):
            said = self._trust * share * _SAID * _rarity(*(self._all or (self._upto, len(seqs))))
            spoke = self._trust * share * _SPOKEN * _rarity(self._upto, len(speaking))
            for entry in read:
                odds[entry.seq] += said * (entry.message.created in span) + spoke * (entry.seq in speaking)
        neither = 1 - self._trust * (_SAID + _SPOKEN)
        return {seq: math.log1p(value / neither) for seq, value in odds.items() if value}

    def _after(self, seqs: range) -> range:
        return range(seqs.stop, min(seqs.stop + self._later // len(self._spans), self._upto + 1))

    def _spoken(self, read: Mapping[int, Entry], near: Mapping[int, float]) -> list[set[int]]:
        """Return for each of the times the messages that speak of it."""
        after = [seq for _, _, seqs in self._spans for seq in self._after(seqs)]
        likeliest = sorted(near, key=lambda seq: (-near[seq], seq))
        spoken: list[set[int]] = [set() for _ in self._spans]
        for seq in [seq for seq in dict.fromkeys([*after, *likeliest]) if seq in read][:_LISTENED]:
            message = read[seq].message
            for named in times_in(message.text[:_HEARD], message.created, past=False):
                for (span, _, _), speaking in zip(self._spans, spoken, strict=True):
                    if any(_same_time(told, span) for told in named.spans):
                        speaking.add(seq)
        return spoken


def _rarity(messages: int, held: int) -> float:
    """Return how many messages there are for each that is held, beyond it: nothing where all are."""
    return max(0.0, (messages + 1) / (held + 1) - 1)


def _length(asked: Collection[str]) -> float:
    """Return about how many words a question has; unspaced scripts are asked for in pairs of characters."""
    return sum(1.0 if word.isascii() or len(word) > 2 else 0.5 for word in asked)


def _of_many(seqs: range, words: Sequence[Word], most: int) -> set[int]:
    """Return some of many messages: those that hold words of the question, and others evenly."""
    held: dict[int, float] = {}
    for word in words:
        for seq in word.between(seqs.start, seqs.stop):
            held[seq] = held.get(seq, 0.0) + word.weight
    best = nlargest(most - min(_SPREAD, most // 2), held, key=lambda seq: (held[seq], seq))
    step = -(-len(seqs) // (most - len(best)))
    return {*best, *seqs[::step]}


def _same_time(told: Span, asked: Span) -> bool:
    """Tell whether a time that is told is the one asked for: within it, or around it and little longer."""
    if told.within(asked):
        return True
    return asked.within(told) and told.end - told.start <= 3 * (asked.end - asked.start)
