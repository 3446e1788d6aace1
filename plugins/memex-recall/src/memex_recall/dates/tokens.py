"""A text as a row of tokens: what each of its words can do in a date.

Only words that dates are made of are known; every other is one letter, and so is what ends a sentence.
Patterns look at the row of letters, so that one holds for all languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final

import msgspec

from memex_recall.dates.languages import latin, unspaced

LONGEST: Final = 2_000
"""Characters of a text that are looked at."""

_OTHER: Final = "z"
_NOTHING: Final = (_OTHER, "")
_YEARS: Final = range(1900, 2101)
_MARKED: Final = re.compile("[\u00c0-\u024f\u1e00-\u1fff\u2019\uff01-\uff5e]")
_UNSPACED: Final = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_NUMERALS: Final = "一二三四五六七八九十两兩"
_NUMBER: Final = f"[0-9]{{1,3}}|[{_NUMERALS}]{{1,3}}"
_WEEKS: Final = {"上上": -2, "上": -1, "下": 1}


def _known(words: Iterable[tuple[str, str, str]]) -> dict[str, tuple[str, str]]:
    known: dict[str, tuple[str, str]] = {}
    for word, letter, value in words:
        known.setdefault(word, (letter, value))
    return known


def _any(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\ ", r"[\s'-]+") for word in longest_first)


_LATIN_WORDS: Final = _known(latin())
_SIGNS: Final = _known(unspaced())
_DATE: Final = (
    r"(?P<iso>(?<![\w.-])[0-9]{4}(?P<s>[-/])[0-9]{1,2}(?P=s)[0-9]{1,2}(?![\d/-])"
    r"(?:t[0-9:.]+(?:z|[+-][0-9:]+)?)?)"
    r"|(?P<far>(?<![\w./-])[0-9]{1,2}(?P<t>[./])[0-9]{1,2}(?P=t)[0-9]{4}(?![\w/]))"
)
# What has a point, a slash or a percent sign in it is a version, a fraction or an amount.
_DIGITS: Final = (
    r"|(?P<odd>(?<![0-9])[0-9]+(?:[.,:/_+%°$€]+[0-9a-z]+)+|[$€£#.][0-9]+)"
    r"|(?P<number>(?<![\w.])[0-9]{1,4}(?:st|nd|rd|th|er|\.(?=\s[^\W\d]))?(?![a-z0-9_%°$€]|\s%))"
)
_SIGN: Final = (
    r"|(?P<year>(?<![0-9])[0-9]{4}年)"
    rf"|(?P<month>(?:{_NUMBER})月份?(?!間))"
    rf"|(?P<dayth>(?:{_NUMBER})(?:日|号|號)(?![間前後后]))"
    r"|(?P<inweek>(?:上上|上|这|這|本|下)[个個]?(?:周|週|星期|礼拜|禮拜)"
    r"(?:[二三四五六日天]|一(?![起直样樣个個些定下家次])))"
    rf"|(?P<sign>{_any(_SIGNS)})|(?P<numeral>[{_NUMERALS}]{{1,3}})"
)
_WORD: Final = (
    rf"|(?P<phrase>(?<!\w)(?:{_any(word for word in _LATIN_WORDS if ' ' in word)})(?!\w))"
    rf"|(?P<word>[^\W\d_{_UNSPACED}]+)"
    r"|(?P<stop>[.!?;:。！？；…\n()]+)|(?P<comma>[,、，])|(?P<dash>[-–—~〜])|(?P<any>\w)"
)
_HAS_SIGNS: Final = re.compile(f"[{_UNSPACED}]")
_SPACES: Final = re.compile(r"[\s'-]+")


class Token(msgspec.Struct, frozen=True):
    """A word, a number or a sign.

    Attributes:
        letter: What it can do in a date.
        value: What it stands for.
        start: Where it begins in the text.
        end: Where it ends.
    """

    letter: str
    value: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Return the tokens of the beginning of a text, in order; none where it cannot name a time.

    Words that no date is made of are one token, however many follow each other.
    """
    plain = folded(text[:LONGEST])
    signs = not plain.isascii() and _HAS_SIGNS.search(plain) is not None
    if not signs and not _tells(_TELLING_WORD.findall(plain)):
        return []
    row: list[Token] = []
    other = False
    for found in _pattern(signs).finditer(plain):
        letter, value = _meaning(found)
        if letter != _OTHER or not other:
            row.append(Token(letter, value, *found.span()))
        other = letter == _OTHER
    return row


@cache
def _pattern(signs: bool) -> re.Pattern[str]:
    return re.compile(_DATE + (_SIGN if signs else "") + _DIGITS + _WORD)


def folded(text: str) -> str:
    """Return the text in lower case and without accents, each character in its place."""
    lower = text.lower()
    if len(lower) != len(text):  # one of the few letters that become two
        lower = "".join(char.lower()[0] for char in text)
    return lower if lower.isascii() else _MARKED.sub(_plain, lower)


def _plain(found: re.Match[str]) -> str:
    char = found.group()
    return "'" if char == "\u2019" else unicodedata.normalize("NFKD", char)[0].lower()


def _meaning(found: re.Match[str]) -> tuple[str, str]:
    """Return what a token can do in a date, and what it stands for."""
    kind, said = found.lastgroup or "", found.group()
    if kind == "word":
        return _LATIN_WORDS.get(said, _NOTHING)
    read = _READ.get(kind)
    return read(said) if read else _MARKS.get(kind, _NOTHING)


def _number_said(said: str) -> tuple[str, str]:
    digits = said.rstrip("abcdefghijklmnopqrstuvwxyz.")
    if digits == said and int(digits) in _YEARS:
        return "Y", digits
    return ("N", digits) if len(digits) < 4 else _NOTHING


def _day_in_week(said: str) -> tuple[str, str]:
    away = next((away for which, away in _WEEKS.items() if said.startswith(which)), 0)
    return "q", f"{away},{min('一二三四五六日天'.index(said[-1]), 6)}"


_READ: Final[Mapping[str, Callable[[str], tuple[str, str]]]] = {
    "phrase": lambda said: _LATIN_WORDS[_SPACES.sub(" ", said)],
    "number": _number_said,
    "iso": lambda said: ("Z", said),
    "far": lambda said: ("Z", said),
    "sign": lambda said: _SIGNS[said],
    "year": lambda said: ("y", said[:-1]),
    "month": lambda said: ("M", str(_number(said.rstrip("月份")))),
    "dayth": lambda said: ("N", str(_number(said[:-1]))),
    "numeral": lambda said: ("n", str(_number(said))),
    "inweek": _day_in_week,
}
_MARKS: Final = {"stop": ("|", ""), "comma": (",", ""), "dash": ("&", "")}


def _number(said: str) -> int:
    """Return a number below a thousand that is written in digits, or below a hundred in signs."""
    if said.isdecimal():
        return int(said)
    tens, ten, ones = said.partition("十")
    if not ten:
        return _numeral(said) if len(said) == 1 else 0
    return 10 * (_numeral(tens) if tens else 1) + (_numeral(ones) if ones else 0)


def _numeral(sign: str) -> int:
    return 2 if sign in ("两", "兩") else _NUMERALS.find(sign[-1]) + 1


# Most sentences have no word that says a time by itself, nor a unit beside one that says which. Years are
# told by their first two digits.
def _last_words(letters: str, of: str = "") -> frozenset[str]:
    known = _LATIN_WORDS.items()
    return frozenset(word.split()[-1] for word, (letter, value) in known if letter in letters and of in value)


_TELLING: Final = (
    _last_words("dWMmbS") | _last_words("U", "e") | frozenset(f"{century}" for century in range(19, 22))
)
_UNITS: Final = _last_words("U")
_WHICH: Final = _last_words("LTXAVlI")
_TELLING_WORD: Final = re.compile("[a-z]+|(?<![0-9])[0-9]{2}(?=[0-9]{2}(?![0-9]))")


def _tells(words: list[str]) -> bool:
    if not _TELLING.isdisjoint(words):
        return True
    return not (_UNITS.isdisjoint(words) or _WHICH.isdisjoint(words))
