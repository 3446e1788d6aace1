"""Where a text names a time: patterns over the letters of its tokens.

A pattern is tried at every token, and the first that fits is taken, so that longer ones stand first. What
the letters are is in :mod:`memex_recall.dates.languages`; an example stands beside each pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from memex_recall.dates import meanings
from memex_recall.dates.meanings import Asked, Meaning, Said
from memex_recall.dates.spans import Span

_MOST: Final = 16
_BEFORE: Final = 6  # tokens before a word that are looked at


class Phrase(NamedTuple):
    """Words that name a time.

    Attributes:
        first: Its first token.
        after: The token after it.
        said: Its tokens.
        meaning: What they mean.
    """

    first: int
    after: int
    said: Said
    meaning: Meaning

    def spans(self, asked: Asked) -> list[Span]:
        """Return the times it may mean, the likeliest first; none where no calendar has them."""
        try:
            return self.meaning(self.said, asked)
        except (ValueError, OverflowError):
            return []

    @property
    def yearless(self) -> bool:
        """Whether a year that is said with a later date is also that of this one."""
        dated = self.meaning in (meanings.date_of, meanings.month, meanings.season)
        return dated and not any(token.letter in "YyUJ" for token in self.said)


class _Place(NamedTuple):
    letters: str
    at: int
    row: Said
    text: str

    @property
    def before(self) -> str:
        return self.letters[max(0, self.at - _BEFORE) : self.at]


def phrases(letters: str, row: Said, text: str) -> list[Phrase]:
    """Return what in a row of tokens names a time, in order; so many at most."""
    found: list[Phrase] = []
    fit = _ANY.search(letters)
    while fit is not None and len(found) < _MOST:
        phrase = _at(_Place(letters, fit.start(), row, text))
        if phrase is not None:
            found.append(phrase)
        fit = _ANY.search(letters, phrase.after if phrase else fit.start() + 1)
    return found


def _at(place: _Place) -> Phrase | None:
    letters, at, row, _ = place
    if letters[at] in "WMUJ" and _EVERY.search(place.before):
        return None
    for pattern, condition, meaning in _PATTERNS:
        fit = pattern.match(letters, at)
        if fit is not None and (condition is None or condition(place)):
            return Phrase(at, fit.end(), row[at : fit.end()], meaning)
    return None


# -- what must be so besides -----------------------------------------------------------------------

_EVERY: Final = re.compile("K[of]*$")
_LEAD: Final = re.compile("(?:[PIRQHFG][of]*|[BCE][of&]*|f|[Mm]&)$")
_YEAR_LEAD: Final = re.compile("[PIRQHFGBCEf][of]*U?$")
_MEASURE: Final = re.compile(
    r"\s?(?:[$€£¥°%]|(?:eur|usd|gbp|chf|euros?|dollars?|dólares|pounds?|pfund|livres|yen|cents?|kg|kilos?|km|cm|mm"
    r"|[km]?b|kw|kwh|met(?:er|re)s?|metern|mètres?|metros?|miles?|meilen|feet|words?|tokens?|people|personen"
    r"|personnes|personas|times)\b)",
    re.I,
)


_FRENCH: Final = re.compile(
    r"\b(?:je|j|ai|as|nous|avons|vous|avez|tu|il|elle|que|qu|quoi|quel|quelle|est|le|les|une)\b"
)


def _led(place: _Place) -> bool:
    """A word stands before it that says that a time follows: in May, but not on Mars."""
    token = place.row[place.at]
    return _LEAD.search(place.before) is not None and place.text[token.start : token.end] != "Mars"


def _no_other_word(place: _Place) -> bool:
    """French for yesterday is German for here."""
    token = place.row[place.at]
    is_hier = place.text[token.start : token.end].lower() == "hier"
    return not is_hier or _FRENCH.search(place.text.lower()) is not None


def _led_year(place: _Place) -> bool:
    """In 2023, im Jahr 2023, but not over 2000 euros."""
    token = place.row[place.at]
    return _YEAR_LEAD.search(place.before) is not None and not _MEASURE.match(place.text, token.end)


def _capital(place: _Place) -> bool:
    """A month that is also another word is written as a name: this May."""
    month = next((token for token in place.row[place.at :] if token.letter in "Mmb"), None)
    return month is None or month.letter != "m" or place.text[month.start].isupper()


def _named(place: _Place) -> bool:
    """May 7, on may 7."""
    return _capital(place) or _led(place)


def _unit_in(units: str) -> Callable[[_Place], bool]:
    def tell(place: _Place) -> bool:
        return next((t.value[0] for t in place.row[place.at :] if t.letter in "UJ"), "-") in units

    return tell


_of_week = _unit_in("w")
_of_year = _unit_in("y")
_long = _unit_in("wemyh")  # the last day is that of anything


def _led_weekend(place: _Place) -> bool:
    """Over the weekend."""
    return _unit_in("e")(place) and _led(place)


# -- patterns ------------------------------------------------------------------------------------

_O: Final = "[of]{0,3}"
_P: Final = "[PIof]{0,3}"
_YEAR: Final = ",?[of]?[Yy]"
_NEAR: Final = "(?:[LTX]U|UL|J)"  # last week, la semaine dernière, 先週
_ELSE: Final = "(?!f)"  # not the last week of May
_PATTERNS: Final[list[tuple[re.Pattern[str], Callable[[_Place], bool] | None, Meaning]]] = [
    (re.compile(pattern), condition, meaning)
    for pattern, condition, meaning in (
        (f"N&o?N{_O}[Mmb](?:{_YEAR})?", None, meanings.days_of),  # 3 to 5 May
        (f"[Mmb]o?N&o?N(?:{_YEAR})?", _named, meanings.days_of),  # May 3-5
        (f"(?:W,?o?)?N{_O}[Mmb](?:{_YEAR})?", None, meanings.date_of),  # Sunday, the 7th of May 2023
        (f"(?:W,?)?[Mmb]o?N(?:{_YEAR})?", _named, meanings.date_of),  # May 7, 2023; 5月7日
        ("[Yy]o?[Mmb]o?N", None, meanings.date_of),  # 2023年5月7日
        ("Z", None, meanings.written),
        (f"[Mmb]{_YEAR}|[Yy]o?M", None, meanings.month),  # May 2023
        (f"S{_YEAR}|[Yy]o?S", None, meanings.season),  # summer of 2023
        (f"n?[nN]{_O}UA|Vn?[nN]{_O}U", None, meanings.ago),  # two weeks ago, vor zwei Wochen
        (f"n?[nN]{_O}Ul|In?[nN]{_O}U(?![AFG])", None, meanings.later),  # in two weeks, 两周后
        ("U[FG][LX]", _unit_in("wemy"), meanings.second_last),  # the week before last
        (f"W{_P}{_NEAR}|{_NEAR},?{_P}W", _of_week, meanings.weekday_of),  # Tuesday of last week
        ("q", None, meanings.weekday_of),  # 上周二
        (f"[Mm]{_P}{_NEAR}|{_NEAR}{_P}[Mm]", _of_year, meanings.month),  # March last year
        (f"S{_P}{_NEAR}|{_NEAR}{_P}S", _of_year, meanings.season),  # 去年の夏
        (f"Ln?[nN]{_O}U|[nN]LU", None, meanings.lately),  # the last few days
        # last week; not "the last weekend before 10 April", nor "the last week of May"
        (f"[LTX]U(?![FG]{_O}[NMmbZYy]){_ELSE}|U[LX]|J", _long, meanings.period),
        (f"[LTX]W{_ELSE}|W[LX]", None, meanings.weekday),  # last Tuesday, mardi dernier
        ("L[Mm]|X[Mm]|[Mm][LX]", None, meanings.month),  # last March
        ("T[Mm]", _capital, meanings.month),  # this May, but not "this may"
        ("[LTX]S|S[LX]", None, meanings.season),  # last summer
        ("d", _no_other_word, meanings.day),  # yesterday
        ("W", None, meanings.weekday),
        ("M", None, meanings.month),
        ("m", _led, meanings.month),  # in May
        ("S", _led, meanings.season),  # in the summer
        ("U", _led_weekend, meanings.weekend),
        ("Y", _led_year, meanings.year),  # in 2023
        ("y", None, meanings.year),  # 2023年
    )
]
_ANY: Final = re.compile("|".join(pattern.pattern for pattern, _, _ in _PATTERNS))
