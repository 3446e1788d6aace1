"""A first look at many vectors, at a byte a number: not exact, but never further off than it says."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Bytes = NDArray[np.int8]
Product = Callable[[Bytes, Bytes], NDArray[Any]]

WORTH: Final = 50_000
"""From so many vectors on the first look pays."""
_LARGEST: Final = 127
_ROUNDING: Final = 1e-5
"""What the arithmetic in single precision adds to what is off; many times what it can be."""


class Look(NamedTuple):
    """What a first look saw.

    Attributes:
        scores: About what the product of each vector with the question is.
        off: How far any of them may be from what it is.
    """

    scores: Rows
    off: float


class Coarse:
    """Vectors of length one, rounded to a byte a number, each by a step of its own.

    Args:
        dimension: How many numbers a vector has.
        product: Multiplies rows of bytes with a few others, in whole numbers: a row of products for each.
    """

    def __init__(self, dimension: int, product: Product) -> None:
        self._product = product
        self._rows = np.zeros((0, dimension), np.int8)
        self._steps = np.zeros(0, np.float32)
        self._off = 0.0
        self.count = 0

    def extend(self, rows: Rows) -> None:
        """Add vectors."""
        small, steps, off = _rounded(rows)
        end = self.count + len(rows)
        if end > len(self._rows):
            room = end + end // 2 if self.count else end
            self._rows, self._steps = _with_room(self._rows, room), _with_room(self._steps, room)
        self._rows[self.count : end], self._steps[self.count : end] = small, steps
        self._off = max(self._off, off)
        self.count = end

    def look(self, questions: Rows, count: int) -> Look:
        """Return about how near the first vectors are to the nearest of a question's.

        By the triangle inequality none is further off than its own rounding and the question's together. The
        question has two bytes a number: that costs less than what half as sure a look lets through.
        """
        high, steps, _ = _rounded(questions)
        low, small_steps, off = _rounded(questions - high * steps[:, None])
        products = self._product(self._rows[:count], np.concatenate([high, low]))
        by_question = products.astype(np.float32) * np.concatenate([steps, small_steps])
        scores = by_question[:, : len(questions)] + by_question[:, len(questions) :]
        nearest = scores.max(axis=1) if len(questions) > 1 else scores[:, 0]
        return Look(nearest * self._steps[:count], self._off + (1 + self._off) * off + _ROUNDING)


def _rounded(rows: Rows) -> tuple[Bytes, Rows, float]:
    """Return rows as bytes, the step of each, and how far the worst of them is off, as a distance."""
    steps = np.abs(rows).max(axis=1, initial=0.0).astype(np.float32) / _LARGEST
    steps[steps == 0] = 1
    small = np.round(rows / steps[:, None]).astype(np.int8)
    left = rows - small * steps[:, None]
    return small, steps, float(np.sqrt((left.astype(np.float64) ** 2).sum(axis=1).max(initial=0.0)))


def _with_room(array: NDArray[Any], room: int) -> NDArray[Any]:
    grown = np.zeros((room, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


@lru_cache(maxsize=1)
def product_of_bytes() -> Product | None:
    """Return what multiplies bytes fast, None where it is not installed: numpy has nothing for that."""
    if find_spec("numkong") is None:
        return None
    try:
        import numkong
    except ImportError:  # not for this machine
        return None

    def product(rows: Bytes, others: Bytes) -> NDArray[Any]:
        return np.asarray(numkong.dots_packed(rows, numkong.dots_pack(others)))

    return product if _multiplies(product) else None


def _multiplies(product: Product) -> bool:
    """Tell whether a product is right on this processor: it has other code for each."""
    numbers = np.arange(70 * 391, dtype=np.int64).reshape(70, 391)
    rows = (numbers * 7919 % 255 - 127).astype(np.int8)
    wanted = rows.astype(np.int64) @ rows[:3].astype(np.int64).T
    try:
        return bool(np.array_equal(product(rows, rows[:3]), wanted))
    except Exception:  # noqa: BLE001 - whatever another release says, numpy does the same more slowly
        return False
