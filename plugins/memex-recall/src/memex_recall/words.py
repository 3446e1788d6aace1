"""Which words of a question say what it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

from memex import terms
from memex_recall.forms import MOST_FORMS, forms
from memex_recall.languages import IN_NAMES, function_words, is_sure, languages_of

MOST_WORDS: Final = 32
"""A question may be a pasted document: what it costs must not grow with it."""

_ALL_FORMS: Final = 256
"""Forms of all words together: each is looked up. Where there are many words, each has fewer."""

# Chinese and Japanese are indexed as pairs of characters: these pairs are grammar.
_PAIRS: Final = """
です ます した して った たの たっ いま ませ せん から まで では には とは ので のは のが こと もの
それ これ あれ どれ って ても ない なの だっ でし しょ ょう うか すか たか 何で どう いつ どこ だれ
ある いる する れる られ さい くだ ださ 什么 怎么 为什 么时 时候 我们 你们 他们 这个 那个 是不 不是
可以 一个 没有 的是 了吗 请问 哪个 哪里 谁的
"""

_GRAMMAR: Final = IN_NAMES.union(terms(_PAIRS))


def asked_words(question: str) -> list[str]:
    """Return the words that say what a question is about, each once, in order."""
    return list(asked_forms(question))


def asked_forms(question: str) -> dict[str, tuple[str, ...]]:
    """Return the words that say what a question is about, in order, each with the forms to look up."""
    words = dict.fromkeys(terms(question))
    languages = languages_of(question, words)
    telling = _telling(question, words, languages, MOST_WORDS)
    most = MOST_FORMS if len(telling) * MOST_FORMS <= _ALL_FORMS else _ALL_FORMS // len(telling)
    return {word: forms(word, languages, most) for word in telling}


def telling_words(text: str, most: int) -> list[str]:
    """Return the words that say what a text is about, each once, in order, and at most so many."""
    words = dict.fromkeys(terms(text))
    return _telling(text, words, languages_of(text, words), most)


def _telling(text: str, words: Collection[str], languages: Iterable[str], most: int) -> list[str]:
    spoken = (language for language in languages if is_sure(language, text, words))
    grammar = _GRAMMAR.union(*map(function_words, spoken))
    return list(islice((word for word in words if word not in grammar), most))
