"""The policy: quote older messages that fit the question, just before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from memex import BadSetting, Entry, Window
from memex_recall.choosing import Quote, choose, fitting, most_of
from memex_recall.ranking import Ranked, rank


def recall(*, share: float = 0.25, top: int = 8, neighbours: int = 1) -> Callable[[Window], Window]:
    """Return a policy that quotes older messages whose words match the newest user message.

    It looks at the whole thread and costs the same for a long one as for a short one. Where
    nothing matches, the window stays as it is.

    Args:
        share: The most that the quotes may take of the prompt's tokens.
        top: The most matching messages to quote.
        neighbours: How many messages before and after each match are quoted too, where there is
            room.

    Raises:
        BadSetting: If a setting makes no sense.
    """
    _check(share, top, neighbours)

    def bring_back(window: Window) -> Window:
        newest = window.newest
        fixed = window.tokens - sum(entry.tokens for entry in window.droppable)
        room = min(int(share * window.limit), window.limit - fixed)
        if newest is None or room <= 0:
            return window
        at_risk = _at_risk(window, room)
        ranked = rank(
            window.log,
            window.query,
            upto=newest.seq - 1,
            outside=window.seqs - at_risk,
            most=most_of(room),
            pool=3 * max(top, 8),
        )

        def quote(found: Sequence[Ranked], outside: Collection[int]) -> Window:
            chosen = choose(window.log, window.query, found, top=top, neighbours=neighbours, outside=outside)
            return _quoted(window, fitting(chosen, room), room)

        brought = quote([r for r in ranked if r.entry.seq not in window], window.seqs | {newest.seq})
        if brought.room < 0 and at_risk:
            # It will be cut before it is sent: what that takes must not be lost to this question.
            brought = quote(ranked, (window.seqs - at_risk) | {newest.seq})
        return brought

    bring_back.__name__ = "recall"  # what a plan calls it when the program passes the callable itself
    return bring_back


def _quoted(window: Window, quotes: list[Quote], room: int) -> Window:
    """Return the window with as many of the quotes as fit; those that stand in it move."""
    while quotes:
        moving = [quote.entry for quote in quotes if quote.entry.seq in window]
        bare = window.drop(moving, reason="quoted")
        brought = _with(bare, quotes)
        if brought.tokens - bare.tokens <= room:
            return brought
        quotes.pop()  # the estimate was short
    return window


def _with(window: Window, quotes: Sequence[Quote]) -> Window:
    matches = {q.entry.seq: round(q.score, 2) for q in quotes if q.score is not None}
    beside = {q.entry.seq: q.beside for q in quotes if q.beside is not None}
    window = window.recall(
        (q.entry for q in quotes if q.entry.seq in matches),
        reason="recalled",
        detail={"score": {str(seq): score for seq, score in matches.items()}},
    )
    return window.recall(
        (q.entry for q in quotes),  # those that are quoted already save reading them again
        reason="neighbour",
        detail={"beside": {str(seq): at for seq, at in beside.items()}},
    )


def _at_risk(window: Window, room: int) -> frozenset[int]:
    """Return messages of the older half of a window that will not fit with ``room`` more tokens.

    Nobody knows yet where it will be cut. A match in the older half is better quoted than cut.
    Exchanges with tools stay whole: they are not moved.
    """
    if window.room >= room:
        return frozenset()
    left = window.tokens + room - window.limit // 2
    at_risk: list[Entry] = []
    for unit in window.droppable_units:
        if left <= 0:
            break
        left -= sum(entry.tokens for entry in unit.entries)
        at_risk += unit.entries if len(unit.entries) == 1 else ()
    return frozenset(entry.seq for entry in at_risk)


def _check(share: float, top: int, neighbours: int) -> None:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise BadSetting(f"recall: share is {share!r}; it must be above 0 and below 1")
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise BadSetting(f"recall: top is {top!r}; it must be a whole number above 0")
    if isinstance(neighbours, bool) or not isinstance(neighbours, int) or not 0 <= neighbours <= 50:
        raise BadSetting(f"recall: neighbours is {neighbours!r}; it must be a whole number from 0 to 50")
