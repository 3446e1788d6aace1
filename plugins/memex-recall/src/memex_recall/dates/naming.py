"""The times that a text names, with what stands around them: since, between, the beginning of."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

import msgspec

from memex_recall.dates import spans
from memex_recall.dates.meanings import Asked, Said
from memex_recall.dates.phrases import Phrase, phrases
from memex_recall.dates.spans import DAY, Span
from memex_recall.dates.tokens import tokens

MOST: Final = 4
"""Times of one text that are looked at."""
# Local times without their zone. No zone takes them out of what a calendar holds.
_NEVER: Final = datetime.min  # noqa: DTZ901
_FIRST: Final = _NEVER + timedelta(days=366)
_LAST: Final = datetime.max - timedelta(days=366)  # noqa: DTZ901
_BEFORE: Final = 8  # tokens before a phrase that are looked at


class Named(msgspec.Struct, frozen=True):
    """A time that a text names.

    Attributes:
        said: The words.
        spans: What they may mean, the likeliest first.
    """

    said: str
    spans: tuple[Span, ...]


def times_in(text: str, moment: datetime, *, past: bool = True) -> tuple[Named, ...]:
    """Return the times that a text names, in order; at most four.

    Every text is accepted; what no calendar has is left out. Days are those of the moment's zone, UTC
    where it has none.

    Args:
        text: The text; only its beginning is looked at.
        moment: When it was said.
        past: Whether it looks back where it does not say: a question about what was said does.
    """
    row = tokens(text)
    now = moment.replace(tzinfo=None)
    if not row or not _FIRST < now < _LAST:
        return ()
    reader = _Reader("".join(token.letter for token in row), row, text, Asked(now, past))
    found = []
    for first, after, meant in reader.read():
        placed = tuple(
            dict.fromkeys(_in_zone(span, moment.tzinfo or UTC) for span in meant if _is_sane(span))
        )
        if placed:
            found.append(Named(text[row[first].start : row[after - 1].end], placed))
    return tuple(found[:MOST])


def _is_sane(span: Span) -> bool:
    return span.start < span.end and span.end > _FIRST and span.start < _LAST


def _in_zone(span: Span, zone: tzinfo) -> Span:
    return Span(max(span.start, _FIRST).replace(tzinfo=zone), min(span.end, _LAST).replace(tzinfo=zone))


_PART: Final = re.compile("([BCE])[of&]{0,3}$")  # the beginning of, mid-
_PART_AFTER: Final = re.compile("o?([BCE])")  # 6月初
_SHIFT: Final = re.compile("(?:([nN])f?)?L?(U)([FG])[of]{0,3}$")  # two weeks before
_OPEN: Final = re.compile("([QHFGV])[of]{0,3}$")  # since
_BETWEEN: Final = re.compile("[&H][ofRI]{0,3}")
_FROM: Final = re.compile("R[of]{0,3}$")


class _Found(NamedTuple):
    first: int
    after: int
    spans: list[Span]


class _Reader(NamedTuple):
    letters: str
    row: Said
    text: str
    asked: Asked

    def read(self) -> list[_Found]:
        """Return the phrases with what stands around them, and two that are one stretch as one."""
        found = phrases(self.letters, self.row, self.text)
        read: list[_Found] = []
        while found:
            one = found.pop(0)
            stretch = self._stretch(one, found[0]) if found else None
            if stretch is not None:
                found.pop(0)
            read.append(stretch or self._around(one))
        return read

    def _stretch(self, one: Phrase, other: Phrase) -> _Found | None:
        """Return the time from one phrase to the next, if it says so: from March to May."""
        if not _BETWEEN.fullmatch(self.letters, one.after, other.first):
            return None
        begun = self._before(_FROM, one.first)
        joint = self.row[one.after]
        if begun is None and joint.letter != "H" and self.text[joint.start].isalpha():
            return None  # March and May
        last = other.spans(self.asked)
        if not last:
            return None
        # A year that is said once is that of both.
        first = one.spans(Asked(last[0].end - DAY, True) if one.yearless else self.asked)
        if not first or first[0].start >= last[0].end:
            return None
        return _Found(begun[0] if begun else one.first, other.after, [Span(first[0].start, last[0].end)])

    def _around(self, one: Phrase) -> _Found:
        first, after, meant = one.first, one.after, one.spans(self.asked)
        try:
            if part := self._before(_PART, first):
                first, meant = part[0], [spans.part(span, part[1][1]) for span in meant]
            elif (follows := _PART_AFTER.match(self.letters, after)) and self._is_unspaced(follows.start(1)):
                after, meant = follows.end(), [spans.part(span, follows[1]) for span in meant]
            if shift := self._before(_SHIFT, first):
                first, meant = shift[0], [self._shifted(span, *shift) for span in meant]
            elif opened := self._before(_OPEN, first):
                first, meant = opened[0], [self._opened(span, opened[1][1]) for span in meant]
        except (ValueError, OverflowError):  # no calendar has it
            meant = []
        return _Found(first, after, meant)

    def _before(self, pattern: re.Pattern[str], at: int) -> tuple[int, re.Match[str]] | None:
        """Return where a pattern begins that ends before a token, and what it found."""
        start = max(0, at - _BEFORE)
        found = pattern.search(self.letters[start:at])
        return (start + found.start(), found) if found else None

    def _is_unspaced(self, at: int) -> bool:
        return self.text[self.row[at].start] > "\u3000"

    def _shifted(self, span: Span, at: int, found: re.Match[str]) -> Span:
        """Return the time so many units before or after another."""
        row = self.row[at - found.start() :]
        number = int(row[found.start(1)].value.partition("-")[0]) if found[1] else 1
        unit = row[found.start(2)].value
        if number > 1 or unit not in ("w", "m"):
            away = -number if found[3] == "F" else number
            return spans.about(unit, span.start, away, away)
        length = timedelta(days=7 if unit == "w" else 30)
        if found[3] == "F":
            return Span(span.start - length, span.start)
        return Span(span.end, span.end + length)

    def _opened(self, span: Span, way: str) -> Span:
        """Return the time since, after, until or before another."""
        match way:
            case "Q":
                return Span(span.start, max(self.asked.tomorrow, span.end))
            case "G":
                return Span(span.end, self.asked.tomorrow)
            case "H":
                return Span(_NEVER, span.end)
            case _:
                return Span(_NEVER, span.start)
