"""The times that a text names, and what stands around them: since, between, the beginning of."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import msgspec

from memex_recall.dates import spans
from memex_recall.dates.phrases import Asked, Phrase, Said, phrases
from memex_recall.dates.spans import DAY, Span
from memex_recall.dates.tokens import tokens

MOST: Final = 4
"""Times of one text that are looked at."""
_EDGE: Final = timedelta(days=366)  # from the ends of what a calendar holds: zones must not leave it


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
    if not row:
        return ()
    zone = moment.tzinfo or UTC
    now = moment.replace(tzinfo=None)
    if not datetime.min + _EDGE < now < datetime.max - _EDGE:
        return ()
    asked = Asked(now, past)
    letters = "".join(token.letter for token in row)
    found = []
    for first, after, meant in _joined(letters, row, text, asked, phrases(row, text, asked)):
        placed = tuple(dict.fromkeys(_in_zone(span, zone) for span in meant if _sane(span)))
        if placed:
            found.append(Named(text[row[first].start : row[after - 1].end], placed))
    return tuple(found[:MOST])


def _sane(span: Span) -> bool:
    return datetime.min + _EDGE < span.end and span.start < datetime.max - _EDGE and span.start < span.end


def _in_zone(span: Span, zone: tzinfo) -> Span:
    first = max(span.start, datetime.min + _EDGE)
    last = min(span.end, datetime.max - _EDGE)
    return Span(first.replace(tzinfo=zone), last.replace(tzinfo=zone))


_PART: Final = re.compile("([BCE])[of&]*$")
_PART_AFTER: Final = re.compile("o?([BCE])")
_SHIFT: Final = re.compile("(?:([nN])f?)?(?:L)?(U)([FG])[of]*$")
_OPEN: Final = re.compile("([QHFGV])[of]*$")
_RANGE: Final = re.compile("[&H][ofRI]*$")
_FROM: Final = re.compile("R[of]*$")

_Found = tuple[int, int, list[Span]]


def _joined(letters: str, row: Said, text: str, asked: Asked, found: list[Phrase]) -> list[_Found]:
    """Return the phrases with what stands around them, and two that are one stretch as one."""
    joined: list[_Found] = []
    at = 0
    while at < len(found):
        one = found[at]
        other = found[at + 1] if at + 1 < len(found) else None
        between = letters[one.after : other.first] if other else ""
        begun = _FROM.search(letters, 0, one.first)
        if other and _RANGE.fullmatch(between + "") and (begun or row[one.after].letter == "H" or _dash(row, one)):
            first = begun.start() if begun else one.first
            if hull := _hull(one, other, asked):
                joined.append((first, other.after, hull))
                at += 2
                continue
        joined.append(_around(letters, row, text, asked, one))
        at += 1
    return joined


def _dash(row: Said, one: Phrase) -> bool:
    return row[one.after].end - row[one.after].start == 1


def _hull(one: Phrase, other: Phrase, asked: Asked) -> list[Span]:
    """Return the time from one to the other. A year that is said once is that of both."""
    if not other.spans or not one.spans:
        return []
    last = other.spans[0]
    begins = one.meaning(Asked(last.end - DAY, True)) if one.yearless else one.spans
    return [Span(begins[0].start, last.end)] if begins and begins[0].start < last.end else []


def _around(letters: str, row: Said, text: str, asked: Asked, one: Phrase) -> _Found:
    first, after, meant = one.first, one.after, one.spans
    try:
        if part := _PART.search(letters, 0, first):
            first, meant = part.start(), [spans.part(span, part.group(1)) for span in meant]
        elif (part := _PART_AFTER.match(letters, after)) and not text[row[part.end() - 1].start].isascii():
            after, meant = part.end(), [spans.part(span, part.group(1)) for span in meant]
        if shift := _SHIFT.search(letters, 0, first):
            number = int(row[shift.start(1)].value.partition("-")[0]) if shift.group(1) else 1
            unit = row[shift.start(2)].value
            first, meant = shift.start(), [_shifted(span, number, unit, shift.group(3)) for span in meant]
        elif opened := _OPEN.search(letters, 0, first):
            first, meant = opened.start(), [_opened(span, opened.group(1), asked) for span in meant]
    except (ValueError, OverflowError):
        meant = []
    return first, after, meant


def _shifted(span: Span, number: int, unit: str, way: str) -> Span:
    """Return the time so many units before or after another."""
    away = -number if way == "F" else number
    if number > 1 or unit not in "wm":
        return spans.about(unit, span.start, away, away)
    length = timedelta(days=7 if unit == "w" else 30)
    return Span(span.start - length, span.start) if way == "F" else Span(span.end, span.end + length)


def _opened(span: Span, way: str, asked: Asked) -> Span:
    """Return the time since, after, before or until another."""
    tomorrow = datetime.combine(asked.today + DAY, datetime.min.time())
    match way:
        case "Q":
            return Span(span.start, max(tomorrow, span.end))
        case "G":
            return Span(span.end, tomorrow)
        case "H":
            return Span(datetime.min, span.end)
        case _:
            return Span(datetime.min, span.start)
