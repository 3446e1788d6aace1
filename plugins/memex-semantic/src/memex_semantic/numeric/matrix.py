"""The vectors of one thread in memory, and the exact search over them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memex_semantic.numeric.coarse import WORTH, Coarse, product_of_bytes

Rows = NDArray[np.float32]
Numbers = NDArray[np.float64]

_PAGE: Final = 1024
_SAMPLE: Final = 1024
_MARGIN: Final = 1e-4
"""How far the fast scores, in single precision, may be from the exact ones; many times what was seen."""
_MOST_LIKELY: Final = 0.2
"""Part of the vectors that may be left after a first look; to gather more is slower than to multiply all."""
AROUND: Final = 4
"""So many messages on each side of one are looked at: an answer is not far from its question."""
DIGITS: Final = 6
"""Of a score: the last digits of a sum differ with the machine, and a plan must not."""


class Matrix:
    """The vectors of a thread's messages, of length one, in log order.

    Scores are computed twice: for all messages in single precision, to find the best; and for these
    again in double precision, each on its own, and rounded. So a score does not depend on how many
    messages there are, and the same question has the same ranking when it is asked again. Of many
    vectors most are left out by a look at their bytes before that, where numkong is installed: only what
    cannot be among the best, so the ranking is the same.

    Args:
        dimension: How many numbers a vector has.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._rows: Rows = np.zeros((0, dimension), np.float32)
        self._seqs: NDArray[np.int64] = np.zeros(0, np.int64)
        self._count = 0
        self._coarse: Coarse | None = None
        self._looking = threading.Lock()

    def __len__(self) -> int:
        """Return how many vectors there are."""
        return self._count

    @property
    def seqs(self) -> list[int]:
        """The messages that have vectors, in order."""
        found: list[int] = np.unique(self._seqs[: self._count]).tolist()
        return found

    def extend(self, entries: Iterable[tuple[int, bytes]]) -> None:
        """Add the vectors of messages, each given as a store keeps them, in log order."""
        pages = iter(entries)
        while page := list(islice(pages, _PAGE)):
            rows = unit(np.frombuffer(b"".join(data for _, data in page), "<f4").reshape(-1, self.dimension))
            seqs = np.repeat(
                [seq for seq, _ in page], [len(data) // (4 * self.dimension) for _, data in page]
            )
            self._make_room(len(rows))
            end = self._count + len(rows)
            self._rows[self._count : end] = rows
            self._seqs[self._count : end] = seqs
            self._count = end

    def nearest(self, questions: Rows, *, upto: int, top: int, beside: float = 0.0) -> dict[int, float]:
        """Return the messages nearest to a question and how near they are, best first.

        A message of several vectors is as near as the nearest of them, to the nearest of the question's.

        Args:
            questions: The question's vectors, of length one, a row each.
            upto: Only messages up to this one.
            top: At most so many messages.
            beside: What a message gets of the nearness of the nearest around it, itself among them.
        """
        count = int(np.searchsorted(self._seqs[: self._count], upto, side="right"))
        if not count or not len(questions) or top < 1:
            return {}
        candidates, needed = self._candidates(questions, count, top, beside)
        seqs, exact = self._exact(questions, needed, upto)
        scored = exact + beside * _around(seqs, exact) if beside else exact
        scores = dict(zip(seqs.tolist(), np.round(scored, DIGITS).tolist(), strict=True))
        best = sorted(candidates.tolist(), key=lambda seq: (-scores[seq], -seq))
        return {seq: scores[seq] for seq in best[:top]}

    def _candidates(
        self, questions: Rows, count: int, top: int, beside: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the messages that may be among the best, as :func:`_best` does."""
        rows, seqs = self._rows[:count], self._seqs[:count]
        coarse = self._coarse_of(count)
        if coarse is not None:
            look = coarse.look(questions, count)
            likely, needed = _best(seqs, look.scores, top, beside, 2 * look.off)
            if len(needed) > count * _MOST_LIKELY:
                coarse = None  # all are much alike: the look was for nothing
            else:
                at = self._places(needed, count)
                rows, seqs = rows[at], seqs[at]
        # One after the other: numpy's product with several at once took four times as long as with one.
        by_row = rows @ questions[0]
        for question in questions[1:]:
            np.maximum(by_row, rows @ question, out=by_row)
        if coarse is None:
            return _best(seqs, by_row, top, beside, _MARGIN)
        return _best(seqs, by_row, top, beside, _MARGIN, among=likely)

    def _coarse_of(self, count: int) -> Coarse | None:
        """Return the vectors as bytes, complete to a count; None where that does not pay."""
        if count < WORTH or (product := product_of_bytes()) is None:
            return None
        with self._looking:
            if self._coarse is None:
                self._coarse = Coarse(self.dimension, product)
            for start in range(self._coarse.count, count, _PAGE * 16):
                self._coarse.extend(self._rows[start : min(count, start + _PAGE * 16)])
            return self._coarse

    def _places(self, wanted: NDArray[np.int64], count: int) -> NDArray[np.intp]:
        """Return where the vectors of messages are, among the first."""
        known = self._seqs[:count]
        first = np.searchsorted(known, wanted)
        lengths = np.searchsorted(known, wanted, "right") - first
        ends = np.cumsum(lengths)
        places: NDArray[np.intp] = np.arange(ends[-1] if len(ends) else 0) + np.repeat(
            first - ends + lengths, lengths
        )
        return places

    def deviation(self, questions: Rows, *, upto: int) -> float:
        """Return how far the cosines of a thread to a question lie from their mean: the standard deviation.

        Of a long thread a thousand vectors are looked at, spread evenly.
        """
        count = int(np.searchsorted(self._seqs[: self._count], upto, side="right"))
        if not count or not len(questions):
            return 0.0
        rows = self._rows[np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64)].astype(np.float64)
        by_row = np.max([(rows * question).sum(axis=1) for question in questions.astype(np.float64)], axis=0)
        return round(float(by_row.std()), DIGITS)

    def first_of(self, seqs: Sequence[int]) -> Numbers:
        """Return the first vector of each of these messages, which have one."""
        at = np.searchsorted(self._seqs[: self._count], np.asarray(seqs, np.int64))
        return self._rows[at].astype(np.float64)

    def _exact(
        self, questions: Rows, wanted: NDArray[np.int64], upto: int
    ) -> tuple[NDArray[np.int64], Numbers]:
        """Return which of these messages have vectors, and their scores, computed each on its own."""
        taken = self._places(wanted[wanted <= upto], self._count)
        rows, seqs = self._rows[taken].astype(np.float64), self._seqs[taken]
        # Not by a matrix product, whose order of summing depends on the size of the matrix.
        by_row = np.max([(rows * question).sum(axis=1) for question in questions.astype(np.float64)], axis=0)
        starts = _starts(seqs)
        by_message: Numbers = np.maximum.reduceat(by_row, starts)
        return seqs[starts], by_message.round(DIGITS)

    def _make_room(self, more: int) -> None:
        if self._count + more <= len(self._rows):
            return
        room = max(64, self._count + more, self._count + self._count // 2)
        rows = np.zeros((room, self.dimension), np.float32)
        seqs = np.zeros(room, np.int64)
        rows[: self._count], seqs[: self._count] = self._rows[: self._count], self._seqs[: self._count]
        self._rows, self._seqs = rows, seqs


def unit(vectors: Rows) -> Rows:
    """Return vectors of length one; one of zeros stays as it is."""
    exact = vectors.astype(np.float64)
    lengths = np.sqrt((exact * exact).sum(axis=1, keepdims=True))
    return (exact / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def rows_of(data: Iterable[bytes], dimension: int) -> Rows:
    """Return vectors as stores keep them as rows of length one."""
    return unit(np.frombuffer(b"".join(data), "<f4").reshape(-1, dimension))


def _starts(seqs: NDArray[np.int64]) -> NDArray[np.intp]:
    return np.flatnonzero(np.r_[True, seqs[1:] != seqs[:-1]])


def _best(
    seqs: NDArray[np.int64],
    by_row: Rows,
    top: int,
    beside: float,
    margin: float,
    among: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the messages that may be the best, and these with all around them that may be the best there.

    Args:
        seqs: The message of each vector.
        by_row: The score of each vector.
        top: How many are wanted.
        beside: What a message gets of the best around it.
        margin: How far a score may be behind another one and still be better, once scores are exact.
        among: Only these messages; the others are there because they stand around them.
    """
    starts = _starts(seqs)
    messages, own = seqs[starts], np.maximum.reduceat(by_row, starts)
    around = _around(messages, own)
    scores = own + beside * around
    chosen = np.arange(len(messages)) if among is None else np.flatnonzero(np.isin(messages, among))
    if len(chosen) > top:
        least = np.partition(scores[chosen], len(chosen) - top)[len(chosen) - top] - (1 + beside) * margin
        chosen = chosen[scores[chosen] >= least]
    needed = [chosen]
    for step in (*range(-AROUND, 0), *range(1, AROUND + 1)) if beside else ():
        other = np.clip(chosen + step, 0, len(messages) - 1)
        close = np.abs(messages[other] - messages[chosen]) <= AROUND
        needed.append(other[close & (own[other] >= around[chosen] - margin)])
    return messages[chosen], messages[np.unique(np.concatenate(needed))]


def _around(seqs: NDArray[np.int64], scores: NDArray[Any]) -> NDArray[Any]:
    """Return for each message the score of the best around it, itself among them, and at least nothing."""
    best: NDArray[Any] = np.maximum(scores, 0)
    for step in range(1, min(AROUND, len(seqs) - 1) + 1):
        close = seqs[step:] - seqs[:-step] <= AROUND
        np.maximum(best[step:], np.where(close, scores[:-step], 0), out=best[step:])
        np.maximum(best[:-step], np.where(close, scores[step:], 0), out=best[:-step])
    return best
