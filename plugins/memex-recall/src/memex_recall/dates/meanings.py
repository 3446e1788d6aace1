"""What words that name a time mean, counted from the moment at which they are said.

``past`` says that a question looks back: then ``Tuesday`` is the last one, and ``March`` the last that has
begun. What is told may look either way, so that both are returned. A day that no calendar has raises
``ValueError`` or ``OverflowError``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from memex_recall.dates import spans
from memex_recall.dates.spans import Span
from memex_recall.dates.tokens import Token


class Asked(msgspec.Struct, frozen=True):
    """From when a time is counted.

    Attributes:
        now: The local time of the message, without its zone.
        past: Whether only the past is meant where nothing says so.
    """

    now: datetime
    past: bool

    @property
    def today(self) -> date:
        """The day of the message."""
        return self.now.date()

    @property
    def tomorrow(self) -> datetime:
        """When the day of the message ends."""
        return spans.day(self.today).end


Said = Sequence[Token]
Meaning = Callable[[Said, Asked], list[Span]]
_AROUND: Final = range(-4, 5)  # years, so that there is a 29 February among them


# -- days ----------------------------------------------------------------------------------------


def day(said: Said, asked: Asked) -> list[Span]:
    """Yesterday."""
    return [spans.day(asked.today, int(said[0].value))]


def written(said: Said, _asked: Asked) -> list[Span]:
    """2023-05-07, 7.5.2023; 5/7/2023 is a day in May or in July."""
    first, second, third = map(int, re.split("[-./]", said[0].value.partition("t")[0]))
    if first > 31:
        return _existing([(first, second, third)])
    orders = [(third, second, first)]
    return _existing([(third, first, second), *orders] if "/" in said[0].value else orders)


def date_of(said: Said, asked: Asked) -> list[Span]:
    """7 May 2023, and 7 May of the year that is meant."""
    number, of, year = _value(said, "N"), _value(said, "Mmb"), _value(said, "Yy")
    if year:
        return _existing([(year, of, number)])
    return _nearest(_existing([(asked.today.year + away, of, number) for away in _AROUND]), asked)


def days_of(said: Said, asked: Asked) -> list[Span]:
    """3 to 5 May: from the one day to the other."""
    rest = [token for token in said if token.letter != "N"]
    ends = [date_of([*rest, token], asked) for token in said if token.letter == "N"]
    return [Span(first.start, last.end) for first, last in zip(*ends, strict=False) if first.start < last.end]


def weekday(said: Said, asked: Asked) -> list[Span]:
    """Tuesday, last Tuesday. Said on a Thursday, last Tuesday may be of this week or of the one before."""
    number, today = _value(said, "W"), asked.today.weekday()
    back, ahead = (today - number) % 7 or 7, (number - today) % 7 or 7
    word = _one(said, "LTX")
    match word.letter if word else "":
        case "L" if word and word.value == "2":
            away = [-back - 7]
        case "L":
            away = [-back, -back - 7] if back <= today else [-back]
        case "T":
            away = [number - today]
        case "X":
            away = [ahead, ahead + 7] if ahead + today < 7 else [ahead]
        case _ if asked.past:
            away = [-back]
        case _:
            away = sorted((-back, ahead, *([0] if ahead == 7 else [])), key=abs)
    return [spans.day(asked.today, days) for days in away]


def weekday_of(said: Said, asked: Asked) -> list[Span]:
    """Tuesday of last week."""
    if both := _one(said, "q"):  # 上周二
        away, number = map(int, both.value.split(","))
    else:
        away, number = _away(said), _value(said, "W")
    return [spans.day(spans.week(asked.today, away).start.date(), number)]


# -- longer times --------------------------------------------------------------------------------


def month(said: Said, asked: Asked) -> list[Span]:
    """In March, last March, March 2023, March of last year."""
    return _whole(said, asked, _value(said, "Mmb"), 1)


def season(said: Said, asked: Asked) -> list[Span]:
    """In the summer, last summer, the summer of 2023, last year in the summer."""
    return _whole(said, asked, _value(said, "S"), 3)


def _whole(said: Said, asked: Asked, number: int, length: int) -> list[Span]:
    this = asked.today.year
    if year := _value(said, "Yy"):
        return [spans.month(year, number, length)]
    if _one(said, "UJ") is not None:
        return [spans.month(this + _away(said), number, length)]
    around = [spans.month(this + away, number, length) for away in (-2, -1, 0, 1)]
    word = _one(said, "LTX")
    match word.letter if word else "":
        case "L":
            return [span for span in around if span.end <= asked.now][-1:]
        case "T":
            return sorted(around, key=lambda span: abs(span.start + (span.end - span.start) / 2 - asked.now))[
                :1
            ]
        case "X":
            return [span for span in around if span.start > asked.now][:1]
        case _:
            return _nearest(around, asked)


def year(said: Said, _asked: Asked) -> list[Span]:
    """In 2023."""
    return [spans.year(_value(said, "Yy"))]


def period(said: Said, asked: Asked) -> list[Span]:
    """Last week, this month, next year; the past week is the seven days up to now."""
    last = _one(said, "L")
    if last is not None and last.value == "0":
        return lately(said, asked)
    return [spans.period(_unit(said), asked.today, _away(said))]


def weekend(_said: Said, asked: Asked) -> list[Span]:
    """Over the weekend."""
    return _nearest([spans.weekend(asked.today, away) for away in (-1, 0, 1)], asked)


def second_last(said: Said, asked: Asked) -> list[Span]:
    """The week before last, the week after next."""
    return [spans.period(_unit(said), asked.today, -2 if _one(said, "L") else 2)]


def ago(said: Said, asked: Asked) -> list[Span]:
    """Two weeks ago."""
    low, high = _count(said)
    return [spans.about(_unit(said), asked.now, -low, -high)]


def later(said: Said, asked: Asked) -> list[Span]:
    """In two weeks."""
    return [spans.about(_unit(said), asked.now, *_count(said))]


def lately(said: Said, asked: Asked) -> list[Span]:
    """The last three weeks."""
    return [spans.upto(_unit(said), asked.now, _count(said)[1])]


# -- what the words say --------------------------------------------------------------------------


def _one(said: Said, letters: str) -> Token | None:
    return next((token for token in said if token.letter in letters), None)


def _value(said: Said, letters: str) -> int:
    token = _one(said, letters)
    return int(token.value) if token else 0


def _count(said: Said) -> tuple[int, int]:
    """Return the last number, from and to; one where there is none."""
    low, _, high = next((t.value for t in reversed(said) if t.letter in "nN"), "1").partition("-")
    return int(low), int(high or low)


def _unit(said: Said) -> str:
    token = _one(said, "UJ")
    return token.value[0] if token else "d"


def _away(said: Said) -> int:
    """Return how many units from now: last, this, next, or a word that says it together with the unit."""
    word = _one(said, "LTXJ")
    match word.letter if word else "":
        case "L":
            return -int((word.value if word else "") or 1)
        case "X":
            return 1
        case "J":
            return int((word.value[1:] if word else "") or 0)
        case _:
            return 0


def _existing(days: Sequence[tuple[int, int, int]]) -> list[Span]:
    """Return those of the days that there are."""
    found = []
    for numbers in days:
        try:
            found.append(spans.day(date(*numbers)))
        except (ValueError, OverflowError):
            continue
    return found


def _nearest(of: Sequence[Span], asked: Asked) -> list[Span]:
    """Return the last span that has begun; in what is told also the next one, the nearer first."""
    begun = [span for span in of if span.start < asked.tomorrow][-1:]
    if asked.past:
        return begun
    ahead = [span for span in of if span.start >= asked.tomorrow][:1]
    return sorted(begun + ahead, key=lambda span: abs(span.start - asked.now))
