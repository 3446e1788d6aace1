"""The policy that ranks: what is in a message, as far as it bears on the newest question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from memex import Ranking, Window, ranker
from memex_importance.bearing import asked_for, worth
from memex_importance.candidates import candidates
from memex_importance.features import Scorer
from memex_importance.settings import check_number

_RECENT_WORTH: Final = 0.1
_HALF_LIFE: Final = 200
_LONG: Final = 200  # tokens: a message that long is worth half, since it takes the place of others
_LEAST: Final = 0.2  # what is worth less than this share of the best says nothing
_TOLD: Final = 30  # so many messages have their features in the plan, best first


def importance(*, weight: float = 0.25, share: float = 0.25) -> Callable[[Window], Window]:
    """Return a policy that ranks older messages by what is in them: decisions, numbers, names, ...

    A message counts as far as it shares words with the newest user message, and a little for being
    recent. What the question asks for (``when`` a date, ``how many`` a number) counts twice. The cost
    is the same for a long thread as for a short one.

    Args:
        weight: What this ranking counts beside those of other policies. It is low, so that what is
            important does not drown what is relevant.
        share: The most that quotes may take of the prompt's tokens.

    Raises:
        BadSetting: If a setting makes no sense.
    """
    check_number("importance", "weight", weight, "above 0 and at most 100", most=100.001)
    check_number("importance", "share", share, "above 0 and below 1", most=1)
    scorer = Scorer()

    def by_features(window: Window) -> Window:
        newest = window.newest
        if newest is None:
            return window
        last = newest.seq - 1
        asked = asked_for(window.query)
        scores: dict[int, float] = {}
        features: dict[int, dict[str, float]] = {}
        for candidate in candidates(window.log, window.query, upto=last):
            seq = candidate.entry.seq
            found = scorer(candidate.entry.message)
            recent = _RECENT_WORTH * 0.5 ** ((last - seq) / _HALF_LIFE)
            score = worth(found, asked) * (candidate.shared + recent)
            score /= 1 + candidate.entry.tokens / _LONG
            if score > 0:
                scores[seq] = round(score, 4) or 0.0001
                features[seq] = dict(found)
        least = _LEAST * max(scores.values(), default=0.0)
        scores = {seq: score for seq, score in scores.items() if score >= least}
        told = sorted(scores, key=lambda seq: (-scores[seq], -seq))[:_TOLD]
        detail = {"features": {str(seq): features[seq] for seq in sorted(told)}} if told else {}
        return window.rank(
            Ranking(name="importance", scores=scores, weight=weight, share=share, detail=detail)
        )

    by_features.__name__ = "importance"  # what a plan calls it when the program passes the callable itself
    return ranker(by_features)
