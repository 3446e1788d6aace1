"""The policy: rank older messages by how well their words fit the question."""

from __future__ import annotations

from collections.abc import Callable

from memex import BadSetting, Ranking, Window, ranker
from memex_recall.dates import asked_times, shown
from memex_recall.ranking import rank


def recall(*, share: float = 0.25, weight: float = 1.0, dates: bool = True) -> Callable[[Window], Window]:
    """Return a policy that ranks older messages by the words of the newest user message.

    It looks at the whole thread and costs the same for a long one as for a short one. Where
    nothing matches, the window stays as it is.

    Args:
        share: The most that quotes may take of the prompt's tokens.
        weight: What this ranking counts beside those of other policies.
        dates: Whether times that the question names are understood: "last Tuesday" is counted from
            the time of its message, in the zone of that.

    Raises:
        BadSetting: If a setting makes no sense.
    """
    _check(share, weight, dates)

    def by_words(window: Window) -> Window:
        newest = window.newest
        if newest is None:
            return window
        times = asked_times(window.query, newest.message.created) if dates else ()
        ranked = rank(window.log, window.query, upto=newest.seq - 1, times=times)
        return window.rank(
            Ranking(
                name="recall",
                scores={r.entry.seq: r.score for r in ranked},
                unnamed=1.0,
                weight=weight,
                share=share,
                detail={"dates": shown(times)} if times else {},
            )
        )

    by_words.__name__ = "recall"  # what a plan calls it when the program passes the callable itself
    return ranker(by_words)


def _check(share: float, weight: float, dates: bool) -> None:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise BadSetting(f"recall: share is {share!r}; it must be above 0 and below 1")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight <= 100:
        raise BadSetting(f"recall: weight is {weight!r}; it must be above 0 and at most 100")
    if not isinstance(dates, bool):
        raise BadSetting(f"recall: dates is {dates!r}; it must be true or false")
