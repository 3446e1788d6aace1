"""The policy: when the window is over its limit, drop the oldest down to the low-water mark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from memex import BadSetting, Window
from memex_fifo.cuts import count_cut, token_cut

By = Literal["tokens", "messages", "turns"]


def fifo(*, by: By = "tokens", keep: int | None = None, low_water: float = 0.5) -> Callable[[Window], Window]:
    """Return a policy that drops the oldest messages when there are too many.

    It drops them in one batch, down to a low-water mark, so that the windows of the turns that
    follow begin alike and a prompt cache serves them. Whatever it counts by, the window is also
    kept within the token budget.

    Args:
        by: What ``keep`` counts. A turn begins with each message of the user. By messages and
            turns, what always stays (system text, pins) is not counted.
        keep: The most to keep. By tokens it is the prompt limit of the budget where not given,
            and never more than that; by messages or turns it must be given.
        low_water: What is left after dropping, as a share of ``keep``. 1.0 drops as little as
            possible, at every turn.

    Raises:
        BadSetting: If a setting makes no sense.
    """
    _check(by, keep, low_water)

    def slide(window: Window) -> Window:
        if by != "tokens" and keep is not None:
            gone = count_cut(window, by, keep, low_water)
            window = window.drop(gone, reason=f"over-{by}", detail={"keep": keep})
        limit = window.limit if by != "tokens" or keep is None else min(keep, window.limit)
        gone, mark = token_cut(window, limit, low_water)
        return window.drop(gone, reason="over-budget", detail={"limit": limit, "mark": mark})

    slide.__name__ = "fifo"  # what a plan calls it when the program passes the callable itself
    return slide


def _check(by: str, keep: int | None, low_water: float) -> None:
    if by not in ("tokens", "messages", "turns"):
        raise BadSetting(f"fifo: by is {by!r}; it must be 'tokens', 'messages' or 'turns'")
    if keep is None and by != "tokens":
        raise BadSetting(f"fifo: by={by!r} needs keep, the most {by} to keep")
    if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 1):
        raise BadSetting(f"fifo: keep is {keep!r}; it must be a whole number above 0")
    if isinstance(low_water, bool) or not isinstance(low_water, (int, float)) or not 0 < low_water <= 1:
        raise BadSetting(f"fifo: low_water is {low_water!r}; it must be above 0 and at most 1")
