"""An inverted index in memory, for stores that keep none and for rankers on top of them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from memex._query import Clause
from memex._store import Postings

_K1 = 1.2
_B = 0.75
_Places = int | tuple[int, ...]
"""Where a term stands in a message: mostly once, and a small int costs nothing."""


class TermIndex:
    """Which sequence numbers hold which term, and where, with BM25 on top.

    Messages are added in rising order of ``seq``. BM25 is Robertson and Walker's (1994) with the
    non-negative idf of Lucene, k1 = 1.2, b = 0.75.
    """

    def __init__(self) -> None:
        self._places: dict[str, dict[int, _Places]] = {}
        self._seqs: dict[str, list[int]] = {}
        self._lengths: dict[int, int] = {}
        self._total = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, seq: int, words: Iterable[str]) -> None:
        """Index a message; ``seq`` must be higher than any before."""
        places: dict[str, int | list[int]] = {}
        length = 0
        for place, word in enumerate(words):
            known = places.get(word)
            if known is None:
                places[word] = place
            elif isinstance(known, int):
                places[word] = [known, place]
            else:
                known.append(place)
            length += 1
        for word, found in places.items():
            self._places.setdefault(word, {})[seq] = found if isinstance(found, int) else tuple(found)
            self._seqs.setdefault(word, []).append(seq)
        self._lengths[seq] = length
        self._total += length

    def remove(self, seq: int) -> None:
        """Take a message out; unknown ones are ignored."""
        length = self._lengths.pop(seq, None)
        if length is None:
            return
        self._total -= length
        for word in [word for word, found in self._places.items() if seq in found]:
            del self._places[word][seq]
            self._seqs[word].remove(seq)
            if not self._seqs[word]:
                del self._places[word], self._seqs[word]

    def held(self, words: Iterable[str]) -> list[str]:
        """Return those of the words that any message holds."""
        return [word for word in words if word in self._seqs]

    def find(self, words: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        """Return the newest ``limit`` places of each word among ``1..upto``."""
        found = []
        for word in words:
            seqs = self._seqs.get(word, [])
            end = bisect_right(seqs, upto)
            found.append(Postings(word, tuple(reversed(seqs[max(0, end - limit) : end]))))
        return found

    def rank(self, clauses: Iterable[Clause], *, match_all: bool) -> list[tuple[float, int]]:
        """Return ``(score, seq)`` of every match, best first, newest first among equals.

        A phrase, or the beginning of a word, counts as one word that stands where it stands.
        """
        wanted = list(dict.fromkeys(clauses))
        if not wanted or not self._lengths:
            return []
        average = self._total / len(self._lengths) or 1.0
        scores: dict[int, float] = {}
        hits: dict[int, int] = {}
        for clause in wanted:
            counts = self._counts(clause)
            idf = math.log(1 + (len(self._lengths) - len(counts) + 0.5) / (len(counts) + 0.5))
            for seq, count in counts.items():
                norm = _K1 * (1 - _B + _B * self._lengths[seq] / average)
                scores[seq] = scores.get(seq, 0.0) + idf * count * (_K1 + 1) / (count + norm)
                hits[seq] = hits.get(seq, 0) + 1
        ranked = [(s, seq) for seq, s in scores.items() if not match_all or hits[seq] == len(wanted)]
        return sorted(ranked, key=lambda pair: (-pair[0], -pair[1]))

    def _counts(self, clause: Clause) -> dict[int, int]:
        """Return how often each message holds what a clause asks for."""
        *firsts, last = clause.words
        ends = [word for word in self._places if word.startswith(last)] if clause.prefix else [last]
        found: dict[int, int] = {}
        for end in ends:
            for seq, places in self._places.get(end, {}).items():
                count = sum(self._led_by(firsts, seq, place) for place in _several(places))
                if count:
                    found[seq] = found.get(seq, 0) + count
        return found

    def _led_by(self, words: Sequence[str], seq: int, place: int) -> bool:
        """Tell whether ``words`` stand just before a place of a message."""
        start = place - len(words)
        return all(
            start + offset in _several(self._places.get(word, {}).get(seq, ()))
            for offset, word in enumerate(words)
        )


def _several(places: _Places) -> tuple[int, ...]:
    return (places,) if isinstance(places, int) else places
