"""How long a provider asks to be left alone, in the spellings that providers use."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH: Final = 1e9  # a bare number above this is a moment, not a span
_EPOCH_MS: Final = 1e11
_LONGEST: Final = 366 * 86400.0  # longer is a mistake of somebody


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Return for how many seconds the provider asks to be left alone; None where it does not say.

    Read are, in this order, ``retry-after-ms``, ``retry-after`` in seconds or as an HTTP date, and the
    times at which a limit that is used up is free again: ``x-ratelimit-reset-requests: 6m0s`` and the
    like, and ``anthropic-ratelimit-tokens-reset`` as a date.

    Args:
        headers: Of the response; upper and lower case are the same.
        now: Seconds since 1970; by default the server's own ``date`` header, as clocks differ, or
            else this machine's clock.
    """
    lower = {name.lower(): str(value).strip() for name, value in headers.items()}
    moment = _moment(lower, now)
    if (asked := _number(lower.get("retry-after-ms", ""))) is not None:
        return _sane(asked / 1000)
    if told := lower.get("retry-after"):
        return _sane(_span(told, moment))
    resets = [span for span in _resets(lower, moment) if span is not None]
    return _sane(max(resets)) if resets else None


def _moment(headers: Mapping[str, str], now: float | None) -> float:
    if now is not None:
        return now
    server = _date(headers.get("date", ""))
    return time.time() if server is None else server


def _resets(headers: Mapping[str, str], now: float) -> Iterator[float | None]:
    for name, value in headers.items():
        if "ratelimit" in name and "reset" in name:
            left = headers.get(name.replace("reset", "remaining"), "0")
            if _number(left) == 0:  # otherwise it says when the limit is whole again
                yield _span(value, now)


def _span(text: str, now: float) -> float | None:
    number = _number(text)
    if number is not None:
        if number > _EPOCH:
            return number / (1000 if number > _EPOCH_MS else 1) - now
        return number
    found = _SPAN.findall(text)
    if found and "".join(a + b for a, b in found) == text.replace(" ", ""):
        return sum(float(value) * _UNITS[unit] for value, unit in found)
    moment = _date(text)
    return None if moment is None else moment - now


def _date(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    from email.utils import parsedate_to_datetime  # 20 ms that an answer without errors does not pay

    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _sane(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds) or seconds > _LONGEST:
        return None
    return max(0.0, seconds)
