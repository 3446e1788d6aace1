"""Vectors: kept beside the messages, shared by forks, gone with what is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memex import (
    Embedded,
    InvalidMessage,
    UnknownThread,
    VectorSpace,
    VectorStore,
    pack_vector,
    vector_store,
)
from memex.testing._scratch import ScratchStore
from memex.testing._store.case import StoreCase, fill
from memex.testing._store.copying import copy_all

SPACE = VectorSpace("tiny-1", 3)
OTHER = VectorSpace("tiny-1", 3, "query")


def vector(number: float, space: VectorSpace = SPACE) -> bytes:
    """Return a vector that has one number in all places."""
    return pack_vector([number] * space.dimension)


class VectorPromises(StoreCase):
    """put_vectors, vectors, without_vectors, vector_spaces, drop_vectors."""

    def test_what_was_put_comes_back(self, vectors: VectorStore) -> None:
        """Byte for byte, in log order, of one message or several, and only what was asked for."""
        ids = [message.id for message in fill(vectors, "a", 5)]
        entries = {ids[3]: vector(4), ids[0]: vector(1) + vector(-1), ids[1]: b""}
        assert vectors.put_vectors("a", SPACE, entries) == 3
        held = [(1, vector(1) + vector(-1)), (2, b""), (4, vector(4))]
        assert list(vectors.vectors("a", SPACE)) == held
        assert list(vectors.vectors("a", SPACE, 2)) == held[1:]
        assert list(vectors.vectors("a", SPACE, 2, 3)) == held[1:2]
        assert list(vectors.vectors("a", SPACE, 5)) == list(vectors.vectors("a", SPACE, 3, 2)) == []
        assert list(vectors.without_vectors("a", SPACE)) == [3, 5]
        assert list(vectors.without_vectors("a", SPACE, 4)) == [5]
        assert list(vectors.without_vectors("a", SPACE, 1, 4)) == [3]
        assert vectors.put_vectors("a", SPACE, {}) == 0

    def test_any_number_is_kept(self, vectors: VectorStore) -> None:
        """A store looks at sizes, not at numbers."""
        ids = [message.id for message in fill(vectors, "a", 1)]
        data = bytes(range(12)) + b"\x00\x00\xc0\x7f\x00\x00\x80\xff\n\r\x00\x01"
        vectors.put_vectors("a", SPACE, {ids[0]: data})
        assert list(vectors.vectors("a", SPACE)) == [(1, data)]

    def test_the_first_stays(self, vectors: VectorStore) -> None:
        """Put again, the same or another, it is what it was: rankings can be made again."""
        ids = [message.id for message in fill(vectors, "a", 2)]
        assert vectors.put_vectors("a", SPACE, {ids[0]: vector(1)}) == 1
        assert vectors.put_vectors("a", SPACE, {ids[0]: vector(1)}) == 0
        assert vectors.put_vectors("a", SPACE, {ids[0]: vector(2), ids[1]: vector(2)}) == 1
        assert list(vectors.vectors("a", SPACE)) == [(1, vector(1)), (2, vector(2))]

    def test_spaces_are_apart(self, vectors: VectorStore) -> None:
        """By embedder, dimension and kind; dropping one leaves the others."""
        ids = [message.id for message in fill(vectors, "a", 2)]
        spaces = [SPACE, OTHER, VectorSpace("tiny-1", 1), VectorSpace("mini lm/线", 3)]
        for number, space in enumerate(spaces):
            vectors.put_vectors("a", space, {ids[0]: vector(number, space)})
        vectors.put_vectors("a", OTHER, {ids[1]: vector(9)})
        for number, space in enumerate(spaces):
            assert next(vectors.vectors("a", space)) == (1, vector(number, space))
        counted = [Embedded(space, 2 if space == OTHER else 1) for space in sorted(spaces)]
        assert vectors.vector_spaces("a") == vectors.vector_spaces() == counted
        assert vectors.drop_vectors(OTHER) == 2
        assert vectors.drop_vectors(OTHER) == 0
        assert list(vectors.vectors("a", OTHER)) == []
        assert list(vectors.without_vectors("a", OTHER)) == [1, 2]
        assert [one.space for one in vectors.vector_spaces()] == sorted({*spaces} - {OTHER})
        assert vectors.put_vectors("a", OTHER, {ids[1]: vector(7)}) == 1
        assert list(vectors.vectors("a", OTHER)) == [(2, vector(7))]

    def test_no_other_namespace_sees_them(self, vectors: VectorStore) -> None:
        """Nor loses them when it drops a space of the same name."""
        other = vector_store(vectors.within("other"))
        assert other is not None
        for store in (vectors, other):
            ids = [message.id for message in fill(store, "a", 1)]
            store.put_vectors("a", SPACE, {ids[0]: vector(1)})
        assert other.drop_vectors(SPACE) == 1
        assert other.vector_spaces() == []
        assert list(vectors.vectors("a", SPACE)) == [(1, vector(1))]

    def test_what_is_no_vector_is_refused(self, vectors: VectorStore) -> None:
        """And then nothing of the batch is kept."""
        ids = [message.id for message in fill(vectors, "a", 2)]
        for wrong in (b"123", vector(1)[:-4], vector(1) + b"\0"):
            with pytest.raises(InvalidMessage):
                vectors.put_vectors("a", SPACE, {ids[0]: vector(1), ids[1]: wrong})
        for space in (VectorSpace("", 3), VectorSpace("e", 0), VectorSpace("e", 3, "\n")):
            with pytest.raises(InvalidMessage):
                vectors.put_vectors("a", space, {ids[0]: b""})
        assert list(vectors.vectors("a", SPACE)) == []
        assert vectors.vector_spaces() == []

    def test_a_message_that_is_not_there_is_left_out(self, vectors: VectorStore) -> None:
        """It may have been forgotten since it was read; the others are kept."""
        messages = fill(vectors, "a", 2)
        vectors.forget("a", [messages[0].id])
        entries = {message.id: vector(1) for message in messages} | {"missing": vector(1), "\ud800": b""}
        assert vectors.put_vectors("a", SPACE, entries) == 1
        assert list(vectors.vectors("a", SPACE)) == [(2, vector(1))]
        assert list(vectors.without_vectors("a", SPACE)) == []

    def test_an_unknown_thread_is_an_error(self, vectors: VectorStore) -> None:
        """It is not opened."""
        for call in (
            lambda: vectors.put_vectors("a", SPACE, {}),
            lambda: vectors.vectors("a", SPACE),
            lambda: vectors.without_vectors("a", SPACE),
            lambda: vectors.vector_spaces("a"),
        ):
            with pytest.raises(UnknownThread):
                call()
        assert list(vectors.threads()) == []

    def test_a_fork_sees_the_vectors_of_what_it_shares(self, vectors: VectorStore) -> None:
        """Whichever of the threads the vectors were put through, before the fork or after it."""
        shared = fill(vectors, "a", 3)
        vectors.put_vectors("a", SPACE, {shared[0].id: vector(1), shared[2].id: vector(3)})
        vectors.fork("a", "b", 2)
        own = fill(vectors, "b", 1)
        assert list(vectors.vectors("b", SPACE)) == [(1, vector(1))]
        assert list(vectors.without_vectors("b", SPACE)) == [2, 3]
        entries = {shared[1].id: vector(2), own[0].id: vector(-3), shared[2].id: vector(9)}
        assert vectors.put_vectors("b", SPACE, entries) == 2
        assert list(vectors.vectors("a", SPACE)) == [(1, vector(1)), (2, vector(2)), (3, vector(3))]
        assert list(vectors.vectors("b", SPACE)) == [(1, vector(1)), (2, vector(2)), (3, vector(-3))]
        assert list(vectors.vectors("b", SPACE, 2, 3)) == [(2, vector(2)), (3, vector(-3))]
        assert [one.messages for one in vectors.vector_spaces("b")] == [3]
        assert [one.messages for one in vectors.vector_spaces()] == [4]

    def test_forgetting_a_message_erases_its_vectors(self, vectors: VectorStore) -> None:
        """In every space and every fork, and the receipt counts them."""
        messages = fill(vectors, "a", 3)
        for space in (SPACE, OTHER):
            vectors.put_vectors("a", space, {message.id: vector(1) for message in messages})
        vectors.fork("a", "b")
        receipt = vectors.forget("b", [messages[1].id])
        assert receipt.places["vectors"] == 2
        for thread in ("a", "b"):
            for space in (SPACE, OTHER):
                assert [seq for seq, _ in vectors.vectors(thread, space)] == [1, 3]
        assert vectors.put_vectors("a", SPACE, {messages[1].id: vector(1)}) == 0
        assert vectors.forget("a", [messages[1].id]).places.get("vectors", 0) == 0

    def test_forgetting_a_thread_erases_its_vectors(self, vectors: VectorStore) -> None:
        """Its forks lose those of what they shared, and a new thread of its name has none."""
        shared = fill(vectors, "a", 2)
        vectors.put_vectors("a", SPACE, {message.id: vector(1) for message in shared})
        vectors.fork("a", "b")
        own = fill(vectors, "b", 1)
        vectors.put_vectors("b", SPACE, {own[0].id: vector(3)})
        assert vectors.forget("a").places["vectors"] == 2
        assert list(vectors.vectors("b", SPACE)) == [(3, vector(3))]
        again = fill(vectors, "a", 3)
        assert list(vectors.vectors("a", SPACE)) == []
        assert vectors.put_vectors("a", SPACE, {again[2].id: vector(4)}) == 1
        assert list(vectors.vectors("b", SPACE)) == [(3, vector(3))]
        assert vectors.forget("b").places["vectors"] == 1
        assert [one.messages for one in vectors.vector_spaces()] == [1]

    def test_many_are_read_in_pages(self, vectors: VectorStore) -> None:
        """All of them, in order, and the reader may stop."""
        ids = [message.id for message in fill(vectors, "a", 1500)]
        vectors.put_vectors("a", SPACE, {one: vector(n) for n, one in enumerate(ids[::-1])})
        assert list(vectors.vectors("a", SPACE)) == [(seq, vector(1500 - seq)) for seq in range(1, 1501)]
        assert next(vectors.vectors("a", SPACE, 700)) == (700, vector(800))
        assert list(vectors.without_vectors("a", SPACE)) == []

    def test_several_threads_put_at_once(self, vectors: VectorStore) -> None:
        """Each message has one entry, the one that was first; none is lost."""
        ids = [message.id for message in fill(vectors, "a", 40)]

        def put(number: int) -> int:
            mine = ids[number * 5 : number * 5 + 10]
            return sum(vectors.put_vectors("a", SPACE, {one: vector(number)}) for one in mine)

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(put, range(8))) == 40
        assert [seq for seq, _ in vectors.vectors("a", SPACE)] == list(range(1, 41))

    def test_a_copy_has_none(self, vectors: VectorStore) -> None:
        """They are derived: whoever restores a thread has it embedded again."""
        ids = [message.id for message in fill(vectors, "a", 2)]
        vectors.put_vectors("a", SPACE, {ids[0]: vector(1)})
        scratch = ScratchStore()
        copy_all(vectors, scratch)
        vectors.forget("a")
        copy_all(scratch, vectors)
        assert list(vectors.without_vectors("a", SPACE)) == [1, 2]

    def test_they_last(self, folder: Path) -> None:
        """Opened again, the store has them."""
        self.need_persistence()
        vectors = vector_store(self.open_store(folder))
        if vectors is None:
            pytest.skip("the store offers no put_vectors() and vectors()")
        ids = [message.id for message in fill(vectors, "a", 3)]
        vectors.put_vectors("a", SPACE, {ids[0]: vector(1), ids[1]: b""})
        vectors.close()
        again = vector_store(self.open_store(folder))
        assert again is not None
        try:
            assert list(again.vectors("a", SPACE)) == [(1, vector(1)), (2, b"")]
            assert list(again.without_vectors("a", SPACE)) == [3]
            assert again.check() == []
        finally:
            again.close()
