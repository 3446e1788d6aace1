"""What one would build in an afternoon: BM25, the cosine of embeddings, and both by reciprocal rank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from embedding import embed

from memex import TermIndex, parse_query, terms

Row = Mapping[str, Any]
_RRF = 60  # as in Cormack, Clarke and Buettcher (2009)


def fitting(rows: Iterable[Row], budget: int) -> list[str]:
    """Return the ids of those that fit, in order; what does not fit is passed over."""
    ids = []
    for row in rows:
        if row["tokens"] <= budget:
            budget -= row["tokens"]
            ids.append(row["id"])
    return ids


class Ordered:
    """A baseline that puts all messages in an order."""

    embeds: ClassVar[bool] = False

    def __init__(self) -> None:
        self.messages: list[Row] = []
        self.asked: tuple[str, int, list[int]] = ("", 0, [])

    def append(self, message: Row) -> None:
        """Take the next message."""
        self.messages.append(message)

    @staticmethod
    def embedded(message: Row) -> str:
        """Return the text that it embeds, so that all of them can be embedded in batches beforehand."""
        text: str = message["content"]
        return text

    def order(self, query: str) -> list[int]:
        """Return the places of messages, best first."""
        raise NotImplementedError

    def select(self, query: str, budget: int) -> list[str]:
        """Return the ids of what fits, best first."""
        if self.asked[:2] != (query, len(self.messages)):
            self.asked = (query, len(self.messages), self.order(query))
        return fitting((self.messages[place] for place in self.asked[2]), budget)


class Bm25(Ordered):
    """Plain BM25 over whole messages, k1 = 1.2, b = 0.75."""

    def __init__(self) -> None:
        super().__init__()
        self.index = TermIndex()

    def append(self, message: Row) -> None:
        """Take the next message."""
        super().append(message)
        self.index.add(len(self.messages), terms(message["content"]))

    def order(self, query: str) -> list[int]:
        """Return the places of those that share a word."""
        clauses = parse_query(" ".join(terms(query)))
        return [seq - 1 for _, seq in self.index.rank(clauses, match_all=False)]


class Cosine(Ordered):
    """The cosine between the embeddings of question and message."""

    embeds: ClassVar[bool] = True

    def order(self, query: str) -> list[int]:
        """Return the places of all messages."""
        import numpy as np

        if not self.messages:
            return []
        [asked] = embed([query])
        near = np.stack(embed([message["content"] for message in self.messages])) @ asked
        return [int(place) for place in np.argsort(-near, kind="stable")]


class ReciprocalRank(Bm25, Cosine):
    """Both of them, fused by reciprocal rank."""

    def order(self, query: str) -> list[int]:
        """Return the places of all messages."""
        scores: dict[int, float] = {}
        for ranked in (Bm25.order(self, query), Cosine.order(self, query)):
            for rank, place in enumerate(ranked, 1):
                scores[place] = scores.get(place, 0.0) + 1 / (_RRF + rank)
        return sorted(scores, key=lambda place: -scores[place])
