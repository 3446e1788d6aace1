"""The policy that clears: stubs in the place of long tool results, in the batch when room is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from memex import Unit, Window
from memex_importance.settings import check_count, check_number

_REASON: Final = "cleared"


def clear_tool_results(
    *, keep: int = 3, over: int = 300, shown: int = 0, at_least: float = 0.2
) -> Callable[[Window], Window]:
    """Return a policy that puts stubs in the place of long tool results when the window is full.

    It acts only on a window that is over its limit, on all results at once that may go, so that the
    windows of the turns that follow begin alike. A stub names the call, the size and the place in
    memory; the result itself stays in the log and can be recalled.

    Args:
        keep: The newest exchanges with tools that stay whole.
        over: Only results of more tokens than this are shortened.
        shown: How many characters of the beginning of a result stay.
        at_least: The room there must be afterwards, as a share of the limit; where clearing alone
            gives less, nothing is cleared and the next policy evicts. Else the next turn would be
            over the limit again, and nothing of the prefix would hold.

    Raises:
        BadSetting: If a setting makes no sense.
    """
    check_count("clear-tool-results", "keep", keep, least=0)
    check_count("clear-tool-results", "over", over, least=0)
    check_count("clear-tool-results", "shown", shown, least=0)
    check_number("clear-tool-results", "at_least", at_least, "at least 0 and below 1", most=1, zero=True)

    def clear(window: Window) -> Window:
        if window.room >= 0:
            return window
        exchanges = [unit for unit in window.units if _is_exchange(unit)]
        old = exchanges[: len(exchanges) - keep] if keep else exchanges
        results = [
            entry
            for unit in old
            for entry in unit.entries
            if entry.message.tool_results
            and entry.tokens > over
            and entry.seq in window
            and not any(other.seq in window.protected for other in unit.entries)
        ]
        cleared = window.shorten(results, reason=_REASON, shown=shown, detail={"over": over, "keep": keep})
        fits_tightly = 0 <= cleared.room < at_least * window.limit
        return window if fits_tightly else cleared

    clear.__name__ = "clear-tool-results"
    return clear


def _is_exchange(unit: Unit) -> bool:
    return unit.whole and any(entry.message.tool_results for entry in unit.entries)
