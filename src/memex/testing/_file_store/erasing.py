"""Erasing: what was forgotten is in no file any more, nor are the state, plans and vectors beside it.

The erase battery does the same to many texts; this is about everything that a store keeps.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from memex import Message, Store, VectorSpace, VectorStore, vector_store
from memex.testing._file_store.case import FileStoreCase

_SPACES = (VectorSpace("e", 8), VectorSpace("e", 8, "query"))
_MESSAGES = 240
_LETTERS = "abcdefghijklmnop"  # none of them begins a canary

Ids = dict[str, list[str]]


class ErasingPromises(FileStoreCase):
    """Canaries, byte for byte: some are forgotten, the others show that they would be found."""

    def test_forgotten_messages_are_in_no_file(self, path: Path, store: Store) -> None:
        """Neither their texts nor their notes."""
        ids = fill(store)
        gone = forget_half(store, ids)
        assert left_of(path, gone, "secret", "meta") == []
        kept = ids["t3"] + ids["t0"][1::2]
        assert len(left_of(path, kept, "meta")) == len(kept)

    def test_a_forgotten_thread_is_in_no_file(self, path: Path, store: Store) -> None:
        """With its state and its plans; a fork keeps its own copy of the state until it is forgotten, too."""
        ids = fill(store)
        store.fork("t1", "fork", 3)
        for thread in ("t0", "t1"):
            places, own = store.forget(thread).places, len(ids[thread])
            assert (places.get("state", own), places.get("plans", own)) == (own, own)
        gone = ids["t0"] + ids["t1"]
        assert left_of(path, gone, "secret", "meta", "plan") == []
        assert left_of(path, gone, "state") == [f"zqstate{one}" for one in ids["t1"]]
        store.forget("fork")
        assert left_of(path, gone, "state") == []

    def test_vectors_of_what_was_forgotten_are_in_no_file(self, path: Path, store: Store) -> None:
        """Of messages and of a thread, also where a fork shares them."""
        able = self._embedding(store)
        ids = fill(store)
        embed(able, ids)
        store.fork("t2", "fork", 3)
        assert self.vectors_left(path, ids["t0"]) == ids["t0"]
        gone = forget_half(store, ids, vectors=len(_SPACES))
        assert store.forget("t3").places["vectors"] == len(_SPACES) * len(ids["t3"])
        assert self.vectors_left(path, gone + ids["t3"]) == []
        kept = ids["t4"] + ids["t0"][1::2]
        assert self.vectors_left(path, kept) == kept
        left = _MESSAGES - len(gone + ids["t3"])
        assert [space.messages for space in able.vector_spaces()] == [left] * len(_SPACES)

    def test_a_space_that_was_dropped_leaves_nothing_behind(self, path: Path, store: Store) -> None:
        """What forgetting would have to look for later is not there."""
        able = self._embedding(store)
        ids = fill(store)
        embed(able, ids)
        assert [able.drop_vectors(space) for space in _SPACES] == [_MESSAGES] * len(_SPACES)
        assert self.vectors_left(path, forget_half(store, ids)) == []

    def vectors_left(self, path: Path, ids: Sequence[str]) -> list[str]:
        """Return the messages whose vectors lie in a file."""
        written = _bytes_at(path)
        return [one for one in ids if self.as_stored(vector_of(one)) in written]

    def _embedding(self, store: Store) -> VectorStore:
        if (able := vector_store(store)) is None:
            pytest.skip(f"{type(store).__name__} offers no put_vectors() and vectors()")
        return able


def fill(store: Store) -> Ids:
    """Write messages of many sizes into threads in turn; return their ids by thread."""
    chance = random.Random(7)  # noqa: S311 - a game, not a secret
    ids: Ids = {}
    for number in range(_MESSAGES):
        length = chance.choice([2, 30, 150, 700])
        words = ["".join(chance.choices(_LETTERS, k=6)) for _ in range(length)]
        words.insert(chance.randrange(len(words)), f"zqsecret{number:05d}")
        thread = f"t{chance.randrange(6)}"
        message = Message.user(" ".join(words), id=f"{number:05d}", meta={"m": f"zqmeta{number:05d}"})
        store.append(thread, [message], tokens=[7], counter="c")
        store.put_state(thread, f"k{number}", f"zqstate{number:05d}".encode())
        store.put_plan(thread, 0, f"zqplan{number:05d}".encode())
        ids.setdefault(thread, []).append(message.id)
    return ids


def vector_of(message_id: str) -> bytes:
    """Return a vector of eight numbers that says whose it is."""
    return f"zqvector{message_id}".encode().ljust(32)


def embed(store: VectorStore, ids: Ids) -> None:
    """Give each message vectors in two spaces, of several sizes, some of them twice."""
    chance = random.Random(8)  # noqa: S311 - a game, not a secret
    for thread, own in ids.items():
        for space in _SPACES:
            some = chance.sample(own, len(own))
            store.put_vectors(thread, space, {one: vector_of(one) for one in some[::2]})
            for one in some:
                store.put_vectors(thread, space, {one: vector_of(one) * (1 + len(own) % 7)})


def forget_half(store: Store, ids: Ids, *, vectors: int = 0) -> list[str]:
    """Forget every other message of three threads and return the ids."""
    gone: list[str] = []
    for thread in ("t0", "t1", "t2"):
        half = ids[thread][::2]
        receipt = store.forget(thread, half)
        assert receipt.places["messages"] == len(half)
        assert receipt.places.get("index", len(half)) == len(half)
        assert receipt.places.get("vectors", 0) == vectors * len(half)
        gone += half
    return gone


def left_of(path: Path, ids: Sequence[str], *kinds: str) -> list[str]:
    """Return the canaries of these messages that lie in a file, or in its name."""
    written = _bytes_at(path)
    wanted = [f"zq{kind}{message_id}" for kind in kinds for message_id in ids]
    return [canary for canary in wanted if canary.encode() in written]


def _bytes_at(path: Path) -> bytes:
    """Return the bytes of all files of a store, those beside its own among them."""
    found = sorted(path.parent.rglob("*"))
    return b"\0".join(str(one).encode() + (one.read_bytes() if one.is_file() else b"") for one in found)
