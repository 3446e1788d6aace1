"""Which languages a question is in: by its function words, then by letters that few languages have.

A few words are enough evidence, and all there is. Words of different scripts are judged apart, so
that a Russian question may name a Latin word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from itertools import chain, repeat
from typing import Final

from memex_recall.function_words import LISTS

ENGLISH: Final = "en"
_SCRIPTS: Final = {"ru": "cyrillic", "uk": "cyrillic", "ko": "hangul"}
_ASSUMED: Final = {"latin": (ENGLISH,), "cyrillic": ("ru",), "hangul": ("ko",)}
_MOST: Final = 3
"""Languages of one question. Each of them takes a part of the forms that a word may have."""
_MIXED: Final = 2
_SIGNS: Final = 2
_PART: Final = 3
"""A second language has two function words that the first lacks, a third of its number: chance is less."""
_ORDER: Final = ("en", *LISTS)
_LETTERS: Final = {
    "de": "äöüß",
    "fr": "àâæçèéêëîïôùûœ",
    "es": "ñ¿¡",
    "it": "àèìòù",
    "pt": "ãõç",
    "sv": "åäö",
    "da": "åæø",
    "no": "åæø",
    "uk": "іїєґ",
    "pl": "ąćęłńśźż",
    "cs": "čďěňřšťůž",
}
# Words of grammar and courtesy. Frequency alone finds most of them in a long thread, but in a short
# one "thanks" is as rare as a name, and would bring back every other "thanks".
_ENGLISH_WORDS: Final = """
a about again all also am an and any are as at be because been but by can could did do does doing done
each for from get go got had has have having he hello her here hers hey hi him his how i if in into is it
its just know let like ll make many me more most much my no not now of off oh ok okay on one only or other
our out over please plus re really s same say she should so some still such sure t tell than thank thanks that
the their them then there these they this those to too up us use ve very want was we well were what when
where which while who whom whose why will with would yes you your yours
"""
_IN_NAMES: Final = """
au da das de del della der des di do dos du e el et la las le les los o un una une van von y
"""
IN_NAMES: Final = frozenset(_IN_NAMES.split())
"""Articles and the like that stand in names and phrases of every language, and tell little in any."""


@cache
def function_words(language: str) -> frozenset[str]:
    """Return the words of grammar and courtesy of a language, as an index has them."""
    return frozenset((_ENGLISH_WORDS if language == ENGLISH else LISTS[language]).split())


@cache
def _speakers() -> dict[str, tuple[str, ...]]:
    """Return for each function word the languages that have it."""
    having: dict[str, tuple[str, ...]] = {}
    for language in _ORDER:
        for word in sorted(function_words(language)):
            having[word] = (*having.get(word, ()), language)
    return having


def script(word: str) -> str:
    """Return the script of a word, by its first letter; empty where no language of it is inflected."""
    if word[0] < "\u0250":
        return "latin"
    if "\u0400" <= word[0] <= "\u052f":
        return "cyrillic"
    return "hangul" if "\uac00" <= word[0] <= "\ud7a3" else ""


def script_of(language: str) -> str:
    """Return the script that a language is written in."""
    return _SCRIPTS.get(language, "latin")


def languages_of(question: str, words: Collection[str]) -> tuple[str, ...]:
    """Return the languages of a question, the likeliest first; without evidence English alone.

    Where English fits as well as others, it is English.

    Args:
        question: What is asked.
        words: Its distinct words, as :func:`memex.terms` gives them.
    """
    found: list[str] = []
    scripts = {script(word) for word in words}
    spoken = Counter(chain.from_iterable(map(_speakers().get, words, repeat(()))))
    for written, assumed in _ASSUMED.items():
        if written in scripts:
            here = Counter({name: n for name, n in spoken.items() if script_of(name) == written})
            found += _likeliest(here, words, written) or _by_letters(question, written) or assumed
    return tuple(found)


def is_sure(language: str, question: str, words: Iterable[str]) -> bool:
    """Tell whether a question has two signs of a language that is written as English is.

    One function word alone may be what another language asks about: "door" is "through" in Dutch, "hat" is
    "has" in German.
    """
    if language == ENGLISH or script_of(language) != script_of(ENGLISH):
        return True
    marked = not set(_LETTERS.get(language, "")).isdisjoint(question.lower())
    return marked + sum(word in function_words(language) for word in words) >= _SIGNS


def _likeliest(spoken: Counter[str], words: Collection[str], written: str) -> list[str]:
    """Return the languages whose function words there are.

    Args:
        spoken: How many of the words each language has among its function words.
        words: The words.
        written: The script that counts.
    """
    if not spoken:
        return []
    top = max(spoken.values())
    best = [name for name, number in spoken.items() if number == top]
    best = [ENGLISH] if ENGLISH in best else sorted(best, key=_ORDER.index)[:_MOST]
    if top == 1:  # little to go by: other words may well be English
        return list(dict.fromkeys([*best, *_ASSUMED[written]]))[:_MOST]
    known = frozenset().union(*map(function_words, best))
    rest = [word for word in words if len(word) > 1 and word not in known]
    others = Counter(name for word in rest for name in _speakers().get(word, ()) if name in spoken)
    enough = max(_MIXED, top / _PART)
    second = [name for name in _ORDER if others[name] >= enough]
    return [*best, *second][:_MOST]


def _by_letters(question: str, written: str) -> list[str]:
    """Return the languages that have the marked letters of a question, beside what is assumed without any."""
    letters: Collection[str] = {letter for letter in question.lower() if not letter.isascii()}
    fits = Counter({name: len(set(some) & set(letters)) for name, some in _LETTERS.items()})
    top = max((fits[name] for name in _LETTERS if script_of(name) == written), default=0)
    best = [name for name in _LETTERS if top and fits[name] == top and script_of(name) == written]
    return [*best[: _MOST - 1], *_ASSUMED[written]] if best else []
