"""Requests and tokens per minute, kept on this side so that the provider need not refuse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from memex._errors import BadSetting
from memex.wire._secret import Secret

_WRONG_CLOCK: Final = 120.0


class Levels(msgspec.Struct, frozen=True):
    """How full the buckets are at a moment: when the last call to be let out goes out, or now.

    Attributes:
        at: The moment, in seconds of the clock; ahead of it while calls wait.
        requests: Calls that may be made at once then.
        tokens: Tokens that may be used at once then.
        seen: What the clock said when this was written.
    """

    at: float
    requests: float
    tokens: float
    seen: float


class RateLimits:
    """Requests and tokens per minute as two buckets that fill evenly, each one minute deep.

    A call takes its place at once and is told how long to wait: first come, first served, whether
    the callers are threads or tasks. What the provider reports corrects the buckets: the usage of an
    answer, the remaining calls and tokens in its headers, and a time to wait.

    Args:
        requests_per_minute: Calls; None for no limit.
        tokens_per_minute: Tokens of prompt and answer; None for no limit.
        clock: Seconds that only grow.

    Attributes:
        blocks: Whether its methods wait for something and do not belong on an event loop.
    """

    blocks = False

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        given = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute}
        for name, value in given.items():
            if value is not None and not value > 0:
                raise BadSetting(f"{name} is {value!r}; give a number above 0, or None for no limit")
        self._requests = requests_per_minute
        self._tokens = tokens_per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._levels = self.full()

    def full(self) -> Levels:
        """Return buckets from which nothing was taken."""
        now = self._clock()
        return Levels(now, self._requests or 0.0, self._tokens or 0.0, now)

    def reserve(self, tokens: int) -> float:
        """Take a place for a call and return how many seconds to wait before making it."""
        levels = self.change(lambda levels: self._after_a_call(levels, tokens))
        return max(0.0, levels.at - levels.seen)

    def give_back(self, tokens: int) -> None:
        """Return the place of a call that was not made."""
        self.change(lambda levels: _taken(levels, -1, -tokens))

    def settle(self, reserved: int, used: int) -> None:
        """Correct what a call was thought to cost by what the provider reports."""
        self.change(lambda levels: _taken(levels, 0, used - reserved))

    def pause(self, seconds: float) -> None:
        """Let no call go out for a while: the provider said so to one of them."""
        self.change(lambda levels: self._at(levels, max(levels.at, levels.seen + seconds)))

    def report(self, headers: Mapping[str, str]) -> None:
        """Take over what the headers of an answer say is left, where that is less than thought."""
        lower = {name.lower(): value for name, value in headers.items()}
        requests, tokens = _left(lower, "requests"), _left(lower, "tokens")
        if requests is not None or tokens is not None:
            self.change(lambda levels: self._at_most(levels, requests, tokens))

    def change(self, change: Callable[[Levels], Levels]) -> Levels:
        """Change the levels as they are now, at once with respect to all others, and return them."""
        with self._lock:
            self._levels = change(self.now(self._levels))
            return self._levels

    def now(self, levels: Levels) -> Levels:
        """Return the levels after the time that has passed."""
        now = self._clock()
        if levels.seen > now + _WRONG_CLOCK:  # somebody's clock was wrong; do not wait until it is right
            levels = msgspec.structs.replace(levels, at=min(levels.at - levels.seen, 0.0) + now)
        return msgspec.structs.replace(self._at(levels, max(levels.at, now)), seen=now)

    def _after_a_call(self, levels: Levels, tokens: int) -> Levels:
        """Return the levels at the moment a call goes out, and after it; no call overtakes another."""
        wait = max(_wait(levels.requests, self._requests, 1), _wait(levels.tokens, self._tokens, tokens))
        return _taken(self._at(levels, levels.at + wait), 1, tokens)

    def _at(self, levels: Levels, moment: float) -> Levels:
        minutes = max(0.0, moment - levels.at) / 60
        return Levels(
            max(moment, levels.at),
            _filled(levels.requests, self._requests, minutes),
            _filled(levels.tokens, self._tokens, minutes),
            levels.seen,
        )

    def _at_most(self, levels: Levels, requests: float | None, tokens: float | None) -> Levels:
        minutes = (levels.at - levels.seen) / 60  # until then the provider's buckets fill, too
        return msgspec.structs.replace(
            levels,
            requests=_least(levels.requests, requests, (self._requests or 0.0) * minutes),
            tokens=_least(levels.tokens, tokens, (self._tokens or 0.0) * minutes),
        )


def _taken(levels: Levels, requests: int, tokens: int) -> Levels:
    return msgspec.structs.replace(levels, requests=levels.requests - requests, tokens=levels.tokens - tokens)


def _filled(level: float, per_minute: float | None, minutes: float) -> float:
    return 0.0 if per_minute is None else min(per_minute, level + per_minute * minutes)


def _wait(level: float, per_minute: float | None, cost: float) -> float:
    """Return for how long a bucket has to fill: for a cost larger than the bucket, until it is full."""
    return 0.0 if per_minute is None else max(0.0, min(cost, per_minute) - level) / per_minute * 60


def _least(level: float, left: float | None, meanwhile: float) -> float:
    return level if left is None else min(level, left + meanwhile)


def _left(headers: Mapping[str, str], kind: str) -> float | None:
    for name in (f"x-ratelimit-remaining-{kind}", f"anthropic-ratelimit-{kind}-remaining"):
        try:
            return max(0.0, float(headers[name]))
        except (KeyError, ValueError):
            continue
    return None


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
