"""A ranking: what one policy thinks the messages of a thread are worth for the newest question.

Policies rank, and one step of the host selects: what is worth quoting is decided once, from all the
rankings together (:mod:`memex._selecting`). So rankings compose by being in one chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from memex._errors import PolicyViolation

if TYPE_CHECKING:
    from memex._window import Window

_Policy = TypeVar("_Policy", bound="Callable[[Window], Window]")


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """What the messages of a thread are worth, by one measure.

    Attributes:
        name: What the measure is called in plans, such as ``"recall"``.
        scores: Sequence number to worth, above 0: how many times likelier the message is to hold
            what is asked than one that is not named, as far as this measure can tell. Worths of
            several rankings are multiplied, which gives half of the odds; the other half is
            what each says by itself.
        unnamed: The worth of what is not named, on the same scale; by default the least of the
            scores, so that a measure that knows only an order can give any rising figures.
        weight: What this measure counts beside the others.
        share: The most that quotes may take of the prompt's tokens as far as this ranking is
            concerned; the largest of all rankings counts.
        detail: JSON values for the plan, such as what each score is made of by sequence number:
            ``{"features": {"12": {"date": 0.5}}}``; explained with the message.
    """

    name: str
    scores: Mapping[int, float]
    unnamed: float | None = None
    weight: float = 1.0
    share: float = 0.25
    detail: Mapping[str, Any] = {}


def check_ranking(ranking: Ranking, head: int) -> None:
    """Refuse a ranking that could not be selected from.

    Raises:
        PolicyViolation: If it names a message that is not in the log, a worth that is no number
            above 0, or a share or weight that makes no sense.
    """

    def refuse(what: str) -> PolicyViolation:
        return PolicyViolation(f"the ranking {ranking.name!r} {what}", law="ranking")

    if not ranking.name or not isinstance(ranking.name, str):
        raise refuse("has no name")
    if not 0 < ranking.share < 1 or not 0 < ranking.weight < math.inf:
        raise refuse(f"has the share {ranking.share!r} and the weight {ranking.weight!r}")
    if ranking.unnamed is not None and not 0 < ranking.unnamed < math.inf:
        raise refuse(f"says that what it does not name is worth {ranking.unnamed!r}")
    for seq, score in ranking.scores.items():
        if not isinstance(seq, int) or not 1 <= seq <= head:
            raise refuse(f"names #{seq}, which is not in the log")
        if not 0 < score < math.inf:
            raise refuse(f"gives #{seq} the score {score!r}; a score is a number above 0")


def ranker(policy: _Policy) -> _Policy:
    """Mark a policy that only ranks, so that selection waits for the rankers after it.

    Without the mark a ranking counts just the same; the block of quotes is then made once more.
    """
    policy.ranks = True  # type: ignore[attr-defined]
    return policy


def is_ranker(policy: object) -> bool:
    """Tell whether a policy only ranks."""
    return getattr(policy, "ranks", False) is True
