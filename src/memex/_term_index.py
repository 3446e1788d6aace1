"""An inverted index in memory, for stores that keep none and for rankers on top of them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from memex._store import Postings

_K1 = 1.2
_B = 0.75


class TermIndex:
    """Which sequence numbers hold which term, with BM25 on top.

    Messages are added in rising order of ``seq``. BM25 is Robertson and Walker's (1994) with the
    non-negative idf of Lucene, k1 = 1.2, b = 0.75.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[int, int]] = {}
        self._seqs: dict[str, list[int]] = {}
        self._lengths: dict[int, int] = {}
        self._total = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, seq: int, words: Iterable[str]) -> None:
        """Index a message; ``seq`` must be higher than any before."""
        counts = Counter(words)
        for word, count in counts.items():
            self._counts.setdefault(word, {})[seq] = count
            self._seqs.setdefault(word, []).append(seq)
        self._lengths[seq] = counts.total()
        self._total += counts.total()

    def remove(self, seq: int) -> None:
        """Take a message out; unknown ones are ignored."""
        length = self._lengths.pop(seq, None)
        if length is None:
            return
        self._total -= length
        for word in [word for word, found in self._counts.items() if seq in found]:
            del self._counts[word][seq]
            self._seqs[word].remove(seq)
            if not self._seqs[word]:
                del self._counts[word], self._seqs[word]

    def find(self, words: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        """Return the newest ``limit`` places of each word among ``1..upto``."""
        found = []
        for word in words:
            seqs = self._seqs.get(word, [])
            end = bisect_right(seqs, upto)
            found.append(Postings(word, tuple(reversed(seqs[max(0, end - limit) : end]))))
        return found

    def rank(self, words: Iterable[str], *, match_all: bool) -> list[tuple[float, int]]:
        """Return ``(score, seq)`` of every match, best first, newest first among equals."""
        wanted = list(dict.fromkeys(words))
        if not wanted or not self._lengths:
            return []
        average = self._total / len(self._lengths) or 1.0
        scores: dict[int, float] = {}
        hits: Counter[int] = Counter()
        for word in wanted:
            places = self._counts.get(word, {})
            idf = math.log(1 + (len(self._lengths) - len(places) + 0.5) / (len(places) + 0.5))
            for seq, count in places.items():
                norm = _K1 * (1 - _B + _B * self._lengths[seq] / average)
                scores[seq] = scores.get(seq, 0.0) + idf * count * (_K1 + 1) / (count + norm)
                hits[seq] += 1
        ranked = [(s, seq) for seq, s in scores.items() if not match_all or hits[seq] == len(wanted)]
        return sorted(ranked, key=lambda pair: (-pair[0], -pair[1]))
