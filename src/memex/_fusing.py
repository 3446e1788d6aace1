"""Fusing: what several rankings together find a message worth.

Their worths are odds, so they are multiplied. That gives half of what counts. The other half is what
each ranking says by itself: one may be right where another has no sign, and a message that one of
them is sure of would be lost to the many that all of them find middling.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

_ALONE: Final = 0.5  # of all odds; what the rankings say each by itself, by their weights
_Place = TypeVar("_Place", bound=Hashable)


def fuse(rankings: Sequence[tuple[float, Mapping[_Place, float], float]]) -> dict[_Place, float]:
    """Return the logarithm of how many times likelier each message is than one that no ranking names.

    Args:
        rankings: Of each its weight, the scores of the messages, and the score of what it does not name.
    """
    alone = [
        {place: weight * (math.log(score) - math.log(least)) for place, score in scores.items()}
        for weight, scores, least in rankings
    ]
    weights = [weight for weight, _, _ in rankings]
    # Rankings of the same messages mostly agree: two of them are not twice the evidence.
    agreeing = math.sqrt(sum(weights) ** 2 / (sum(weight**2 for weight in weights) or 1.0)) or 1.0
    together = dict.fromkeys((place for odds in alone for place in odds), 0.0)
    for odds in alone:
        for place, value in odds.items():
            together[place] += value / agreeing
    if len(rankings) < 2 or not together:
        return together
    whole = _log_sum(list(together.values()))
    parts = [_amounting_to(math.log(1 - _ALONE) + whole, together, together)]
    for odds, weight in zip(alone, weights, strict=True):
        if share := _ALONE * weight / sum(weights):
            parts.append(_amounting_to(math.log(share) + whole, odds, together))
    return dict(zip(together, map(_log_sum, zip(*parts, strict=True)), strict=True))


def _amounting_to(whole: float, odds: Mapping[_Place, float], places: Iterable[_Place]) -> list[float]:
    """Return the odds of each place, changed such that all of them sum up to a whole; all logarithms."""
    every = [odds.get(place, 0.0) for place in places]
    moved = whole - _log_sum(every)
    return [value + moved for value in every]


def _log_sum(logarithms: Sequence[float]) -> float:
    """Return the logarithm of the sum of what is given by logarithms."""
    most = max(logarithms)
    return most + math.log(math.fsum([math.exp(value - most) for value in logarithms]))
