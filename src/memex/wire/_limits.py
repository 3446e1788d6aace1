"""Requests and tokens per minute, kept on this side so that the provider need not refuse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from memex._errors import BadSetting
from memex.wire._secret import Secret


class RateLimits:
    """Requests and tokens per minute as two buckets that fill evenly, each one minute deep.

    A call takes its place at once and is told how long to wait: first come, first served, whether
    the callers are threads or tasks. Thread-safe.

    Args:
        requests_per_minute: Calls; None for no limit.
        tokens_per_minute: Tokens of prompt and answer; None for no limit.
        clock: Seconds that only grow.
    """

    blocks = False

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_minute", tokens_per_minute),
        ):
            if value is not None and not value > 0:
                raise BadSetting(f"{name} is {value!r}; give a number above 0, or None for no limit")
        self._clock = clock
        self._lock = threading.Lock()
        self._requests = requests_per_minute
        self._tokens = tokens_per_minute
        self._request_level = requests_per_minute or 0.0
        self._token_level = tokens_per_minute or 0.0
        self._at = clock()

    def reserve(self, tokens: int) -> float:
        """Take a place for a call and return how many seconds to wait before making it."""
        with self._lock:
            self._fill()
            self._request_level -= 1
            self._token_level -= tokens
            return max(
                self._debt(self._request_level, self._requests), self._debt(self._token_level, self._tokens)
            )

    def give_back(self, tokens: int) -> None:
        """Return the place of a call that was not made."""
        with self._lock:
            self._request_level += 1
            self._token_level += tokens

    def settle(self, reserved: int, used: int) -> None:
        """Correct what a call was thought to cost by what the provider reports."""
        with self._lock:
            self._token_level += reserved - used

    def _fill(self) -> None:
        now = self._clock()
        minutes = max(0.0, now - self._at) / 60
        self._at = now
        if self._requests is not None:
            self._request_level = min(self._requests, self._request_level + self._requests * minutes)
        if self._tokens is not None:
            self._token_level = min(self._tokens, self._token_level + self._tokens * minutes)

    @staticmethod
    def _debt(level: float, per_minute: float | None) -> float:
        return 0.0 if per_minute is None or level >= 0 else -level / per_minute * 60


_shared: dict[tuple[str, str, float | None, float | None], RateLimits] = {}
_shared_lock = threading.Lock()


def shared_limits(
    provider: str, key: Secret, requests_per_minute: float | None, tokens_per_minute: float | None
) -> RateLimits | None:
    """Return the limits that all backends of this process with this key share; None for no limits."""
    if requests_per_minute is None and tokens_per_minute is None:
        return None
    name = (provider, key.digest, requests_per_minute, tokens_per_minute)
    with _shared_lock:
        if name not in _shared:
            _shared[name] = RateLimits(requests_per_minute, tokens_per_minute)
        return _shared[name]
