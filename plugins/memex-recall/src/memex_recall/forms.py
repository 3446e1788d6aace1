"""The other forms of a word. An index holds words as they were said; it is asked for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Final

from memex_recall.inflection import endings_of
from memex_recall.languages import ENGLISH, script, script_of

MOST_FORMS: Final = 24
"""Forms of one word. Each is looked up in the store's index."""
_SHORTEST: Final = 3
_VOWELS: Final = frozenset("aeiou")
_HISSING: Final = ("s", "x", "z", "ch", "sh")


@lru_cache(maxsize=4096)
def forms(word: str, languages: tuple[str, ...] = (ENGLISH,), most: int = MOST_FORMS) -> tuple[str, ...]:
    """Return the forms that a word may have in a sentence, itself first.

    There is no dictionary: a form that does not exist is in no log, and does no harm. What makes
    another word of a word ("decision", "decide") is left alone.

    Args:
        word: The word, as :func:`memex.terms` gives it.
        languages: The languages that it may be of, the likeliest first. Those of another script
            than the word's do not count.
        most: At most so many forms, the frequent ones first. English has few, and needs no limit.
    """
    if not word.isalpha():
        return (word,)
    written = script(word)
    found = [_forms(word, language) for language in languages if script_of(language) == written]
    ranks = chain.from_iterable(zip_longest(*found))
    distinct = tuple(dict.fromkeys(form for form in (word, *ranks) if form))
    return distinct[: MOST_FORMS if languages == (ENGLISH,) else most]


def _forms(word: str, language: str) -> list[str]:
    if language == ENGLISH:
        return _english(word)
    return endings_of(language).forms(word, MOST_FORMS)


def _english(word: str) -> list[str]:
    if len(word) < _SHORTEST or not word.isascii():
        return [word]
    return [word, *(form for plain in _plain(word) for form in _inflected(plain))]


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
