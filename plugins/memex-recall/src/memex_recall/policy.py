"""The policy: rank older messages by how well their words fit the question."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from memex import BadSetting, Ranking, Window, ranker
from memex_recall.dates import asked_times, shown
from memex_recall.ranking import rank
from memex_recall.together import rank_together


def recall(
    *,
    share: float = 0.25,
    weight: float = 1.0,
    dates: bool = True,
    threads: str | Sequence[str] | None = None,
    most: int = 100,
) -> Callable[[Window], Window]:
    """Return a policy that ranks older messages by the words of the newest user message.

    It looks at the whole thread and costs the same for a long one as for a short one. Where
    nothing matches, the window stays as it is.

    Args:
        share: The most that quotes may take of the prompt's tokens.
        weight: What this ranking counts beside those of other policies.
        dates: Whether times that the question names are understood: "last Tuesday" is counted from
            the time of its message, in the zone of that.
        threads: Other threads of the same namespace to look into as well: ``"all"``, or a list of ids.
        most: At most so many of them, those that were opened last.

    Raises:
        BadSetting: If a setting makes no sense.
    """
    _check(share, weight, dates)
    _check_threads(threads, most)

    def by_words(window: Window) -> Window:
        newest = window.newest
        if newest is None:
            return window
        times = asked_times(window.query, newest.message.created) if dates else ()
        log, last = window.log, newest.seq - 1
        others = log.others(None if threads == "all" else threads, most=most) if threads else ()
        elsewhere: dict[tuple[str, int], float] = {}
        further: dict[str, float] = {}
        if others:
            logs = [(log, last), *((other, other.head) for other in others)]
            scores, *found = rank_together(logs, window.query, times)
            for other, worths in zip(others, found, strict=True):
                elsewhere.update(((other.thread, seq), worth) for seq, worth in worths.items())
        else:
            ranked = rank(log, window.query, upto=last, times=times)
            scores = {r.entry.seq: r.score for r in ranked}
            further = {str(r.entry.seq): round(r.further, 2) for r in ranked if r.further is not None}
        return window.rank(
            Ranking(
                name="recall",
                scores=scores,
                elsewhere=elsewhere,
                unnamed=1.0,
                weight=weight,
                share=share,
                detail=({"dates": shown(times)} if times else {}) | ({"further": further} if further else {}),
            )
        )

    by_words.__name__ = "recall"  # what a plan calls it when the program passes the callable itself
    return ranker(by_words)


def _check_threads(threads: object, most: object) -> None:
    listed = isinstance(threads, (list, tuple)) and all(isinstance(name, str) and name for name in threads)
    if threads is not None and threads != "all" and not listed:
        raise BadSetting(f"recall: threads is {threads!r}; it must be 'all' or a list of thread ids")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise BadSetting(f"recall: most is {most!r}; it must be a whole number of at least 1")


def _check(share: float, weight: float, dates: bool) -> None:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise BadSetting(f"recall: share is {share!r}; it must be above 0 and below 1")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight <= 100:
        raise BadSetting(f"recall: weight is {weight!r}; it must be above 0 and at most 100")
    if not isinstance(dates, bool):
        raise BadSetting(f"recall: dates is {dates!r}; it must be true or false")
