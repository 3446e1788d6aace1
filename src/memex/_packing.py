"""Packing: which messages to quote when not all of them fit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from memex._entry import Place
from memex._terms import searchable_text, terms
from memex._weighing import Weighed

_ALIKE: Final = 0.8  # of the words of both; when one says nothing else, it is the other once more


class Packer:
    """Chooses what to quote for one question. What was said alike is chosen once.

    Args:
        question: What is asked. The question itself, asked before, is no answer.
    """

    def __init__(self, question: str) -> None:
        self._asked = tuple(terms(question))
        self._words: dict[Place, tuple[tuple[str, ...], frozenset[str]]] = {}

    def pack(self, weighed: Sequence[Weighed], room: int, *, beside: Iterable[Weighed] = ()) -> list[Weighed]:
        """Return what to quote in about ``room`` tokens, the most needed first.

        By worth per token one long message that very likely holds the answer can lose its place to
        a few short ones; by worth alone it takes the place of many. So both are tried, and what
        is likelier to hold the answer is taken.

        Args:
            weighed: What may be quoted, what is worth most for its tokens first.
            room: Tokens.
            beside: What is quoted already.
        """
        known = list(beside)
        likeliest = sorted(weighed, key=lambda w: (-w.worth, -w.entry.seq))
        packed = [self._fitting(order, room, known) for order in (weighed, likeliest)]
        top = likeliest[0].worth if likeliest else 0.0
        return max(packed, key=lambda quotes: math.fsum(math.exp(q.worth - top) for q in quotes))

    def _fitting(self, order: Sequence[Weighed], left: int, known: list[Weighed]) -> list[Weighed]:
        said = {self._asked, ()}
        by_speaker: dict[str | None, list[frozenset[str]]] = {}

        def say(quote: Weighed) -> bool:
            """Take note of what a quote says; tell whether that is anything new."""
            words, few = self._words_of(quote)
            if words in said:
                return False
            said.add(words)
            others = by_speaker.setdefault(quote.entry.message.name, [])
            most = len(few) / _ALIKE
            if any(len(few) <= len(many) <= most and few <= many for many in others):
                return False
            others.append(few)
            return True

        for quote in known:
            say(quote)
        taken: list[Weighed] = []
        for quote in order:
            if quote.cost <= left and say(quote):
                taken.append(quote)
                left -= quote.cost
        return taken

    def _words_of(self, quote: Weighed) -> tuple[tuple[str, ...], frozenset[str]]:
        known = self._words.get(quote.place)
        if known is None:
            words = tuple(terms(searchable_text(quote.entry.message)))
            known = self._words[quote.place] = words, frozenset(words)
        return known
