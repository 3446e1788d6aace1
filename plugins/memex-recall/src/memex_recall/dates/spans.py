"""Stretches of time, and the arithmetic of calendars: pure functions of the moment that is asked from.

Weeks begin on Monday, seasons with the first of March, June, September and December. Everything is in the
time of the one who asks; a year that calendars do not have raises ``ValueError`` or ``OverflowError``.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

import msgspec

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)


class Span(msgspec.Struct, frozen=True):
    """A stretch of time, in the zone of the one who asks.

    Attributes:
        start: Its first moment.
        end: The first moment after it.
    """

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        """Tell whether a moment lies in it."""
        return self.start <= moment < self.end

    def within(self, other: Span) -> bool:
        """Tell whether it lies in another."""
        return other.start <= self.start and self.end <= other.end


def days(first: date, after: date) -> Span:
    """Return the time from the beginning of a day to the beginning of a later one."""
    if after <= first:
        raise ValueError("it ends before it begins")
    return Span(datetime.combine(first, time()), datetime.combine(after, time()))


def day(of: date, away: int = 0) -> Span:
    """Return a day, so many days from another."""
    first = of + away * DAY
    return days(first, first + DAY)


def week(of: date, away: int = 0) -> Span:
    """Return a week, so many weeks from the one of a day."""
    monday = of - of.weekday() * DAY + away * WEEK
    return days(monday, monday + WEEK)


def weekend(of: date, away: int = 0) -> Span:
    """Return the Saturday and Sunday of a week."""
    saturday = of - of.weekday() * DAY + away * WEEK + 5 * DAY
    return days(saturday, saturday + 2 * DAY)


def month(year: int, number: int, length: int = 1) -> Span:
    """Return so many months from one on; months are counted on over the end of the year."""
    return days(_first(year, number), _first(year, number + length))


def _first(year: int, number: int) -> date:
    return date(year + (number - 1) // 12, (number - 1) % 12 + 1, 1)


def year(number: int) -> Span:
    """Return a year."""
    return month(number, 1, 12)


def period(unit: str, of: date, away: int) -> Span:
    """Return a day, week, weekend, month or year, so many from the one of a day."""
    match unit:
        case "d":
            return day(of, away)
        case "w":
            return week(of, away)
        case "e":
            return weekend(of, away)
        case "m":
            return month(of.year, of.month + away)
        case _:
            return year(of.year + away)


def about(unit: str, now: datetime, fewest: int, most: int) -> Span:
    """Return the time about so many units from now, as exactly as people mean it: two weeks ago is no day.

    Args:
        unit: ``i`` minute, ``h`` hour, ``d`` day, ``w`` week, ``e`` weekend, ``m`` month, ``y`` year.
        now: Where it is counted from.
        fewest: Units from now; negative for the past.
        most: The same, where it is vague.
    """
    near, far = sorted((fewest, most))
    today = now.date()
    match unit:
        case "i" | "h":
            one = timedelta(minutes=1) if unit == "i" else timedelta(hours=1)
            slack = one / 2 + max(abs(near), abs(far)) * one / 8
            return Span(now + near * one - slack, now + far * one + slack)
        case "w":
            return days(today + near * WEEK - 3 * DAY, today + far * WEEK + 4 * DAY)
        case "m":
            return days(_moved(today, near) - 15 * DAY, _moved(today, far) + 16 * DAY)
        case _:
            return Span(period(unit, today, near).start, period(unit, today, far).end)


def upto(unit: str, now: datetime, units: int) -> Span:
    """Return the last so many units, today with them."""
    today = now.date()
    match unit:
        case "i" | "h":
            return Span(now - units * (timedelta(minutes=1) if unit == "i" else timedelta(hours=1)), now)
        case "d" | "w":
            first = today - units * (DAY if unit == "d" else WEEK)
        case "e":
            first = weekend(today, -units).start.date()
        case _:
            first = _moved(today, -units * (1 if unit == "m" else 12))
    return days(first, today + DAY)


def _moved(of: date, months: int) -> date:
    """Return the same day of another month, or its last."""
    first = _first(of.year, of.month + months)
    last = _first(of.year, of.month + months + 1) - DAY
    return min(first + (of.day - 1) * DAY, last)


def part(span: Span, which: str) -> Span:
    """Return the beginning (``B``), middle (``C``) or end (``E``) third of a span of a few days or more."""
    third = (span.end - span.start).days // 3
    if not third:
        return span
    first, after = span.start.date(), span.end.date()
    match which:
        case "B":
            return days(first, first + third * DAY)
        case "C":
            return days(first + third * DAY, after - third * DAY)
        case _:
            return days(after - third * DAY, after)
