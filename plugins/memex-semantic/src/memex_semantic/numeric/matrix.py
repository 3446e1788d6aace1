"""The vectors of one thread in memory, and the exact search over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Numbers = NDArray[np.float64]

_PAGE: Final = 1024
_SAMPLE: Final = 1024
_MARGIN: Final = 1e-4
"""How far the fast scores, in single precision, may be from the exact ones; many times what was seen."""
AROUND: Final = 4
"""So many messages on each side of one are looked at: an answer is not far from its question."""
DIGITS: Final = 6
"""Of a score: the last digits of a sum differ with the machine, and a plan must not."""


class Matrix:
    """The vectors of a thread's messages, of length one, in log order.

    Scores are computed twice: for all messages in single precision, to find the best; and for these
    again in double precision, each on its own, and rounded. So a score does not depend on how many
    messages there are, and the same question has the same ranking when it is asked again.

    Args:
        dimension: How many numbers a vector has.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._rows: Rows = np.zeros((0, dimension), np.float32)
        self._seqs: NDArray[np.int64] = np.zeros(0, np.int64)
        self._count = 0

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
        rows = self._rows[:count]
        # One after the other: numpy's product with several at once took four times as long as with one.
        by_row = rows @ questions[0]
        for question in questions[1:]:
            np.maximum(by_row, rows @ question, out=by_row)
        starts = self._starts(count)
        seqs, own = self._seqs[starts], np.maximum.reduceat(by_row, starts)
        around = _around(seqs, own)
        fast = own + beside * around
        least = np.partition(fast, len(fast) - top)[len(fast) - top] - _MARGIN if len(fast) > top else -np.inf
        chosen = np.flatnonzero(fast >= least)
        candidates = seqs[chosen]
        needed = _needed(seqs, own, around, chosen) if beside else chosen
        exact, scored = self._exact(questions, seqs[needed], upto)
        if beside:
            scored = scored + beside * _around(exact, scored)
        scores = dict(zip(exact.tolist(), np.round(scored, DIGITS).tolist(), strict=True))
        best = sorted(candidates.tolist(), key=lambda seq: (-scores[seq], -seq))
        return {seq: scores[seq] for seq in best[:top]}

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
        known = self._seqs[: self._count]
        wanted = wanted[wanted <= upto]
        spans = zip(np.searchsorted(known, wanted), np.searchsorted(known, wanted, "right"), strict=True)
        taken = np.concatenate([np.arange(first, stop) for first, stop in spans])
        rows, seqs = self._rows[taken].astype(np.float64), self._seqs[taken]
        # Not by a matrix product, whose order of summing depends on the size of the matrix.
        by_row = np.max([(rows * question).sum(axis=1) for question in questions.astype(np.float64)], axis=0)
        starts = np.flatnonzero(np.r_[True, seqs[1:] != seqs[:-1]])
        by_message: Numbers = np.maximum.reduceat(by_row, starts)
        return seqs[starts], by_message.round(DIGITS)

    def _starts(self, count: int) -> NDArray[np.intp]:
        seqs = self._seqs[:count]
        return np.flatnonzero(np.r_[True, seqs[1:] != seqs[:-1]])

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


def _around(seqs: NDArray[np.int64], scores: NDArray[Any]) -> NDArray[Any]:
    """Return for each message the score of the best around it, itself among them, and at least nothing."""
    best: NDArray[Any] = np.maximum(scores, 0)
    for step in range(1, min(AROUND, len(seqs) - 1) + 1):
        close = seqs[step:] - seqs[:-step] <= AROUND
        np.maximum(best[step:], np.where(close, scores[:-step], 0), out=best[step:])
        np.maximum(best[:-step], np.where(close, scores[step:], 0), out=best[:-step])
    return best


def _needed(
    seqs: NDArray[np.int64], own: NDArray[Any], around: NDArray[Any], chosen: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the chosen and those around them that may be the best there, once scores are exact."""
    needed = [chosen]
    for step in (*range(-AROUND, 0), *range(1, AROUND + 1)):
        beside = np.clip(chosen + step, 0, len(seqs) - 1)
        close = np.abs(seqs[beside] - seqs[chosen]) <= AROUND
        needed.append(beside[close & (own[beside] >= around[chosen] - _MARGIN)])
    return np.unique(np.concatenate(needed))
