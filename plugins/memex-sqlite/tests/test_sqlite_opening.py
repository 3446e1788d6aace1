from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from memex_sqlite.schema import APPLICATION_ID, VERSION
from memex_sqlite.store import SqliteStore

from memex import Message, StoreDamaged


def make_store(path: Path) -> None:
    store = SqliteStore(str(path))
    store.append("t", [Message.user("said")])
    store.close()


def run_sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path.absolute(), isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_strangers_journal_is_not_written_back(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    run_sql(path, "PRAGMA journal_mode = WAL", "CREATE TABLE theirs (x)")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("INSERT INTO theirs VALUES ('not yet in the file')")
    before = path.read_bytes(), (tmp_path / "x.db-wal").read_bytes()
    try:
        with pytest.raises(StoreDamaged):
            SqliteStore(str(path))
        assert (path.read_bytes(), (tmp_path / "x.db-wal").read_bytes()) == before
    finally:
        writer.close()


def test_the_file_says_whose_it_is(tmp_path: Path) -> None:
    make_store(tmp_path / "x.db")
    header = (tmp_path / "x.db").read_bytes()[:100]
    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(header[60:64], "big") == VERSION
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_file_becomes_a_store(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.db"
    if content is not None:
        path.write_bytes(content)
    else:
        run_sql(path, "PRAGMA journal_mode = WAL")  # what a killed first open may leave
    make_store(path)
    make_store(path)
    store = SqliteStore(str(path))
    assert store.open_thread("t").head == 2
    store.close()


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("fast", 1)])
def test_durability(tmp_path: Path, durability: str, synchronous: int) -> None:
    store = SqliteStore(str(tmp_path / "x.db"), durability=durability)  # type: ignore[arg-type]
    for _ in range(2):  # each connection, the second one too
        with store._reading() as first, store._connections.reading() as second:
            for connection in (first, second):
                assert connection.execute("PRAGMA synchronous").fetchone()[0] == synchronous
                assert connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
                assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    store.close()
