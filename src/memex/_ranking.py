"""A ranking: what one policy thinks the messages of a thread are worth for the newest question.

Policies rank, and one step of the host selects: what is worth quoting is decided once, from all the
rankings together (:mod:`memex._selecting`). So rankings compose by being in one chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from memex._errors import PolicyViolation

if TYPE_CHECKING:
    from memex._log import Log
    from memex._window import Window

_HEAVIEST: Final = 1e6  # beyond that the others say nothing; and its square must be a number
_Policy = TypeVar("_Policy", bound="Callable[[Window], Window]")


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """What the messages of a thread are worth, by one measure.

    Attributes:
        name: What the measure is called in plans, such as ``"recall"``.
        scores: Sequence number to worth, above 0: how many times likelier the message is to hold
            what is asked than one that is not named, as far as this measure can tell. Worths of
            several rankings are multiplied, which gives half of the odds; the other half is
            what each says by itself.
        elsewhere: The same for messages of other threads, by thread and sequence number, of those that
            :meth:`Log.others` gave. Of rankings that name none, these messages have no worth at all.
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
    elsewhere: Mapping[tuple[str, int], float] = {}
    unnamed: float | None = None
    weight: float = 1.0
    share: float = 0.25
    detail: Mapping[str, Any] = {}

    @property
    def least(self) -> float:
        """The worth of what is not named."""
        named = (*self.scores.values(), *self.elsewhere.values())
        return min(named, default=1.0) if self.unnamed is None else self.unnamed


def checked_ranking(ranking: Ranking, log: Log) -> Ranking:
    """Return a ranking that can be selected from: what threads share is in it once.

    Args:
        ranking: What a policy made.
        log: The thread.

    Raises:
        PolicyViolation: If it names a message that is not in the log, a worth that is no number
            above 0, or a share or weight that makes no sense.
    """

    def refuse(what: str) -> PolicyViolation:
        return PolicyViolation(f"the ranking {ranking.name!r} {what}", law="ranking")

    if not ranking.name or not isinstance(ranking.name, str):
        raise refuse("has no name")
    share, weight, unnamed = _number(ranking.share), _number(ranking.weight), _number(ranking.unnamed)
    if not 0 < share < 1 or not 0 < weight <= _HEAVIEST:
        raise refuse(f"has the share {ranking.share!r} and the weight {ranking.weight!r}")
    if ranking.unnamed is not None and not 0 < unnamed < math.inf:
        raise refuse(f"says that what it does not name is worth {ranking.unnamed!r}")
    for named in (ranking.scores, ranking.elsewhere):
        if not isinstance(named, Mapping):
            raise refuse(f"has a {type(named).__name__} for scores, which is no mapping")
    scores = dict(_scored(seq, score, log, refuse) for seq, score in ranking.scores.items())
    elsewhere: dict[tuple[str, int], float] = {}
    for (thread, seq), score in ranking.elsewhere.items():
        other = log.beside.log(thread)
        if other is None:
            raise refuse(f"names #{seq} of thread {thread!r}, which is none that log.others() gave")
        place, worth = _scored(seq, score, other, refuse, f" of thread {thread!r}")
        elsewhere[thread, place] = worth
    plain = msgspec.structs.replace(
        ranking,
        scores=scores,
        elsewhere=elsewhere,
        share=share,
        weight=weight,
        unnamed=None if ranking.unnamed is None else unnamed,
    )
    return _each_once(plain, log) if elsewhere else plain


def _number(value: object) -> float:
    """Return a number, of numpy's kinds too, as a plan can keep it; NaN for what is none."""
    try:
        return float(value) if isinstance(value, (float, Real)) else math.nan
    except OverflowError:
        return math.inf


def _scored(
    seq: object, score: object, log: Log, refuse: Callable[[str], PolicyViolation], where: str = ""
) -> tuple[int, float]:
    if not isinstance(seq, (int, Integral)):
        raise refuse(f"names {seq!r}{where}, which is no sequence number")
    if not 1 <= (place := int(seq)) <= log.head:
        raise refuse(f"names #{seq}{where}, which is not in the log")
    number = _number(score)
    if not 0 < number < math.inf:
        raise refuse(f"gives #{seq}{where} the score {score!r}; a score is a number above 0")
    return place, number


def _each_once(ranking: Ranking, log: Log) -> Ranking:
    """Return a ranking without messages elsewhere that this thread holds itself, or that it names twice."""
    scores: dict[tuple[str, int], float] = {}
    for (thread, seq), score in ranking.elsewhere.items():
        if not log.beside.is_own(thread, seq):
            place = log.beside.once(thread, seq)
            scores[place] = max(score, scores.get(place, 0.0))
    return msgspec.structs.replace(ranking, elsewhere=scores)


def ranker(policy: _Policy) -> _Policy:
    """Mark a policy that only ranks, so that selection waits for the rankers after it.

    Without the mark a ranking counts just the same; the block of quotes is then made once more.
    """
    policy.ranks = True  # type: ignore[attr-defined]
    return policy


def is_ranker(policy: object) -> bool:
    """Tell whether a policy only ranks."""
    return getattr(policy, "ranks", False) is True
