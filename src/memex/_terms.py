"""Words of a text, the same for every store and ranker, in every script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from memex._message import Message
from memex._parts import Citation, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

TERMS: Final = 2
"""Which words :func:`terms` gives. To be raised with any change of them: stores index anew."""
_MAX_TERM = 64
_MOST_SOUGHT = 64
# Combining marks are not \w in Python, but they are inside words of these scripts. The gaps are their
# punctuation: the Hindi full stop must not become part of a word.
_WORD = re.compile(
    "(?:[^\\W_]|[\u0900-\u0963\u0966-\u096f\u0971-\u0dff"
    "\u0e00-\u0e3e\u0e40-\u0e4e\u0e50-\u0e59\u0e60-\u0eff\u1000-\u1049\u1050-\u109f])+"
)
_ASCII_WORD = re.compile(r"[a-z0-9]+")
# Scripts written without spaces: a run of these is indexed as overlapping pairs.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U000323af]+)"
)
# Not written by all, or not on every keyboard: Latin and Greek accents, the dots of the Russian ё, the
# hamza on an Arabic alef, the Persian kaf and yeh, the digits of other scripts.
_MARKED = re.compile(
    "[\u00c0-\u024f\u0370-\u03ff\u1e00-\u1fff\u0451\u0622\u0623\u0625\u0671\u06a9\u06cc]|[^\x00-\x7f\\D]"
)
_MARKS = re.compile("[\u0300-\u036f\u0653-\u0655]+")
_LETTERS: Final = str.maketrans(
    dict(zip("\u0131\u0671\u06a9\u06ccłøđħð", "i\u0627\u0643\u064alodhd", strict=True))
    | {"œ": "oe", "æ": "ae", "þ": "th"}
)
"""Those that are no letter with a mark. Without its dot, the Turkish i is that of "ISPARTA"."""
# Not seen, or not written: a mark that no letter took up (a stress, the dot of the Turkish capital I), the
# vowels of Arabic and Hebrew, what stretches, joins or parts letters, the variant of a character.
_UNSEEN = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u200c\u200d\u2060\ufe00-\ufe0f\ufeff"
    "\U000e0100-\U000e01ef]+"
)
# What parts the thousands of a number. A space does so only where it is none that a keyboard writes:
# "555 123 456" is a telephone number, and "in 2023 100 came" are two. NFKC would make a plain space of it.
_SPACE = re.compile("[\u00a0\u2007\u2009\u202f](?<=\\d.)(?=\\d{3}(?!\\d))")
_SPACED: Final = "\u066c"
# Its thousands are groups of three behind one to three digits, all parted by the same mark: no date,
# version or list with a shorter group, no fraction that begins with 0, nothing behind a letter, no
# telephone number behind a plus. What looks ahead is there for speed.
_GROUPED = re.compile(
    "[1-9](?<![A-Za-z0-9_].)(?=[0-9]{0,2}[,.'\u2019\u066c][0-9]{3})(?:"
    + "|".join(
        f"(?<![0-9]{mark}.){more}[0-9]{{0,2}}(?:{mark}[0-9]{{3}})+(?!{mark}?[0-9])"
        for mark, more in ((",", ""), (r"\.", ""), ("['\u2019]", ""), (_SPACED, r"(?<!\+.)"))
    )
    + ")"
)
_MARKS_OF_THOUSANDS = re.compile("[^0-9]+")
# Whether there may be such a number. To search for what begins with one character, thrice, takes a third of
# the time of a search for any of them.
_COMMA = re.compile(",[0-9]{3}").search
_DOT = re.compile(r"\.[0-9]{3}").search
_APOSTROPHE = re.compile("'[0-9]{3}").search
_QUOTE = re.compile("\u2019[0-9]{3}").search
_ARABIC = re.compile("\u066c[0-9]{3}").search


def terms(text: str) -> list[str]:
    """Return the searchable words of ``text``, in order, with repeats.

    Case, width, digits and accents are folded, letters such as ł and æ, the thousands of a number
    ("1,234" is "1234"), and what Arabic and Hebrew put beside a letter; runs of Chinese, Japanese,
    Thai, Lao, Khmer and Burmese become overlapping pairs of characters. Every string is accepted.
    """
    if text.isascii():
        if _COMMA(text) or _DOT(text) or _APOSTROPHE(text):
            text = _GROUPED.sub(_ungrouped, text)
        words: list[str] = _ASCII_WORD.findall(text.lower())
        # To look for the longest word is faster than to shorten every one.
        if words and len(max(words, key=len)) > _MAX_TERM:
            return [word[:_MAX_TERM] for word in words]
        return words
    if "\u00a0" in text or "\u202f" in text or "\u2009" in text or "\u2007" in text:
        text = _SPACE.sub(_SPACED, text)
    return list(_terms_of(unicodedata.normalize("NFKC", text).casefold()))


def _terms_of(text: str) -> Iterator[str]:
    text = _UNSEEN.sub("", _MARKED.sub(lambda found: _plain(found.group()), text))
    if _COMMA(text) or _DOT(text) or _APOSTROPHE(text) or _QUOTE(text) or _ARABIC(text):
        text = _GROUPED.sub(_ungrouped, text)
    for word in _WORD.findall(text):
        for index, piece in enumerate(_UNSPACED.split(word)):
            if not piece:
                continue
            if index % 2 == 0:
                yield piece[:_MAX_TERM]
            elif len(piece) == 1:
                yield piece
            else:
                yield from (piece[i : i + 2] for i in range(len(piece) - 1))


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return _MARKS.sub("", unicodedata.normalize("NFD", char)).translate(_LETTERS)


def _ungrouped(found: re.Match[str]) -> str:
    number = found.group()
    octets = number.split(".")
    if len(octets) == 4 and all(int(octet) <= 255 for octet in octets):  # an address of the internet
        return number
    return _MARKS_OF_THOUSANDS.sub("", number)


def searchable_text(message: Message) -> str:
    """Return the words of a message that a search should find: said, called, answered, named.

    Reasoning is left out: it is not part of what was agreed.
    """
    return "\n".join(text for part in message.parts for text in _texts(part) if text)


def _texts(part: Part) -> Iterator[str]:
    match part:
        case Text(text=text) | Refusal(text=text) | Citation(text=text):
            yield text
        case ToolCall(name=name, arguments=arguments):
            yield name
            yield arguments
        case ToolResult(parts=parts):
            for inner in parts:
                yield from _texts(inner)
        case Media(name=name, source=source, value=value):
            yield name or ""
            yield value if source == "url" and not value.startswith("data:") else ""
        case Reasoning() | Opaque():
            return


def snippet(text: str, words: set[str], width: int = 160) -> str:
    """Return at most about ``width`` characters of ``text`` around the first of ``words``."""
    start, end = 0, len(text)
    if end > width:
        folded = text.casefold()
        # A pasted page as a query has thousands of words; the longest are the telling ones.
        telling = sorted(words, key=lambda word: (-len(word), word))[:_MOST_SOUGHT]
        at = min((i for i in map(folded.find, telling) if i >= 0), default=0)
        start = max(0, min(at - width // 3, end - width))
        end = start + width
    flat = " ".join(text[start:end].split())
    return ("…" if start else "") + flat + ("…" if end < len(text) else "")
