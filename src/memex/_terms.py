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
_LETTERS: Final = {"\u0131": "i", "\u0671": "\u0627", "\u06a9": "\u0643", "\u06cc": "\u064a"}
"""Those that are no letter with a mark. Without its dot, the Turkish i is that of "ISPARTA"."""
# Not seen, or not written: a mark that no letter took up (a stress, the dot of the Turkish capital I), the
# vowels of Arabic and Hebrew, what stretches, joins or parts letters, the variant of a character.
_UNSEEN = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u200c\u200d\u2060\ufe00-\ufe0f\ufeff"
    "\U000e0100-\U000e01ef]+"
)


def terms(text: str) -> list[str]:
    """Return the searchable words of ``text``, in order, with repeats.

    Case, width, digits and accents are folded, and what Arabic and Hebrew put beside a letter; runs of
    Chinese, Japanese, Thai, Lao, Khmer and Burmese become overlapping pairs of characters. Every
    string is accepted.
    """
    if text.isascii():
        return [word[:_MAX_TERM] for word in _ASCII_WORD.findall(text.lower())]
    return list(_terms_of(unicodedata.normalize("NFKC", text).casefold()))


def _terms_of(text: str) -> Iterator[str]:
    text = _UNSEEN.sub("", _MARKED.sub(lambda found: _plain(found.group()), text))
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
    return _LETTERS.get(char) or _MARKS.sub("", unicodedata.normalize("NFD", char))


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
