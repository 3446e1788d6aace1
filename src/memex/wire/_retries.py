"""When a call is tried again, and after how long. Arithmetic only."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from memex._errors import BackendError, BadSetting, RateLimited, Truncated, Unavailable


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often a call is tried, and how long it waits in between.

    Waits grow by doubling and are drawn evenly between nothing and that bound ("full jitter"), so
    that many callers who failed together do not come back together.

    Attributes:
        attempts: Calls in all; 1 never tries again.
        first: Bound of the first wait in seconds.
        longest: Bound of every wait that the provider did not ask for.
        longest_wait: A wait that the provider asked for and that is longer than this is not
            slept: the error goes up at once, with ``retry_after``.
    """

    attempts: int = 4
    first: float = 0.5
    longest: float = 30.0
    longest_wait: float = 120.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise BadSetting(f"attempts is {self.attempts}; a call is tried at least once")
        for name in ("first", "longest", "longest_wait"):
            if not getattr(self, name) >= 0:
                raise BadSetting(f"{name} is {getattr(self, name)!r}; give seconds, 0 or more")

    def wait(
        self,
        error: BackendError,
        attempt: int,
        *,
        elapsed: float,
        total: float | None,
        random: Callable[[], float],
    ) -> float | None:
        """Return how many seconds to wait before the next try; None where there is none.

        Args:
            error: What the last try ended with.
            attempt: The number of that try, from 1.
            elapsed: Seconds since the first try began.
            total: Seconds for everything; None for no limit.
            random: Gives a number from 0 up to 1.
        """
        if attempt >= self.attempts or not isinstance(error, RateLimited | Unavailable | Truncated):
            return None
        asked = getattr(error, "retry_after", None)
        if asked is not None and asked > self.longest_wait:
            return None
        # 2.0**1100 is an OverflowError; long before that the bound is reached.
        bound = min(self.longest, self.first * 2.0 ** min(attempt - 1, 60))
        wait = random() * bound if asked is None else asked + random() * self.first
        if total is not None and elapsed + wait >= total:
            return None
        return wait
