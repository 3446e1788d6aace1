"""Where to cut: which of the oldest messages leave, and at which turn the rest begins.

All of it costs one pass over the window, and reads nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from operator import sub

from memex import Entry, Window, is_question

Exchange = tuple[Entry, ...]
"""Messages that leave together: one message, or a tool call with its results."""


def token_cut(window: Window, limit: int, low_water: float) -> tuple[list[Entry], int]:
    """Return what leaves a window of more than ``limit`` tokens, and the mark it goes down to.

    The mark is ``low_water * limit``. Where what must stay takes most of the limit, that would
    clear the conversation at every eviction; then half of that share of what is left over it stays.
    """
    exchanges = [unit.entries for unit in window.droppable_units]
    costs = [sum(entry.tokens for entry in exchange) for exchange in exchanges]
    fixed = window.tokens - sum(costs)
    mark = int(max(low_water * limit, fixed + low_water / 2 * (limit - fixed)))
    if window.tokens <= limit:
        return [], mark
    sizes = _after_dropping(window.tokens, costs)
    return _first(exchanges, _cut(window, exchanges, sizes, mark=mark, limit=limit)), mark


def count_cut(window: Window, by: str, keep: int, low_water: float) -> list[Entry]:
    """Return what leaves a window of more than ``keep`` messages or turns.

    Standing and pinned messages are not counted: they stay whatever ``keep`` is.
    """
    exchanges = [unit.entries for unit in window.droppable_units]
    counted = [e for e in window.present if window.protected.get(e.seq) not in ("standing", "pinned")]
    down_to = max(1, int(low_water * keep))
    if by == "turns":
        starts = [entry.seq for entry in counted if is_question(entry.message)]
        if len(starts) <= keep:
            return []
        cut = bisect_left([exchange[0].seq for exchange in exchanges], starts[-down_to])
        return _first(exchanges, cut)
    if len(counted) <= keep:
        return []
    sizes = _after_dropping(len(counted), [len(exchange) for exchange in exchanges])
    return _first(exchanges, _cut(window, exchanges, sizes, mark=down_to, limit=keep))


def _after_dropping(whole: int, costs: list[int]) -> list[int]:
    """Return what is left after dropping the first 0, 1, 2, ... exchanges."""
    return list(accumulate(costs, sub, initial=whole))


def _first(exchanges: list[Exchange], cut: int) -> list[Entry]:
    return [entry for exchange in exchanges[:cut] for entry in exchange]


def _cut(window: Window, exchanges: list[Exchange], sizes: list[int], *, mark: float, limit: int) -> int:
    """Return how many exchanges leave: down to the mark, and on to where a turn begins.

    A rest that begins with an answer is refused by some providers and says little to a model.
    """
    cut = next((at for at, size in enumerate(sizes) if size <= mark), len(exchanges))
    newest = window.newest
    if cut == len(exchanges) or newest is None or exchanges[cut][0].seq > newest.seq:
        return cut
    later = next((at for at in range(cut, len(exchanges)) if is_question(exchanges[at][0].message)), None)
    if later is not None:
        return later
    # What is left is part of the last turn before the question: keep the whole turn if it fits.
    earlier = next((at for at in range(cut, 0, -1) if is_question(exchanges[at][0].message)), 0)
    return earlier if earlier and sizes[earlier] <= limit else cut
