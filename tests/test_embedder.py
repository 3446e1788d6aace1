"""Embedders: what every call of one is checked for, and the contract on one that keeps it."""

from __future__ import annotations

import hashlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex import PluginError, RateLimited, embed_query, embed_texts, pack_vector, unpack_vector
from memex.testing import EmbedderContract


class Hashes:
    """A vector out of the digest of a text: an embedder in all but meaning."""

    name = "hashes-1"
    batch = 4

    def __init__(self) -> None:
        self.asked: list[int] = []

    @property
    def dimension(self) -> int | None:
        return 8 if self.asked else None

    def embed(self, texts):
        self.asked.append(len(texts))
        return [[byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]] for text in texts]

    def close(self) -> None:
        pass


class Closed(Hashes):
    def embed(self, texts):
        raise RateLimited("too many", retry_after=1.0)


class TestHashes(EmbedderContract):
    def make_embedder(self):
        return Hashes()

    def make_failing_embedder(self):
        return Closed()


class Gives:
    """Gives what it was told to give."""

    def __init__(self, answer, dimension=None, **more) -> None:
        self.name = "gives"
        self.answer = answer
        self.dimension = dimension
        self.__dict__.update(more)

    def embed(self, texts):
        return self.answer


def test_batches_are_of_the_size_that_the_embedder_takes():
    embedder = Hashes()
    vectors = embed_texts(embedder, [str(number) for number in range(10)])
    assert embedder.asked == [4, 4, 2]
    assert vectors[9] == embed_texts(embedder, ["9"])[0]
    assert embed_texts(embedder, []) == []


def test_a_question_goes_where_questions_are_embedded():
    asking = Gives([[1, 2]], embed_query=lambda text: [len(text), 0.5])
    assert unpack_vector(embed_query(asking, "why")) == (3.0, 0.5)
    assert embed_query(Gives([[1, 2]]), "why") == pack_vector([1, 2])


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ([], "no vectors for 1 texts"),
        ([[1.0], [2.0]], "2 vectors for 1 texts"),
        (None, "no vectors"),
        (7, "no vectors"),
        ([[]], "without numbers"),
        ([["x"]], "no vector"),
        ([None], "no vector"),
        (["ab"], "no vector"),
        ([[float("nan"), 1.0]], "not finite"),
        ([[float("inf")]], "not finite"),
        ([[1e39]], "not finite|no vector"),
        ([[1.0, 2.0, 3.0]], "of 3 numbers, and says that they have 2"),
    ],
)
def test_what_is_no_vector_is_refused_and_the_embedder_named(answer, what):
    with pytest.raises(PluginError, match=rf"embedder 'gives' gave .*({what})") as caught:
        embed_texts(Gives(answer, dimension=2), ["one"])
    assert caught.value.plugin == "gives"


def test_vectors_of_different_lengths_are_refused():
    with pytest.raises(PluginError, match="of 1 and of 2 numbers"):
        embed_texts(Gives([[1.0], [1.0, 2.0]]), ["one", "two"])


@pytest.mark.parametrize("size", [0, -1, True, "8", 1.5])
def test_a_batch_that_is_no_number_is_refused(size):
    with pytest.raises(PluginError, match="no number of texts"):
        embed_texts(Gives([[1.0]], batch=size), ["one"])


def test_foreign_errors_are_wrapped_and_those_of_memex_go_through():
    class Raises(Hashes):
        def embed(self, texts):
            raise ConnectionError("gone")

    with pytest.raises(PluginError, match="ConnectionError: gone") as caught:
        embed_texts(Raises(), ["one"])
    assert isinstance(caught.value.__cause__, ConnectionError)
    with pytest.raises(RateLimited):
        embed_texts(Closed(), ["one"])


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_a_vector_comes_back_as_it_was(numbers):
    packed = pack_vector(numbers)
    assert len(packed) == 4 * len(numbers)
    assert unpack_vector(packed) == tuple(numbers)
    assert unpack_vector(packed) == tuple(array("f", numbers))
