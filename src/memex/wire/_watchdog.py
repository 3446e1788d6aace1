"""A thread that closes a connection when a deadline passes: the only way to stop a blocking read.

The HTTP libraries' timeouts hold between two packets. A server that sends a byte a second never runs
into them; it runs into this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Watchdog:
    """Watches one try while it runs.

    Events cost it nothing: it sleeps until the deadline that was known when it fell asleep, and then
    looks whether that has moved.

    Args:
        clock: Seconds, as the deadlines are given.
        nearest: The moment at which the present wait is too long, and by which deadline; None while
            nobody waits.
        longest_rest: For how long it may sleep without missing a deadline that comes up meanwhile.
        bark: Called once, from the watchdog's thread, when a deadline has passed.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        nearest: Callable[[], tuple[float, str] | None],
        longest_rest: Callable[[], float | None],
        bark: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._nearest = nearest
        self._longest_rest = longest_rest
        self._bark = bark
        self._stop = threading.Event()
        self.passed = ""
        self._thread = threading.Thread(target=self._run, name="memex-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away. After this it does not bark."""
        self._stop.set()
        if not self.passed:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            passed, rest = look(self._nearest(), self._longest_rest(), self._clock())
            if passed:
                self.passed = passed
                self._bark()
                return
            if self._stop.wait(rest):
                return


def look(
    nearest: tuple[float, str] | None, longest_rest: float | None, now: float
) -> tuple[str, float | None]:
    """Return the deadline that has passed, empty if none has, and for how long to sleep; None for ever.

    Args:
        nearest: The moment at which the present wait is too long, and by which deadline.
        longest_rest: For how long no other deadline can come up and pass.
        now: The moment.
    """
    if nearest is not None and nearest[0] <= now:
        return nearest[1], None
    spans = [nearest[0] - now] if nearest is not None else []
    spans += [longest_rest] if longest_rest is not None else []
    # A moment at least: a wait of 0 s while nobody waits for the model would spin.
    return "", max(min(spans), 0.001) if spans else None
