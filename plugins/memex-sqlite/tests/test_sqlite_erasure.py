"""What was forgotten is in no file any more, also where a reader was in the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from memex_sqlite.store import SqliteStore

from memex import Message


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "x.db"), durability="fast", timeout=0.2)
    yield store
    store.close()


def left_of(folder: Path, ids: list[str], *kinds: str) -> list[str]:
    """Return the secrets of these messages that lie anywhere in the folder's files."""
    files = b"\0".join(file.read_bytes() for file in folder.iterdir())
    wanted = [f"zq{kind}{message_id}" for kind in kinds for message_id in ids]
    return [secret for secret in wanted if secret.encode() in files]


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
