"""What a store owes to its file: what is not ours stays, faults are told, what was forgotten is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import memex_sqlite.store
import pytest
from memex_sqlite.schema import VERSION
from memex_sqlite.store import SqliteStore

from memex import BadSetting, Message, Store, StoreUnavailable
from memex.testing import FileStoreContract


def run_sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path.absolute(), isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def another_program(path: Path) -> None:
    run_sql(path, "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (1)")


def another_application(path: Path) -> None:
    run_sql(path, "PRAGMA application_id = 1234567", "CREATE TABLE theirs (x)")


def another_application_without_tables(path: Path) -> None:
    run_sql(path, "PRAGMA application_id = 1234567")


def another_program_in_wal_mode(path: Path) -> None:
    run_sql(path, "PRAGMA journal_mode = WAL", "CREATE TABLE theirs (x)")


def a_text(path: Path) -> None:
    path.write_text("dear diary\n" * 500)


def half_a_header(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\1\2")


class TestSqliteFile(FileStoreContract):
    file_name = "x.db"
    strangers = (
        another_program,
        another_application,
        another_application_without_tables,
        another_program_in_wal_mode,
        a_text,
        half_a_header,
    )
    refused = (
        ({"path": ""}, BadSetting, "no file"),
        ({"path": ":memory:"}, BadSetting, "inmemory"),
        ({"path": "a\0b"}, BadSetting, "no file"),
        ({"durability": "some"}, BadSetting, "'full' or 'fast'"),
        ({"timeout": -1}, BadSetting, "seconds"),
        ({"path": "no/such/folder/x.db"}, StoreUnavailable, "no folder"),
        ({"path": "."}, StoreUnavailable, "a folder, not a file"),
        ({"path": "file.txt/x.db"}, StoreUnavailable, "cannot be opened"),
    )
    leaves_beside = ("-wal", "-shm")
    quick: ClassVar = {"durability": "fast"}
    file_limits = (327_680, 360_000, 800_000)
    without_rights_says = "read-only"

    def open_at(self, path: str, **settings: Any) -> SqliteStore:
        return SqliteStore(path, **settings)

    def make_newer(self, path: Path) -> str:
        self.fill(path)
        run_sql(path, f"PRAGMA user_version = {VERSION + 1}", "CREATE TABLE from_the_future (x)")
        return rf"schema {VERSION + 1}.*newer memex-sqlite.*Upgrade"

    @contextmanager
    def locked(self, path: Path, thread: str) -> Iterator[None]:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def writing(self, store: Store, thread: str) -> AbstractContextManager[object]:
        assert isinstance(store, SqliteStore)
        return store._connections.writing()


def test_the_scan_would_find_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memex_sqlite.store, "wipe", lambda connections: 1)
    case = TestSqliteFile()
    store = case.open_at(str(tmp_path / "x.db"), durability="fast")
    with pytest.raises(AssertionError, match="zqsecret"):
        case.test_forgotten_messages_are_in_no_file(tmp_path / "x.db", store)
    store.close()


def test_a_receipt_says_that_the_file_was_wiped(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "x.db"))
    store.append("t", [Message.user("said", id="a"), Message.user("kept")])
    assert store.forget("t", ["a"]).places == {"messages": 1, "index": 1, "file": 1}
    store.put_state("t", "k", b"v")
    store.put_plan("t", 0, b"plan")
    places = store.forget("t").places
    assert (places["messages"], places["state"], places["plans"]) == (1, 1, 1)
    store.close()
