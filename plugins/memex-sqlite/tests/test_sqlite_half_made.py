"""A file whose maker was killed, or is at work just now, is neither a stranger's nor beyond use."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from pathlib import Path

import pytest
from memex_sqlite.store import SqliteStore

from memex import Message, StoreDamaged

# Magic, no pages yet, nonce, pages before, sector and page size.
JOURNAL = (bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 1, 0, 512, 4096)).ljust(512, b"\0")


def test_a_store_whose_maker_was_killed_at_its_first_page(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    (tmp_path / "x.db-journal").write_bytes(JOURNAL)
    store = SqliteStore(str(path))
    assert store.append("t", [Message.user("said")]).head == 1
    assert store.check() == []
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]


def test_a_strangers_file_that_waits_to_be_rolled_back_is_not_touched(tmp_path: Path) -> None:
    live, left = tmp_path / "live.db", tmp_path / "left.db"
    connection = sqlite3.connect(live, isolation_level=None)
    connection.execute("CREATE TABLE theirs (x)")
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO theirs VALUES (?)", [("x" * 2000,)] * 500)
    for ending in ("", "-journal"):
        shutil.copy(f"{live}{ending}", f"{left}{ending}")
    connection.close()
    before = left.read_bytes(), Path(f"{left}-journal").read_bytes()
    with pytest.raises(StoreDamaged, match="another program") as refused:
        SqliteStore(str(left))
    assert str(left) in str(refused.value)
    assert (left.read_bytes(), Path(f"{left}-journal").read_bytes()) == before
