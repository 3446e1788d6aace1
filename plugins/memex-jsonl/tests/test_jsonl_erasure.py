"""What was forgotten is in no file any more, and what was replaced neither."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from memex_jsonl import forgetting
from memex_jsonl.store import JsonlStore

from memex import Message, VectorSpace

SPACES = (VectorSpace("e", 8), VectorSpace("e", 8, "query"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JsonlStore]:
    store = JsonlStore(str(tmp_path / "x"), durability="fast")
    yield store
    store.close()


def fill(store: JsonlStore, count: int = 240) -> dict[str, list[str]]:
    """Write messages of many sizes into threads in turn; ids by thread."""
    chance = random.Random(7)
    ids: dict[str, list[str]] = {}
    for number in range(count):
        words = ["".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(chance.choice([2, 30, 700]))]
        words.insert(chance.randrange(len(words)), f"zqsecret{number:05d}")
        thread = f"t{chance.randrange(6)}"
        message = Message.user(" ".join(words), id=f"{number:05d}", meta={"m": f"zqmeta{number:05d}"})
        store.append(thread, [message], tokens=[7], counter="c")
        store.put_state(thread, f"k{number}", f"zqstate{number:05d}".encode())
        store.put_plan(thread, 0, f"zqplan{number:05d}".encode())
        ids.setdefault(thread, []).append(message.id)
    return ids


def left_of(folder: Path, ids: list[str], *kinds: str) -> list[str]:
    """Return the secrets of these messages that lie anywhere in the folder's files, or in their names."""
    files = b"\0".join(
        str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")
    )
    wanted = [f"zq{kind}{message_id}" for kind in kinds for message_id in ids]
    return [secret for secret in wanted if secret.encode() in files]


def forget_half(store: JsonlStore, ids: dict[str, list[str]]) -> list[str]:
    gone: list[str] = []
    for thread in ("t0", "t1", "t2"):
        receipt = store.forget(thread, ids[thread][::2])
        assert receipt.places["messages"] == receipt.places["index"] == len(ids[thread][::2])
        assert receipt.places["files"] == 1
        gone += ids[thread][::2]
    return gone


def test_forgotten_messages_are_in_no_file(tmp_path: Path, store: JsonlStore) -> None:
    ids = fill(store)
    gone = forget_half(store, ids)
    assert left_of(tmp_path, gone, "secret", "meta") == []
    kept = ids["t3"] + ids["t0"][1::2]
    assert len(left_of(tmp_path, kept, "meta")) == len(kept)
    assert store.check() == []


def canary(message_id: str) -> bytes:
    """Return a vector of eight numbers that says whose it is."""
    return f"zqvector{message_id}".encode().ljust(32)


def vectors_left(folder: Path, ids: list[str]) -> list[str]:
    files = b"\0".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return [one for one in ids if b64encode(canary(one)) in files]


def embed(store: JsonlStore, ids: dict[str, list[str]]) -> None:
    for thread, own in ids.items():
        for space in SPACES:
            store.put_vectors(thread, space, {one: canary(one) for one in own[::2]})
            store.put_vectors(thread, space, {one: canary(one) for one in own})


def test_vectors_of_what_was_forgotten_are_in_no_file(tmp_path: Path, store: JsonlStore) -> None:
    ids = fill(store)
    embed(store, ids)
    assert len(vectors_left(tmp_path, ids["t0"])) == len(ids["t0"])
    gone = forget_half(store, ids)
    assert store.forget("t3").places["vectors"] == 2 * len(ids["t3"])
    assert vectors_left(tmp_path, gone + ids["t3"]) == []
    assert len(vectors_left(tmp_path, ids["t4"] + ids["t0"][1::2])) == len(ids["t4"] + ids["t0"][1::2])
    assert store.drop_vectors(SPACES[0]) == store.drop_vectors(SPACES[1]) > 0
    assert vectors_left(tmp_path, [one for own in ids.values() for one in own]) == []
    assert not list(tmp_path.rglob("*.vectors.jsonl"))
    assert store.check() == []


def test_a_line_of_vectors_that_was_cut_short_is_left_out_and_erased(
    tmp_path: Path, store: JsonlStore
) -> None:
    store.append("t", [Message.user(str(n), id=f"{n:05d}") for n in range(3)])
    store.put_vectors("t", SPACES[0], {"00000": canary("00000"), "00001": canary("00001")})
    (file,) = tmp_path.rglob("*.vectors.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])  # as a process leaves it that is killed in the middle
    other = JsonlStore(str(tmp_path / "x"))
    assert list(other.vectors("t", SPACES[0])) == [(1, canary("00000"))]
    assert list(other.without_vectors("t", SPACES[0])) == [2, 3]
    file.write_bytes(whole[:-9] + b"\n")
    assert other.forget("t", ["00001"]).places.get("vectors", 0) == 0
    assert vectors_left(tmp_path, ["00001"]) == []
    assert other.put_vectors("t", SPACES[0], {"00002": canary("00002")}) == 1
    assert [seq for seq, _ in store.vectors("t", SPACES[0])] == [1, 3]
    assert other.check() == []
    other.close()


def test_a_forgotten_thread_is_in_no_file(tmp_path: Path, store: JsonlStore) -> None:
    ids = fill(store)
    store.fork("t1", "fork", 3)
    for thread in ("t0", "t1"):
        receipt = store.forget(thread)
        assert (receipt.places["state"], receipt.places["plans"]) == (len(ids[thread]),) * 2
    gone = ids["t0"] + ids["t1"]
    assert left_of(tmp_path, gone, "secret", "meta", "plan") == []
    assert left_of(tmp_path, gone, "state") == [f"zqstate{one}" for one in ids["t1"]]  # the fork's own copy
    store.forget("fork")
    assert left_of(tmp_path, gone, "state") == []
    (space,) = [path for path in (tmp_path / "x").iterdir() if path.is_dir()]
    assert not [path.name for path in space.iterdir() if path.name.startswith(("t0", "t1", "fork"))]
    assert not list(space.glob("*.forgotten*"))
    assert store.check() == []


def test_a_value_that_was_replaced_is_in_no_file(tmp_path: Path, store: JsonlStore) -> None:
    store.open_thread("t")
    store.put_state("t", "k", b"zqstate00001")
    store.put_state("t", "k", b"other")
    assert left_of(tmp_path, ["00001"], "state") == []
    store.put_state("t", "k", b"zqstate00001")
    store.put_state("t", "k", None)
    assert left_of(tmp_path, ["00001"], "state") == []


def test_words_that_were_searched_are_gone_in_every_process(store: JsonlStore, tmp_path: Path) -> None:
    """Few of them are taken out of the index, many make it anew; another store object sees it at once."""
    other = JsonlStore(str(tmp_path / "x"))
    for thread in ("t", "u"):
        store.append(thread, [Message.user(f"kraken {n}", id=f"m{n}") for n in range(200)])
    store.fork("t", "f", 150)

    def found(one: JsonlStore) -> list[int]:
        return [
            len(one.search("kraken", limit=999)),
            len(one.search("kraken", thread="t", limit=999)),
            len(one.search("kraken", thread="f", limit=999)),
            len(one.find("f", ["kraken"], upto=200, limit=999)[0].seqs),
        ]

    assert found(store) == found(other) == [400, 200, 150, 150]
    store.forget("t", ["m0", "m1", "m160"])
    assert found(store) == found(other) == [397, 197, 148, 148]
    other.forget("f", [f"m{n}" for n in range(100)])
    assert found(store) == found(other) == [299, 99, 50, 50]
    other.append("f", [Message.user("kraken again")])
    store.forget("u")
    assert found(store) == found(other) == [100, 99, 51, 51]
    store.forget("f")
    store.open_thread("u")
    store.append("u", [Message.user("kraken, a new one")])
    assert len(store.search("kraken", limit=999)) == len(other.search("kraken", limit=999)) == 100


def test_the_scan_would_find_what_is_left(
    tmp_path: Path, store: JsonlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "buried", lambda line, tombstone, alone: line)
    ids = fill(store)
    assert left_of(tmp_path, forget_half(store, ids), "secret", "meta")
