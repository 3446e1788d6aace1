"""What is left of a body when its answer is whole: read, as only an empty connection is used again.

Nearly always that is the mark of the end, which is there already. A server that does not send it must not
keep the answer waiting, so the time for it is short, and shorter with every server that was seen not to.
"""

from __future__ import annotations

import time
from typing import Final

_SECONDS: Final = 0.1
MOST_PIECES: Final = 64
"""Pieces that are read; each has at most what one read of a socket gives, 64 KiB."""
_MOST_SKIPPED: Final = 64


class Patience:
    """How long the ends of a server's bodies are waited for. Threads may share one.

    After one that did not come in time, one is not waited for, then two, four, up to 64: a server that
    never ends a body costs almost nothing, and one that was busy once is given another chance.
    """

    def __init__(self) -> None:
        self._misses = 0
        self._skip = 0

    def seconds(self) -> float:
        """Return for how long to wait this time; 0.0 for not at all."""
        if self._skip:
            self._skip -= 1
            return 0.0
        return _SECONDS

    def learn(self, *, ended: bool) -> None:
        """Take note of whether the end came in time."""
        self._misses = 0 if ended else self._misses + 1
        self._skip = 0 if ended else min(2 ** (self._misses - 1), _MOST_SKIPPED)


class Remaining:
    """The time that is left for what is left, for each read."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def within(self, timeout: float | None) -> float:
        """Return a timeout that is not longer.

        Raises:
            TimeoutError: If there is no time left.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the body did not end in time")
        return left if timeout is None else min(left, timeout)


_patience: dict[tuple[str, str], Patience] = {}


def patience_with(provider: str, endpoint: str) -> Patience:
    """Return the patience with a server, the same one for all calls of this process."""
    return _patience.setdefault((provider, endpoint), Patience())
