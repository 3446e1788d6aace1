"""Choosing messages that differ from each other, and grouping those that do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from memex_semantic.numeric.matrix import DIGITS, Matrix, Numbers


def spread(matrix: Matrix, scores: Mapping[int, float], diversity: float) -> dict[int, float]:
    """Return scores in which a message has lost for being like better ones: maximal marginal relevance.

    The best is chosen first and keeps its score. Each next one is the one of which most is left after
    ``diversity`` times its cosine to the nearest of those chosen is taken away (Carbonell and
    Goldstein, 1998). What is left is its score, so that the scores fall from one to the next.

    Args:
        matrix: The thread's vectors.
        scores: What messages are worth; each has vectors.
        diversity: From 0 to 1.
    """
    seqs = sorted(scores, key=lambda seq: (-scores[seq], -seq))
    if not seqs:
        return {}
    rows = matrix.first_of(seqs)
    worth = np.array([scores[seq] for seq in seqs]) / scores[seqs[0]]
    nearest: Numbers = np.zeros(len(seqs))
    left = np.ones(len(seqs), bool)
    chosen: dict[int, float] = {}
    before = 1.0
    for _ in seqs:
        value = np.where(left, np.round((1 - diversity) * worth - diversity * nearest, DIGITS), -np.inf)
        at = int(value.argmax())  # of equals the better one, which stands first
        # Falling, and above 0, whatever was taken away: the order is what counts from here on.
        before = min(before, max(round(float(value[at]) + diversity, DIGITS), before * 0.98))
        chosen[seqs[at]] = before
        left[at] = False
        nearest = np.maximum(nearest, (rows * rows[at]).sum(axis=1))
    return chosen


def groups(matrix: Matrix, scores: Mapping[int, float], alike: float) -> list[list[int]]:
    """Return messages in groups of those that say much the same, the best group first.

    Each message joins the first group whose best message it is like; else it begins one. The first
    of a group is its best.

    Args:
        matrix: The thread's vectors.
        scores: What messages are worth; each has vectors.
        alike: The cosine from which on two messages are alike.
    """
    seqs = sorted(scores, key=lambda seq: (-scores[seq], -seq))
    if not seqs:
        return []
    rows = matrix.first_of(seqs)
    found: list[list[int]] = []
    leaders: list[int] = []
    for at, seq in enumerate(seqs):
        cosines = np.round((rows[leaders] * rows[at]).sum(axis=1), DIGITS) if leaders else np.zeros(0)
        near = np.flatnonzero(cosines >= alike)
        if len(near):
            found[int(near[0])].append(seq)
        else:
            leaders.append(at)
            found.append([seq])
    return found
