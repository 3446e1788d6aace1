"""Token counts that cost a call each: kept by a digest of what was counted."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Final

_MOST: Final = 10_000


class KeptCounts:
    """Keeps the counts that were asked for last. Thread-safe.

    Args:
        most: How many; the one that was not asked for the longest goes first.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, int] = OrderedDict()

    def count(self, text: str, ask: Callable[[], int]) -> int:
        """Return the count of a text.

        Args:
            text: What is counted.
            ask: Counts it, where that was not done yet.
        """
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            if (known := self._kept.get(digest)) is not None:
                self._kept.move_to_end(digest)
                return known
        count = ask()
        with self._lock:
            self._kept[digest] = count
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return count
