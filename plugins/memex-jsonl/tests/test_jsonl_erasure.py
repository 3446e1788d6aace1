"""What was forgotten is in no file any more, and what was replaced neither."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from memex_jsonl.store import JsonlStore

from memex import Message, VectorSpace

SPACES = (VectorSpace("e", 8), VectorSpace("e", 8, "query"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JsonlStore]:
    store = JsonlStore(str(tmp_path / "x"), durability="fast")
    yield store
    store.close()


def left_of(folder: Path, ids: list[str], *kinds: str) -> list[str]:
    """Return the secrets of these messages that lie anywhere in the folder's files, or in their names."""
    files = b"\0".join(
        str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")
    )
    wanted = [f"zq{kind}{message_id}" for kind in kinds for message_id in ids]
    return [secret for secret in wanted if secret.encode() in files]


def canary(message_id: str) -> bytes:
    """Return a vector of eight numbers that says whose it is."""
    return f"zqvector{message_id}".encode().ljust(32)


def vectors_left(folder: Path, ids: list[str]) -> list[str]:
    files = b"\0".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return [one for one in ids if b64encode(canary(one)) in files]


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
