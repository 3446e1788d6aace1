"""Where a text names a time: patterns over the letters of its tokens, and what each of them means.

A pattern is tried at every token, in order, and the first that fits is taken, so that longer ones stand
first. ``past`` says that a question looks back: then ``Tuesday`` is the last one, and ``March`` the last that
has begun. What is told may look either way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from memex_recall.dates import spans
from memex_recall.dates.spans import DAY, Span
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


Said = Sequence[Token]
_Meaning = Callable[[Said, Asked], list[Span]]


class Phrase(msgspec.Struct, frozen=True):
    """Words that name a time.

    Attributes:
        first: Its first token.
        after: The token after it.
        spans: The times it may mean, the likeliest first.
        meaning: What it would mean, asked from another moment.
        yearless: Whether a year said beside it is its own.
    """

    first: int
    after: int
    spans: list[Span]
    meaning: Callable[[Asked], list[Span]]
    yearless: bool


def phrases(row: Said, text: str, asked: Asked) -> list[Phrase]:
    """Return what in a row of tokens names a time."""
    letters = "".join(token.letter for token in row)
    found: list[Phrase] = []
    at = 0
    while at < len(letters):
        phrase = _at(letters, at, row, text, asked)
        if phrase is None:
            at += 1
        else:
            found.append(phrase)
            at = phrase.after
    return found


def _at(letters: str, at: int, row: Said, text: str, asked: Asked) -> Phrase | None:
    if letters[at] not in _BEGINS or (letters[at] in "WMUJ" and _EVERY.search(letters, 0, at)):
        return None
    for pattern, condition, meaning in _PATTERNS:
        fit = pattern.match(letters, at)
        if fit is None or (condition is not None and not condition(letters, at, row, text)):
            continue
        said = row[at : fit.end()]

        def means(when: Asked, said: Said = said, meaning: _Meaning = meaning) -> list[Span]:
            try:
                return meaning(said, when)
            except (ValueError, OverflowError):  # no calendar has that day
                return []

        return Phrase(at, fit.end(), means(asked), means, meaning in (_date, _in_month, _in_season))
    return None


# -- what a pattern means ------------------------------------------------------------------------


def _one(said: Said, letters: str) -> Token | None:
    return next((token for token in said if token.letter in letters), None)


def _value(said: Said, letters: str) -> int:
    token = _one(said, letters)
    return int(token.value or 1) if token else 0


def _count(said: Said) -> tuple[int, int]:
    """Return the last number, from and to."""
    low, _, high = [token.value for token in said if token.letter in "nN"][-1].partition("-")
    return int(low), int(high or low)


def _unit(said: Said) -> str:
    token = _one(said, "UJ")
    return token.value[0] if token else "d"


def _away(said: Said) -> int:
    """Return how many units from now: last, this, next, or a word that says it together with the unit."""
    for token in said:
        match token.letter:
            case "L":
                return -int(token.value or 1)
            case "T":
                return 0
            case "X":
                return 1
            case "J":
                return int(token.value[1:] or 0)
    return 0


def _day(said: Said, asked: Asked) -> list[Span]:
    return [spans.day(asked.today, int(said[0].value))]


def _written(said: Said, asked: Asked) -> list[Span]:
    first, second, third = map(int, re.split("[-./t]", said[0].value)[:3])
    if first > 31:
        return [spans.day(date(first, second, third))]
    readings = {(second, first), (first, second)} if "/" in said[0].value else {(second, first)}
    found = [spans.day(date(third, *pair)) for pair in sorted(readings) if pair[0] <= 12]
    return found


def _date(said: Said, asked: Asked) -> list[Span]:
    number, of = _value(said, "N"), _value(said, "Mmb")
    if year := _value(said, "Yy"):
        return [spans.day(date(year, of, number))]
    near = range(asked.today.year - 4, asked.today.year + 5)
    dates = [spans.day(date(year, of, number)) for year in near if _exists(year, of, number)]
    return _nearest(dates, asked)


def _exists(year: int, of: int, number: int) -> bool:
    try:
        date(year, of, number)
    except ValueError:
        return False
    return True


def _nearest(of: Sequence[Span], asked: Asked) -> list[Span]:
    """Return the last span that has begun; in what is told also the next one, the nearer first."""
    tomorrow = datetime.combine(asked.today + DAY, datetime.min.time())
    begun = [span for span in of if span.start < tomorrow][-1:]
    if asked.past:
        return begun
    return sorted(begun + [span for span in of if span.start >= tomorrow][:1], key=lambda s: abs(s.start - asked.now))


def _days(said: Said, asked: Asked) -> list[Span]:
    """Return the time between two days of a month."""
    numbers = [int(token.value) for token in said if token.letter == "N"]
    rest = [token for token in said if token.letter != "N"]
    ends = [_date([*rest, Token("N", str(number), 0, 0)], asked) for number in numbers[:2]]
    return [Span(first.start, last.end) for first, last in zip(*ends, strict=False) if first.start < last.end]


def _in_month(said: Said, asked: Asked) -> list[Span]:
    return _whole(said, asked, _value(said, "Mmb"), 1)


def _in_season(said: Said, asked: Asked) -> list[Span]:
    return _whole(said, asked, _value(said, "S"), 3)


def _whole(said: Said, asked: Asked, number: int, length: int) -> list[Span]:
    """Return a month or a season: of the year that is said, or relative to now."""
    if year := _value(said, "Yy"):
        return [spans.month(year, number, length)]
    today = asked.today
    if _one(said, "UJ") is not None:  # of last year
        return [spans.month(today.year + _away(said), number, length)]
    around = [spans.month(today.year + away, number, length) for away in (-2, -1, 0, 1)]
    if said_word := _one(said, "LTX"):
        if said_word.letter == "L":
            return [span for span in around if span.end <= asked.now][-1:]
        if said_word.letter == "X":
            return [span for span in around if span.start > asked.now][:1]
        return sorted(around, key=lambda span: abs(span.start + (span.end - span.start) / 2 - asked.now))[:1]
    return _nearest(around, asked)


def _in_year(said: Said, asked: Asked) -> list[Span]:
    return [spans.year(_value(said, "Yy"))]


def _ago(said: Said, asked: Asked) -> list[Span]:
    low, high = _count(said)
    return [spans.about(_unit(said), asked.now, -low, -high)]


def _later(said: Said, asked: Asked) -> list[Span]:
    low, high = _count(said)
    return [spans.about(_unit(said), asked.now, low, high)]


def _lately(said: Said, asked: Asked) -> list[Span]:
    numbers = [token for token in said if token.letter in "nN"]
    return [spans.upto(_unit(said), asked.now, _count(numbers)[1] if numbers else 1)]


def _period(said: Said, asked: Asked) -> list[Span]:
    away, unit = _away(said), _unit(said)
    if _one(said, "L") is not None and _value(said, "L") == 0:
        return _lately(said, asked)
    if unit == "e" and away < 0 and asked.today.weekday() < 5:
        pass
    return [spans.period(unit, asked.today, away)]


def _before_last(said: Said, asked: Asked) -> list[Span]:
    return [spans.period(_unit(said), asked.today, -2 if _one(said, "L") else 2)]


def _weekend(said: Said, asked: Asked) -> list[Span]:
    """Return the weekend that has begun last; in what is told also the next."""
    return _nearest([spans.weekend(asked.today, away) for away in (-1, 0, 1)], asked)


def _weekday(said: Said, asked: Asked) -> list[Span]:
    """Return a day of the week. Of last and next Tuesday two may be meant."""
    number = int((_one(said, "W") or said[0]).value)
    back = (asked.today.weekday() - number) % 7 or 7
    ahead = (number - asked.today.weekday()) % 7 or 7
    word = _one(said, "LTX")
    match word.letter if word else "":
        case "L":
            last = [-back, -back - 7] if back <= asked.today.weekday() else [-back]
            away = [-back - 7 * (int(word.value or 1) - 1)] if word and word.value == "2" else last
        case "T":
            away = [number - asked.today.weekday()]
        case "X":
            away = [ahead, ahead + 7] if ahead + asked.today.weekday() < 7 else [ahead]
        case _:
            away = [-back] if asked.past else sorted((-back, ahead, *([0] if ahead == 7 else [])), key=abs)
    return [spans.day(asked.today, days) for days in away]


def _weekday_of(said: Said, asked: Asked) -> list[Span]:
    """Return a day of a week that is named."""
    if both := _one(said, "q"):
        away, _, number = both.value.partition(",")
        return [spans.day(spans.week(asked.today, int(away)).start.date(), int(number))]
    return [spans.day(spans.week(asked.today, _away(said)).start.date(), _value(said, "W") if _one(said, "W") else 0)]


# -- patterns ------------------------------------------------------------------------------------

_LEAD: Final = re.compile("[PIRQHFGBCE][of&]*$|(?<![a-zA-Z])$^")
_EVERY: Final = re.compile("K[of]*$")
_Condition = Callable[[str, int, Said, str], bool]


def _led(letters: str, at: int, row: Said, text: str) -> bool:
    """Tell whether a word stands before it that says that a time follows."""
    return re.search("(?:[PIRQHFGBCE&][of]*|f)$", letters[:at]) is not None


def _named(letters: str, at: int, row: Said, text: str) -> bool:
    """Tell whether a doubtful month is written as a name, or follows a word that a time follows."""
    word = next((t for t in row[at:] if t.letter in "Mmb"), None)
    if word is None or word.letter != "m":
        return True
    return text[word.start].isupper() or not text.isascii() or _led(letters, at, row, text)


def _unit_is(units: str) -> _Condition:
    def tell(letters: str, at: int, row: Said, text: str) -> bool:
        return next((t.value[0] for t in row[at:] if t.letter in "UJ"), "") in units

    return tell


def _longer(letters: str, at: int, row: Said, text: str) -> bool:
    """Tell whether a unit is long enough to be a time by itself; the last day is that of anything."""
    return _unit_is("weymh")(letters, at, row, text)


_O: Final = "[of]*"
_P: Final = "[PIof]*"
_YEAR: Final = ",?[of]*[Yy]"
_PATTERNS: Final[list[tuple[re.Pattern[str], _Condition | None, _Meaning]]] = [
    (re.compile(pattern), condition, meaning)
    for pattern, condition, meaning in [
        # 3 to 5 May 2023, May 3-5
        (f"N&o?N{_O}[Mmb](?:{_YEAR})?", _named, _days),
        (f"[Mmb]o?N&o?N(?:{_YEAR})?(?!&N)", _named, _days),
        # Tuesday, 7 May 2023; May 7th; 2023年5月7日
        (f"(?:W,?)?o?N{_O}[Mmb](?:{_YEAR})?", None, _date),
        (f"(?:W,?)?[Mmb]o?N(?:{_YEAR})?", _named, _date),
        ("[Yy]o?[Mmb]o?N", None, _date),
        ("Z", None, _written),
        (f"[Mmb]{_YEAR}", None, _in_month),
        ("[Yy]o?M(?!N)", None, _in_month),
        (f"S{_YEAR}|[Yy]o?S", None, _in_season),
        # two weeks ago, vor zwei Wochen, in two weeks, 两周后
        (f"n?[nN]{_O}UA|Vn?[nN]{_O}U", None, _ago),
        (f"n?[nN]{_O}Ul|In?[nN]{_O}U(?![AFG])", None, _later),
        ("U[FG][LX]", _unit_is("wmye"), _before_last),
        # Tuesday of last week, last week on Tuesday, 上周二
        (f"q|W{_P}(?:[LTX]o?U|UL|J)|(?:[LTX]U|UL|J)(?:,?[PIof]*)W", _unit_is("w"), _weekday_of),
        ("q", None, _weekday_of),
        # March last year, 去年の3月
        (f"[Mm]{_P}(?:[LTX]U|UL|J)|(?:[LTX]U|UL|J)[PIof]*[Mm]", _unit_is("y"), _in_month),
        (f"S{_P}(?:[LTX]U|UL|J)|(?:[LTX]U|UL|J)[PIof]*S", _unit_is("y"), _in_season),
        # the last three weeks, past few days
        (f"Ln?[nN]{_O}U|[nN]LU", None, _lately),
        ("[LTX]U(?![FG][of]*[NMmbZYy])|U[LX]|J", _longer, _period),
        ("[LTX]W|W[LX]", None, _weekday),
        ("L[Mm]|X[Mm]|[Mm][LX]", None, _in_month),
        ("T[Mm]", _named, _in_month),
        ("[LTX]S|S[LX]", None, _in_season),
        ("d", None, _day),
        ("W(?!&)", None, _weekday),
        ("M", None, _in_month),
        ("m", _led, _in_month),
        ("S", _led, _in_season),
        ("U", lambda letters, at, row, text: _unit_is("e")(letters, at, row, text) and _led(letters, at, row, text), _weekend),
        ("Y", lambda letters, at, row, text: re.search("[PIRQHFGBCEf][of]*U?$", letters[:at]) is not None, _in_year),
        ("y", None, _in_year),
    ]
]
_BEGINS: Final = frozenset("NnVIWMmbYySUJLTXdZqo")
