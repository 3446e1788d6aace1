"""What every embedder must be: the same vector for the same text, whatever stands beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from memex._embedder import Embedder, embed_query, embed_texts, unpack_vector
from memex._errors import MemexError

_TEXTS = (
    "The padlock on the slipway gate opens with 7264.",
    "Ottoline wants the lighthouse door in vermilion.",
    "We moved the deploy to Friday, because of the audit.",
    "金曜日には絶対にデプロイしないことに決めました。",
    "قررنا عدم النشر يوم الجمعة.",
    '{"order": "A-7731", "state": "lost"}',
    "💥",
    "a",
    "line one\nline two\r\n\ttabbed",
)


class EmbedderContract:
    """The tests of an embedder. Subclass it and say how the embedder is made.

    ::

        class TestTiny(EmbedderContract):
            def make_embedder(self):
                return Tiny()

    One that needs a server is tested against a local one that plays it, which gives each text a
    vector of its own.

    Attributes:
        tolerance: How far the cosine of two vectors of the same text may be from one: computed in
            batches of other sizes, the last digits differ.
    """

    tolerance: ClassVar[float] = 1e-3

    def make_embedder(self) -> Embedder:
        """Return a new embedder."""
        raise NotImplementedError(f"{type(self).__name__}.make_embedder() returns the embedder to be tested")

    def make_failing_embedder(self) -> Embedder | None:
        """Return an embedder whose calls fail: a wrong key, a missing model. None if none can."""
        return None

    def test_it_says_what_it_is(self) -> None:
        """Its name is that of its vectors, so two of the same settings have the same."""
        one, other = self.make_embedder(), self.make_embedder()
        assert isinstance(one, Embedder)
        assert isinstance(one.name, str)
        assert one.name.strip() == one.name != ""
        assert one.name == other.name

    def test_its_dimension_is_known_from_the_first_answer_on(self) -> None:
        """Before that it may be None; what it says then is true."""
        embedder = self.make_embedder()
        before = embedder.dimension
        vector = embed_texts(embedder, _TEXTS[:1])[0]
        assert embedder.dimension == len(vector) // 4
        assert before in (None, embedder.dimension)

    def test_each_text_has_a_vector_of_its_own(self) -> None:
        """In the order of the texts, of one dimension, finite, in every script."""
        vectors = embed_texts(self.make_embedder(), _TEXTS)
        assert len(vectors) == len(_TEXTS)
        assert len(set(vectors)) == len(_TEXTS), "texts that differ have the same vector"

    def test_the_same_text_has_the_same_vector(self) -> None:
        """Whatever stands beside it in the batch, wherever it stands, and when asked again."""
        embedder = self.make_embedder()
        together = embed_texts(embedder, _TEXTS)
        backwards = embed_texts(embedder, _TEXTS[::-1])[::-1]
        alone = [embed_texts(self.make_embedder(), [text])[0] for text in _TEXTS[:3]]
        for first, second in [*zip(together, backwards, strict=True), *zip(together, alone, strict=False)]:
            assert cosine(first, second) >= 1 - self.tolerance

    def test_more_texts_than_a_batch(self) -> None:
        """All come back, in order."""
        embedder = self.make_embedder()
        size = getattr(embedder, "batch", 32)
        assert isinstance(size, int)
        assert size > 0
        texts = [f"{_TEXTS[0]} {number}" for number in range(min(size, 100) + 1)]
        vectors = embed_texts(embedder, texts)
        last = embed_texts(embedder, [texts[-1]])[0]
        assert len(vectors) == len(texts)
        assert cosine(vectors[-1], last) >= 1 - self.tolerance

    def test_a_long_text_is_cut_and_not_refused(self) -> None:
        """A message may be longer than any model takes."""
        long = "The minutes of the harbour board, at length. " * 5_000
        assert len(embed_texts(self.make_embedder(), [long, _TEXTS[0]])) == 2

    def test_a_question_lies_in_the_same_space(self) -> None:
        """Where questions are embedded in another way, their vectors have the same dimension."""
        embedder = self.make_embedder()
        question = embed_query(embedder, "What opens the padlock?")
        assert len(question) == len(embed_texts(embedder, _TEXTS[:1])[0])
        again = embed_query(embedder, "What opens the padlock?")
        assert cosine(question, again) >= 1 - self.tolerance

    def test_several_threads_may_ask_at_once(self) -> None:
        """And each gets what it asked for."""
        embedder = self.make_embedder()
        expected = embed_texts(embedder, _TEXTS)

        def ask(number: int) -> tuple[int, bytes]:
            return number, embed_texts(embedder, [_TEXTS[number]])[0]

        with ThreadPoolExecutor(4) as pool:
            for number, vector in pool.map(ask, [n % len(_TEXTS) for n in range(3 * len(_TEXTS))]):
                assert cosine(vector, expected[number]) >= 1 - self.tolerance

    def test_a_failure_is_typed(self) -> None:
        """It raises one of memex's errors itself, and nothing of an SDK."""
        embedder = self.make_failing_embedder()
        if embedder is None:
            pytest.skip("override make_failing_embedder(): an embedder that fails, as with a wrong key")
        with pytest.raises(MemexError):
            embedder.embed(list(_TEXTS[:1]))

    def test_closing_twice_is_allowed(self) -> None:
        """Where it can be closed, after use and before."""
        fresh, used = self.make_embedder(), self.make_embedder()
        embed_texts(used, _TEXTS[:1])
        for embedder in (fresh, used):
            close = getattr(embedder, "close", None)
            for _ in range(2 if close else 0):
                close()  # type: ignore[misc]


def cosine(one: bytes, other: bytes) -> float:
    """Return the cosine of two packed vectors; 1.0 of a zero vector with itself."""
    first, second = unpack_vector(one), unpack_vector(other)
    if first == second:
        return 1.0
    lengths = _length(first) * _length(second)
    return math.fsum(a * b for a, b in zip(first, second, strict=True)) / lengths if lengths else 0.0


def _length(vector: Sequence[float]) -> float:
    return math.sqrt(math.fsum(number * number for number in vector))
