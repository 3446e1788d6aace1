from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from memex_sqlite.store import SqliteStore

from memex import Message, StoreDamaged, StoreError, StoreUnavailable

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs a system that moves open files")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(path), timeout=0.1)
    yield store
    store.close()


@POSIX
@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_gone(store: SqliteStore, path: Path, replaced: bool) -> None:
    store.append("t", [Message.user("before")])
    path.rename(path.with_name("moved.db"))
    if replaced:
        SqliteStore(str(path)).close()
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        store.append("t", [Message.user("lost")])
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        list(store.entries("t"))


def damage(path: Path, first: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(first)
        file.write(b"\xa5" * length)


def test_a_damaged_file_is_told(path: Path) -> None:
    store = SqliteStore(str(path))
    store.append("t", [Message.user(f"{number} " + "x" * 500) for number in range(300)])
    store.close()
    size = path.stat().st_size
    damage(path, size // 2, size // 4)
    store = SqliteStore(str(path))
    with pytest.raises(StoreDamaged) as told:
        list(store.entries("t"))
    assert str(path) in str(told.value)
    assert any("damaged" in line for line in store.check())
    store.close()


def test_check_names_what_is_wrong(path: Path, store: SqliteStore) -> None:
    store.append("a", [Message.user(f"kraken {number}") for number in range(10)])
    store.append("b", [Message.user(f"kraken {number}") for number in range(10)])
    store.append("c", [Message.user("fine")])
    assert store.check() == []
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DELETE FROM messages WHERE place = (1 << 32) + 4")
    connection.execute("UPDATE messages SET role = 7 WHERE place = (2 << 32) + 7")
    connection.execute("UPDATE messages SET place = (99 << 32) + 8 WHERE place = (2 << 32) + 8")
    connection.close()
    found = "\n".join(store.check())
    for line in (
        "thread 'a': message 4 is missing",
        "thread 'a': the word index does not fit its messages",
        "thread 'b': message 7 cannot be read",
        "1 messages belong to no thread",
    ):
        assert line in found
    assert "thread 'c'" not in found
    assert "thread 'a'" not in "\n".join(store.within("other").check())


@pytest.mark.parametrize("gone", [1, 20, 40])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_missing_message_is_told_when_it_is_read(
    path: Path, store: SqliteStore, gone: int, reverse: bool
) -> None:
    store.append("a", [Message.user(f"{number}") for number in range(40)])
    store.fork("a", "b")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DELETE FROM messages WHERE place = (1 << 32) + ?", (gone,))
    connection.close()
    with pytest.raises(StoreDamaged, match=f"message {gone} cannot"):
        list(store.entries("b", reverse=reverse))
    assert [e.seq for e in store.entries("b", gone + 1, gone + 5)] == list(range(gone + 1, min(gone + 6, 41)))


def test_a_missing_table_is_told(path: Path, store: SqliteStore) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE plans")
    connection.commit()
    connection.close()
    store.open_thread("t")
    with pytest.raises(StoreDamaged, match="table"):
        store.put_plan("t", 0, b"plan")


def test_whatever_sqlite_says_is_an_error_of_memex(store: SqliteStore) -> None:
    with pytest.raises(StoreError), store._reading() as connection:
        connection.execute("SELECT nonsense")
    with pytest.raises(StoreError), store._writing() as connection:
        connection.execute("INSERT INTO namespaces (name) VALUES (NULL)")
    assert store.append("t", [Message.user("still works")]).head == 1


def test_short_lived_threads_leave_no_connections(store: SqliteStore) -> None:
    for _ in range(30):
        thread = threading.Thread(target=lambda: store.append("t", [Message.user("said")]))
        thread.start()
        thread.join()
    assert len(store._connections._idle) == 1
    barrier = threading.Barrier(12)

    def together() -> None:
        with store._connections.reading():
            barrier.wait(60)

    threads = [threading.Thread(target=together) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store._connections._idle) == 8
    store.close()
    assert not store._connections._idle
