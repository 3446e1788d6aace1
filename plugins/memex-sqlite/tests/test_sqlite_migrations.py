"""Older files: brought to today's schema with every row as it was, a backup beside them, or not at all."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from memex_sqlite import backups, identity, migrations
from memex_sqlite.store import SqliteStore

from memex import Message, StoreDamaged, StoreUnavailable, VectorSpace, encode_message

DATABASES = Path(__file__).parent / "databases"
OLDER = sorted(int(file.stem.removeprefix("schema-")) for file in DATABASES.glob("schema-*.sqlite"))
FIRST = OLDER[0]  # the one whose migration does most: it writes every message anew
KILLS = 100 if "full" in os.environ.get("MEMEX_BATTERIES", "") else 15
OPEN = """
import sys
from memex_sqlite.store import SqliteStore
print("go", flush=True)
SqliteStore(sys.argv[1]).close()
"""


def older(version: int, folder: Path) -> Path:
    path = folder / "chats.db"
    shutil.copy(DATABASES / f"schema-{version}.sqlite", path)
    return path


def large(folder: Path) -> Path:
    """Return an older file that takes a moment to migrate."""
    path = older(FIRST, folder)
    connection = sqlite3.connect(path)
    (thread,) = connection.execute("SELECT id FROM threads WHERE name = 'long'").fetchone()
    (body,) = connection.execute("SELECT body FROM messages WHERE thread = ? LIMIT 1", (thread,)).fetchone()
    message = json.loads(body)
    with connection:
        for seq in range(41, 4041):
            message |= {"id": f"added {seq}"}
            place = thread << 32 | seq
            values = (place, thread, message["id"], message["role"], json.dumps(message))
            connection.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, 0, NULL, 0)", values)
            connection.execute("INSERT INTO word_index (rowid, words) VALUES (?, 'line')", (place,))
    connection.close()
    return path


def contents(store: SqliteStore) -> dict[str, Any]:
    return {
        info.id: {
            "info": json.loads(msgspec.json.encode(info)),
            "entries": [
                [entry.seq, encode_message(entry.message).decode(), entry.tokens, entry.counter]
                for entry in store.entries(info.id)
            ],
            "plans": [[plan.number, plan.head, plan.body.decode()] for plan in store.plans(info.id)],
            "state": {
                key: None if value is None else base64.b64encode(value).decode()
                for key in ("memex/pins", "线")
                for value in [store.get_state(info.id, key)]
            },
        }
        for info in store.threads()
    }


def expected(version: int) -> dict[str, Any]:
    wanted: dict[str, Any] = json.loads((DATABASES / f"schema-{version}.json").read_text(encoding="utf-8"))
    if version > 1:
        return wanted
    # Since schema 2 a fork of a forgotten thread counts as a fork of the one that was forked from.
    for name, shared in (("ghost child", 5), ("early", 2)):
        wanted["default"][name]["info"] |= {"parent": "harbour", "forked_at": shared}
    return wanted


def everything(path: Path) -> dict[str, Any]:
    store = SqliteStore(str(path))
    try:
        assert store.check() == []
        return {name: contents(store.within(name)) for name in ("default", "tenant 2")}
    finally:
        store.close()


def test_every_older_schema_has_its_file() -> None:
    assert list(range(1, identity.VERSION)) == OLDER
    assert len(migrations._STEPS) == len(OLDER)


@pytest.mark.parametrize("version", OLDER)
def test_every_row_is_as_it_was(tmp_path: Path, version: int) -> None:
    path = older(version, tmp_path)
    assert everything(path) == expected(version)
    assert everything(path) == expected(version)  # and a second opening changes nothing
    store = SqliteStore(str(path))
    assert [hit.thread for hit in store.search('"pier 7"', roles={"assistant"})] == ["harbour"] * 2
    assert [hit.entry.message.text for hit in store.search("星期五")] == ["部署时间是星期五"]
    assert store.append("long", [Message.user("next")]).head == 41
    assert store.append("new", [Message.user("first", id="first")]).head == 1
    assert store.put_vectors("new", VectorSpace("e", 1), {"first": b"1234"}) == 1
    assert list(store.vectors("new", VectorSpace("e", 1))) == [(1, b"1234")]
    assert store.check() == []
    store.close()
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM _sqlite_migrations")]
    assert names == [name for name, _ in migrations._STEPS[version - 1 :]]
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'old_%'").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("version", OLDER)
def test_a_migrated_file_has_the_tables_of_a_new_one(tmp_path: Path, version: int) -> None:
    SqliteStore(str(tmp_path / "new.db")).close()
    path = older(version, tmp_path)
    SqliteStore(str(path)).close()

    def tables(file: Path) -> set[tuple[str, str]]:
        connection = sqlite3.connect(file)
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        connection.close()
        return {
            (name, sql) for name, sql in found if not name.startswith(("_sqlite_migrations", "idx__sqlite"))
        }

    assert tables(path) == tables(tmp_path / "new.db")


@pytest.mark.parametrize("version", OLDER)
def test_the_backup_is_the_file_as_it_was(tmp_path: Path, version: int) -> None:
    path = older(version, tmp_path)
    SqliteStore(str(path)).close()
    (backup,) = tmp_path.glob("*.backup")
    assert backup.name == f"chats.db.schema-{version}.backup"
    connections = [sqlite3.connect(file) for file in (backup, DATABASES / f"schema-{version}.sqlite")]
    dumps = [list(connection.iterdump()) for connection in connections]
    for connection in connections:
        connection.close()
    assert dumps[0] == dumps[1]
    shutil.move(backup, path)  # restored by hand, it is migrated again
    assert everything(path) == expected(version)


@pytest.mark.parametrize("version", OLDER)
def test_without_room_for_a_backup_the_file_stays_as_it_was(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = older(version, tmp_path)
    (tmp_path / f"chats.db.schema-{version}.backup").mkdir()
    with pytest.raises(StoreUnavailable, match="backup"):
        SqliteStore(str(path))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    connection.close()
    assert not list(tmp_path.glob("*.unfinished"))
    (tmp_path / f"chats.db.schema-{version}.backup").rmdir()
    assert everything(path) == expected(version)


def test_a_message_that_cannot_be_read_stops_it(tmp_path: Path) -> None:
    path = older(FIRST, tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE messages SET body = '{' WHERE role = 'developer'")
    connection.commit()
    before = list(connection.iterdump())
    connection.close()
    with pytest.raises(StoreDamaged):
        SqliteStore(str(path))
    connection = sqlite3.connect(path)
    assert list(connection.iterdump()) == before
    connection.close()


@pytest.mark.parametrize("version", OLDER)
def test_forgetting_removes_the_backup_too(tmp_path: Path, version: int) -> None:
    path = older(version, tmp_path)
    store = SqliteStore(str(path))
    (tmp_path / "chats.db.schema-1.backup.unfinished").write_bytes(b"left by a crash")
    (tmp_path / "chats.db.schema-x.backup").write_bytes(b"a stranger's")
    canary = "在 harbour".encode()
    store.append("canary", [Message.user("在 harbour", id="canary")])
    assert store.forget("canary", ["canary"]).places["backups"] == 2
    store.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chats.db", "chats.db.schema-x.backup"]
    assert canary not in path.read_bytes()


def test_a_backup_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "x.db"))
    store.append("t", [Message.user("secret", id="m")])
    backup = tmp_path / "x.db.schema-1.backup"
    backup.mkdir()
    with pytest.raises(StoreUnavailable, match="remove the backup yourself"):
        store.forget("t", ["m"])
    assert next(store.entries("t")).message.status == "forgotten"
    backup.rmdir()
    assert store.forget("t", ["m"]).places["messages"] == 0
    store.close()


def test_a_newer_schema_is_refused_and_left_byte_identical(tmp_path: Path) -> None:
    path = older(OLDER[-1], tmp_path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {identity.VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="newer memex-sqlite"):
        SqliteStore(str(path))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["chats.db"]


def test_eight_processes_at_once(tmp_path: Path) -> None:
    path = large(tmp_path)
    children = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(path)], stdout=subprocess.DEVNULL) for _ in range(8)
    ]
    assert [child.wait(120) for child in children] == [0] * 8
    store = SqliteStore(str(path))
    assert store.open_thread("long").head == 4040
    assert store.check() == []
    store.close()
    assert len(list(tmp_path.glob("*.backup"))) == 1


@pytest.mark.battery
def test_killed_in_the_middle(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """At a random moment, again and again: the file is of one schema or the other, whole, with its backup."""
    chance = random.Random(20)
    untouched = 0
    for trial in range(KILLS):
        folder = tmp_path / str(trial)
        folder.mkdir()
        path = large(folder)
        child = subprocess.Popen([sys.executable, "-c", OPEN, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0, 0.4))
        child.send_signal(signal.SIGKILL)
        child.wait(60)
        child.stdout.close()
        connection = sqlite3.connect(path)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        assert version in (FIRST, identity.VERSION)
        (left,) = connection.execute("SELECT count(*) FROM messages").fetchone()
        connection.close()
        untouched += version == FIRST
        store = SqliteStore(str(path))
        assert store.open_thread("long", create=False).head == 4040
        assert store.check() == []
        everything_else = {name: found for name, found in contents(store).items() if name != "long"}
        assert everything_else == {
            name: found for name, found in expected(FIRST)["default"].items() if name != "long"
        }
        store.close()
        assert (folder / f"chats.db.schema-{FIRST}.backup").exists()
        assert left > 4000
        shutil.rmtree(folder)
    line = f"migration: {KILLS} kills, {untouched} before the commit, 0 damaged, 0 rows lost"
    record_property("battery", f"memex-sqlite  {line}")
    assert untouched > 0


def test_a_backup_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = older(OLDER[-1], tmp_path)
    monkeypatch.setattr(
        backups.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error"))
    )
    with pytest.raises(StoreUnavailable, match="Input/output error"):
        SqliteStore(str(path))
    assert [file.name for file in tmp_path.iterdir() if "backup" in file.name] == []
