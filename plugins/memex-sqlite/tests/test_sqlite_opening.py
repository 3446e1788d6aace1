from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from memex_sqlite.schema import APPLICATION_ID, VERSION
from memex_sqlite.store import SqliteStore

from memex import BadSetting, MemexError, Message, StoreDamaged, StoreUnavailable

APPEND = """
import sys
from memex import Message
from memex_sqlite.store import SqliteStore
print("ready", flush=True)
sys.stdin.readline()
store = SqliteStore(sys.argv[1])
for number in range(25):
    store.append("t", [Message.user("said", id=f"{sys.argv[2]}-{number}")])
store.close()
"""


def make_store(path: Path) -> None:
    store = SqliteStore(str(path))
    store.append("t", [Message.user("said")])
    store.close()


def run_sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path.absolute(), isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def newer_schema(path: Path) -> None:
    make_store(path)
    run_sql(path, f"PRAGMA user_version = {VERSION + 1}", "CREATE TABLE from_the_future (x)")


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


STRANGERS: list[Callable[[Path], None]] = [
    newer_schema,
    another_program,
    another_application,
    another_application_without_tables,
    another_program_in_wal_mode,
    a_text,
    half_a_header,
]


@pytest.mark.parametrize("make", STRANGERS)
def test_a_file_that_is_not_ours_is_refused_untouched(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "x.db"
    make(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(StoreDamaged, match="untouched") as refused:
        SqliteStore(str(path))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


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


def test_the_newer_schema_is_named(tmp_path: Path) -> None:
    newer_schema(tmp_path / "x.db")
    with pytest.raises(StoreDamaged, match=rf"schema {VERSION + 1}.*newer memex-sqlite.*Upgrade"):
        SqliteStore(str(tmp_path / "x.db"))


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


@pytest.mark.parametrize("name", ["a?b#c%20d.db", "ü 线.db", "it's.db", "file:x.db"])
def test_a_path_is_only_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    make_store(Path(name))
    run_sql(Path(name), "PRAGMA application_id = 7")
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with pytest.raises(StoreDamaged):
        SqliteStore(name)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"path": ""}, BadSetting, "no file"),
        ({"path": ":memory:"}, BadSetting, "inmemory"),
        ({"path": "a\0b"}, BadSetting, "no file"),
        ({"path": "x.db", "durability": "some"}, BadSetting, "'full' or 'fast'"),
        ({"path": "x.db", "timeout": -1}, BadSetting, "seconds"),
        ({"path": "no/such/folder/x.db"}, StoreUnavailable, "no folder"),
        ({"path": "."}, StoreUnavailable, "a folder, not a file"),
        ({"path": "file.txt/x.db"}, StoreUnavailable, "cannot be opened"),
    ],
)
def test_wrong_settings_say_so_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    error: type[MemexError],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(error, match=says) as refused:
        SqliteStore(**settings)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


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


def test_eight_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", APPEND, path, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    errors = [child.communicate(timeout=120)[1] for child in children]
    assert errors == [""] * 8
    store = SqliteStore(path)
    ids = [entry.message.id for entry in store.entries("t")]
    assert sorted(ids) == sorted(f"{child}-{number}" for child in range(8) for number in range(25))
    assert store.check() == []
    store.close()
