"""Which sentences answer a question, as far as words can tell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from memex import terms
from memex_quote.passages import Passage

_MOST_QUOTES: Final = 3
_LONGEST: Final = 3  # sentences in one quote
_LEAST_COVERED: Final = 0.15  # of what the question's words are worth
_CLOSE: Final = 0.7  # how near to the best another sentence must be to be quoted as well
_ASKING: Final = 0.4  # a question that has the words is rarely the answer, what follows it often is
_ENDING: Final = re.compile(r"(?:ings?|ed|es|en|er|s|e|n)\Z")

# Words that never say what a question is about.
_GRAMMAR: Final = """
a about again all also am an and any are as at be been but by can could did do does for from get had has have
he her his how i if in is it its just know many me most much my no not now of on or our please she so some
than thank thanks that the their them then there they this to tell up us was we were what when where which
who whom whose why will with would you your
aber alle als am an auch auf aus bei bin bis bitte da das dass dein dem den denn der des die dies diese doch
du ein eine einem einen einer er es euch fur gibt haben hat hatte ich ihm ihn ihr im in ist ja kann kein man
mein mich mir mit nach noch nur oder sein sich sie sind so um und uns unser vom von vor wann war warum was
welche welchem welchen welcher welches wenn wer werden wie wir wird wo zu zum zur uber
です ます した して から まで では には とは って ない なの だっ でし しょ ょう うか すか たか 何で
どう いつ どこ だれ 什么 怎么 为什 么时 时候 我们 你们 他们 这个 那个 可以 请问 哪个 哪里
"""


def best_matches(question: str, passages: Sequence[Passage]) -> list[Match]:
    """Return what matches best, best first; empty where nothing does.

    Equally good matches are given newest first: what was said later corrects what was said before.
    """
    asked = _content(question)
    said = [_content(passage.text) for passage in passages]
    weights = _weights(asked, said)
    whole = sum(weights.values())
    found = sorted(_scored(asked, passages, said, weights), key=lambda pair: (-pair[0], -pair[1].start))
    if not found or found[0][0] < max(_LEAST_COVERED * whole, 1e-9):
        return []
    best: list[Match] = []
    for score, stretch in found:
        if score < _CLOSE * found[0][0] or len(best) == _MOST_QUOTES:
            break
        match = Match(stretch, passages)
        if not any(match.repeats(other) for other in best):
            best.append(match)
    return best


class Match:
    """One to three sentences in a row, said in one message.

    Attributes:
        text: The sentences.
        reference: Where they were said.
    """

    def __init__(self, stretch: range, passages: Sequence[Passage]) -> None:
        self.text = " ".join(passages[index].text for index in stretch)
        self.reference = passages[stretch.start].reference
        self._stretch = stretch

    def repeats(self, other: Match) -> bool:
        """Tell whether this is part of the other, or says the same words."""
        return bool(set(self._stretch) & set(other._stretch)) or terms(self.text) == terms(other.text)


def _scored(
    asked: frozenset[str],
    passages: Sequence[Passage],
    said: Sequence[frozenset[str]],
    weights: Mapping[str, float],
) -> Iterator[tuple[float, range]]:
    """Yield how well each stretch matches: the words that it has, less something for its length."""
    for first, passage in enumerate(passages):
        held, length = frozenset[str](), 0
        for last in range(first, min(first + _LONGEST, len(passages))):
            if passages[last].source != passage.source or (last > first and passages[last].asks):
                break
            held |= asked & said[last]
            length += len(said[last])
            score = sum(weights[word] for word in sorted(held)) / (1 + length / 80)
            if passage.asks:
                score *= _ASKING
            elif first and passages[first - 1].asks:
                score += sum(weights[word] for word in sorted(asked & said[first - 1])) / 2
            yield score, range(first, last + 1)


def _weights(asked: Iterable[str], said: Sequence[frozenset[str]]) -> dict[str, float]:
    """Return what each word of the question is worth: the rarer in the window, the more.

    Where words are not written apart, most pairs of characters that nobody said are no words.
    """
    held = Counter(word for words in said for word in words)
    return {
        word: math.log(1 + (len(said) - held[word] + 0.5) / (held[word] + 0.5))
        for word in asked
        if held[word] or word.isascii()
    }


def _content(text: str) -> frozenset[str]:
    """Return the words of a text without grammar and endings."""
    return frozenset(_stem(word) for word in terms(text) if word not in _STOPPED)


def _stem(word: str) -> str:
    """Return an English or German word without its ending; too short ones stay as they are."""
    stem = _ENDING.sub("", word)
    return stem if len(stem) >= 4 and word.isascii() else word


_STOPPED: Final = frozenset(terms(_GRAMMAR))
