"""What was forgotten is in no file any more. The scan itself is tested by a store that does not wipe."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import memex_sqlite.store
import pytest
from memex_sqlite.store import SqliteStore

from memex import Message, VectorSpace


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "x.db"), durability="fast", timeout=0.2)
    yield store
    store.close()


def fill(store: SqliteStore, count: int = 240) -> dict[str, list[str]]:
    """Write messages of many sizes into threads in turn, so that pages are split; ids by thread."""
    chance = random.Random(7)
    ids: dict[str, list[str]] = {}
    for number in range(count):
        words = [
            "".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(chance.choice([2, 30, 150, 700]))
        ]
        words.insert(chance.randrange(len(words)), f"zqsecret{number:05d}")
        thread = f"t{chance.randrange(6)}"
        message = Message.user(" ".join(words), id=f"{number:05d}", meta={"m": f"zqmeta{number:05d}"})
        store.append(thread, [message], tokens=[7], counter="c")
        store.put_state(thread, f"k{number}", f"zqstate{number:05d}".encode())
        store.put_plan(thread, 0, f"zqplan{number:05d}".encode())
        ids.setdefault(thread, []).append(message.id)
    return ids


def left_of(folder: Path, ids: list[str], *kinds: str) -> list[str]:
    """Return the secrets of these messages that lie anywhere in the folder's files."""
    files = b"\0".join(file.read_bytes() for file in folder.iterdir())
    wanted = [f"zq{kind}{message_id}" for kind in kinds for message_id in ids]
    return [secret for secret in wanted if secret.encode() in files]


def forget_half(store: SqliteStore, ids: dict[str, list[str]], *, vectors: int = 0) -> list[str]:
    gone: list[str] = []
    for thread in ("t0", "t1", "t2"):
        receipt = store.forget(thread, ids[thread][::2])
        assert receipt.places["messages"] == receipt.places["index"] == len(ids[thread][::2])
        assert receipt.places.get("vectors", 0) == vectors * len(ids[thread][::2])
        assert receipt.places["file"] == 1
        gone += ids[thread][::2]
    return gone


def test_forgotten_messages_are_in_no_file(tmp_path: Path, store: SqliteStore) -> None:
    ids = fill(store)
    gone = forget_half(store, ids)
    assert left_of(tmp_path, gone, "secret", "meta") == []
    kept = ids["t3"] + ids["t0"][1::2]
    assert len(left_of(tmp_path, kept, "meta")) == len(kept)
    assert store.check() == []


def test_a_forgotten_thread_is_in_no_file(tmp_path: Path, store: SqliteStore) -> None:
    ids = fill(store)
    store.fork("t1", "fork", 3)
    store.forget("fork")
    for thread in ("t0", "t1"):
        receipt = store.forget(thread)
        assert (receipt.places["state"], receipt.places["plans"]) == (len(ids[thread]),) * 2
    gone = ids["t0"] + ids["t1"]
    assert left_of(tmp_path, gone, "secret", "meta", "state", "plan") == []
    assert store.check() == []


SPACES = (VectorSpace("e", 8), VectorSpace("e", 8, "query"))


def embed(store: SqliteStore, ids: dict[str, list[str]]) -> None:
    """Give each message vectors in two spaces, of several sizes, that say whose they are."""
    chance = random.Random(8)
    for thread, own in ids.items():
        for message_id in chance.sample(own, len(own)):
            windows = b"".join(f"zqvector{message_id}".encode().ljust(32, b".") for _ in range(len(own) % 7))
            for space in SPACES:
                store.put_vectors(
                    thread, space, {message_id: windows + f"zqvector{message_id}".encode().ljust(32)}
                )


def test_vectors_of_what_was_forgotten_are_in_no_file(tmp_path: Path, store: SqliteStore) -> None:
    ids = fill(store)
    embed(store, ids)
    store.fork("t1", "fork", 3)
    gone = forget_half(store, ids, vectors=2)
    assert store.forget("t3").places["vectors"] == 2 * len(ids["t3"])
    assert left_of(tmp_path, gone + ids["t3"], "vector") == []
    kept = ids["t4"] + ids["t1"][1::2]
    assert len(left_of(tmp_path, kept, "vector")) == len(kept)
    left = sum(map(len, ids.values())) - len(gone + ids["t3"])
    assert [one.messages for one in store.vector_spaces()] == [left] * 2
    assert store.check() == []


def test_a_space_that_was_dropped_leaves_nothing_that_forgetting_would_not_find(
    tmp_path: Path, store: SqliteStore
) -> None:
    ids = fill(store)
    embed(store, ids)
    for space in SPACES:
        store.drop_vectors(space)
    gone = forget_half(store, ids)
    assert left_of(tmp_path, gone, "vector") == []
    assert store.check() == []


def test_the_scan_would_find_what_is_left(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memex_sqlite.store, "wipe", lambda connections: 1)
    ids = fill(store)
    assert left_of(tmp_path, forget_half(store, ids), "secret", "meta")


def test_a_reader_in_the_way_is_told_and_made_up_for(tmp_path: Path, store: SqliteStore) -> None:
    store.append("t", [Message.user("zqsecret00001", id="00001"), Message.user("kept")])
    reader = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchall()
    assert store.forget("t", ["00001"]).places == {"messages": 1, "index": 1, "file": 0}
    assert left_of(tmp_path, ["00001"], "secret")
    (told,) = store.check()
    assert "may still lie" in told
    reader.close()
    assert store.forget("t", []).places["file"] == 1
    assert left_of(tmp_path, ["00001"], "secret") == []
    assert store.check() == []
    assert store.forget("t", []).places["file"] == 0
