"""From outcomes to figures: recall by budget and by category, and what became of the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from memex_lab.measuring import FATES, Outcome


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a budget gave.

    Attributes:
        budget: Tokens of the prompt.
        questions: How many were asked.
        recall: Share of the evidence that was there word for word, as a mean over the questions.
        any: Share of the questions of whose evidence at least one piece was there.
        all: Share of the questions whose evidence was there completely.
        fates: Share of all pieces of evidence by what became of them.
        too_long: Questions that did not fit into the budget themselves.
    """

    budget: int
    questions: int
    recall: float
    any: float
    all: float
    fates: dict[str, float]
    too_long: int = 0


def figures(outcomes: Sequence[Outcome], budget: int) -> Figures:
    """Return the figures of one budget, which must have been measured."""
    here = [outcome for outcome in outcomes if outcome.budget == budget]
    pieces = [fate for outcome in here for fate in outcome.fates]
    return Figures(
        budget=budget,
        questions=len(here),
        recall=_mean(outcome.recall for outcome in here),
        any=_mean(float(outcome.recall > 0) for outcome in here),
        all=_mean(float(outcome.recall == 1) for outcome in here),
        fates={fate: pieces.count(fate) / len(pieces) for fate in FATES},
        too_long=sum(not outcome.fits for outcome in here),
    )


def by_category(outcomes: Sequence[Outcome], budgets: Sequence[int]) -> dict[str, list[Figures]]:
    """Return the figures of each category, the largest first."""
    names: dict[str, int] = {}
    for outcome in outcomes:
        names[outcome.question.category] = names.get(outcome.question.category, 0) + 1
    return {
        name: [figures([o for o in outcomes if o.question.category == name], budget) for budget in budgets]
        for name in sorted(names, key=lambda name: (-names[name], name))
    }


def plain(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON values."""
    return {
        "thread": outcome.thread,
        "question": outcome.question.id,
        "query": outcome.question.query,
        "category": outcome.question.category,
        "at": outcome.question.at,
        "budget": outcome.budget,
        "recall": outcome.recall,
        "evidence": [
            {"seq": seq, "fate": fate}
            for seq, fate in zip(outcome.question.evidence, outcome.fates, strict=True)
        ],
    }


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
