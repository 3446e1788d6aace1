"""Sentences of a text, in the scripts that mark where they end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from memex import terms

_STOP: Final = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？｡؟।]+[」』”’）)\"']*|\s*\n\s*")
_LAST_WORD: Final = re.compile(r"\S*\Z")
_ABBREVIATIONS: Final = frozenset(
    terms("abs bzw ca capt cf co dr eg etc evtl fig ggf ie inc jr mr mrs ms nr prof resp sr st usw vgl vs")
)
_ASKS: Final = re.compile(r"[?？؟][\"'”’」』»）)\]]*\Z")
_MARKUP: Final = re.compile(r"(?:[-*•>]\s+|\d{1,3}[.)]\s+|#{1,6}\s+)+")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of ``text`` without the marks of lists, headings and quotes before them.

    A line break ends a sentence too: lists, tables and code have no full stops.
    """
    start = 0
    for stop in _STOP.finditer(text):
        if stop.group().startswith(".") and _goes_on(text, start, stop):
            continue
        yield from _bare(text[start : stop.end()])
        start = stop.end()
    yield from _bare(text[start:])


def asks(sentence: str) -> bool:
    """Tell whether a sentence is a question."""
    return bool(_ASKS.search(sentence))


def _bare(sentence: str) -> Iterator[str]:
    sentence = sentence.strip()
    sentence = sentence[found.end() :] if (found := _MARKUP.match(sentence)) else sentence
    if any(char.isalnum() for char in sentence):
        yield sentence


def _goes_on(text: str, start: int, stop: re.Match[str]) -> bool:
    """Tell whether a full stop is part of an abbreviation or of a date such as ``3. Mai``."""
    before = _LAST_WORD.search(text[max(start, stop.start() - 12) : stop.start()])
    word = before.group().strip("(\"'“„«[").casefold() if before else ""
    return (
        text[stop.end() : stop.end() + 2].strip()[:1].islower()
        or (word.isdigit() and len(word) <= 2)
        or (len(word) == 1 and word.isalpha())
        or word.replace(".", "") in _ABBREVIATIONS
        or bool(re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", word))
    )
