"""The other forms of a word. An index holds words as they were said; it is asked for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_SHORTEST: Final = 3
_VOWELS: Final = frozenset("aeiou")
_HISSING: Final = ("s", "x", "z", "ch", "sh")


@lru_cache(maxsize=4096)
def forms(word: str) -> tuple[str, ...]:
    """Return the forms that an English word may have in a sentence, itself first.

    There is no dictionary: a form that does not exist is in no log, and does no harm. What makes
    another word of a word ("decision", "decide") is left alone.
    """
    if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()):
        return (word,)
    return tuple(dict.fromkeys([word, *(form for plain in _plain(word) for form in _inflected(plain))]))


def _plain(word: str) -> Iterator[str]:
    """Yield what the word may be without its ending."""
    yield word
    for ending in ("ing", "ed", "es", "s"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _SHORTEST or not _VOWELS & set(stem.replace("y", "i")):
            continue
        if ending == "s":
            if not word.endswith(("ss", "us", "is")):
                yield stem
        elif stem.endswith("i") and ending != "ing":
            yield stem[:-1] + "y"
        elif ending == "es":
            if stem.endswith((*_HISSING, "o")):
                yield stem
        else:
            yield stem
            yield stem + "e"
            if len(stem) > _SHORTEST and stem[-1] == stem[-2] and stem[-1] not in _VOWELS:
                yield stem[:-1]


def _inflected(plain: str) -> Iterator[str]:
    yield plain
    before, last = plain[-2], plain[-1]
    if last == "y" and before not in _VOWELS:
        yield from (plain[:-1] + "ies", plain[:-1] + "ied")
    elif last == "e":
        yield from (plain + "s", plain + "d", plain[:-1] + "ing")
        return
    else:
        yield plain + ("es" if plain.endswith(_HISSING) else "s")
        yield plain + "ed"
    yield plain + "ing"
    if before in _VOWELS and last not in "aeiouwxyh" and plain[-3] not in _VOWELS:
        yield from (plain + last + "ed", plain + last + "ing")
