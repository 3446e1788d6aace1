"""Forms of a word by the endings that words of its language exchange.

There is no dictionary, and no stemmer: a row of endings says which of them one stem takes. Where a
word ends in one of a row, the others are put in its place. A form that does not exist is in no log,
and does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Final

_MODULES: Final = {
    "de": "germanic",
    "nl": "germanic",
    "sv": "germanic",
    "da": "germanic",
    "no": "germanic",
    "fr": "romance",
    "es": "romance",
    "it": "romance",
    "pt": "romance",
    "ru": "slavic",
    "uk": "slavic",
    "pl": "slavic",
    "cs": "slavic",
    "ko": "korean",
}
_LATER: Final = 3
"""So many endings of the first row that fits come before the first one of the next row."""
_SHORT: Final = 2
"""An ending of so few letters leaves a stem of three; before a longer one a single letter will do."""
_SHARED: Final = 2


class Endings:
    """The endings of a language, ready to be exchanged.

    Args:
        rows: A row for each kind of word, its endings divided by spaces, the frequent ones first.
            ``-`` is no ending; in ``ge-t`` something stands before the word, too.
    """

    def __init__(self, rows: Sequence[str], *, syllables: bool = False) -> None:
        self.rows: list[list[tuple[str, str]]] = []
        self._shared: list[int] = []
        self._ending: dict[str, list[tuple[str, int]]] = {}
        self._syllables = syllables
        for number, row in enumerate(dict.fromkeys(rows)):
            affixes = [_affix(text) for text in dict.fromkeys(row.split())]
            self.rows.append(affixes)
            # What all endings begin with belongs to the stem.
            self._shared.append(_shared([after for _, after in affixes]))
            for before, after in affixes:
                self._ending.setdefault(after, []).append((before, number))
        self._longest = max(map(len, self._ending))

    def forms(self, word: str, most: int) -> list[str]:
        """Return at most so many forms, the word first; the row with the longest ending that fits leads."""
        fitting = list(self._fitting(word))
        found = {word: None}
        last = max((_LATER * at + len(self.rows[row]) for at, (_, row) in enumerate(fitting)), default=0)
        for turn in range(last):
            for at, (stem, row) in enumerate(fitting[: turn // _LATER + 1]):
                place = turn - _LATER * at
                if place < len(self.rows[row]):
                    before, after = self.rows[row][place]
                    found[before + stem + after] = None
            if len(found) >= most:
                break
        return list(found)[:most]

    def _fitting(self, word: str) -> Iterator[tuple[str, int]]:
        """Yield what is left of a word, and the row that its ending is in; the longest endings first."""
        for length in range(min(self._longest, len(word) - 1), -1, -1):
            kept, ending = word[: len(word) - length], word[len(word) - length :]
            for before, row in self._ending.get(ending, ()):
                stem = kept.removeprefix(before)
                if len(stem) + len(before) == len(kept) and self._is_stem(stem, length, self._shared[row]):
                    yield stem, row

    def _is_stem(self, stem: str, length: int, shared: int) -> bool:
        if self._syllables:  # a letter of Korean is a syllable
            return len(stem) >= (2 if length == 1 else 1)
        return bool(stem) and len(stem) + shared >= (3 if length <= _SHORT else 1)


@cache
def endings_of(language: str) -> Endings:
    """Return the endings of a language; its family's module is imported on first use."""
    module = import_module(f"memex_recall.endings.{_MODULES[language]}")
    return Endings(module.rows(language), syllables=language == "ko")


def _shared(endings: Sequence[str]) -> int:
    """Return how many letters all endings begin with; two at most."""
    first = endings[0]
    return next((n for n in range(_SHARED, 0, -1) if all(e[:n] == first[:n] != "" for e in endings)), 0)


def _affix(text: str) -> tuple[str, str]:
    before, _, after = text.rpartition("-")
    return before, after
