from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from memex_sqlite.store import SqliteStore

from memex import Message, StoreDamaged, StoreError, StoreUnavailable

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX users, limits and fork")

READ_ONLY = """
import os, sys
from memex import Message, StoreUnavailable
from memex_sqlite.store import SqliteStore
folder, warm_up = sys.argv[1:]
store = SqliteStore(warm_up + "/warm.db")  # everything is imported while that is still allowed
store.append("t", [Message.user("said")])
try:
    store.forget("t", ["no"])
except Exception:
    pass
store.close()
if os.geteuid() == 0:  # permissions do not bind root
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for name in ("new.db", "there.db"):
    try:
        store = SqliteStore(folder + "/" + name)
        store.append("t", [Message.user("late")])
    except StoreUnavailable as error:
        assert "\\n" not in str(error)
        print(name, "refused:", error)
"""

FULL_DISK = """
import resource, sys
from memex import Message, StoreUnavailable
from memex_sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), limits[1]))
stored = 0
try:
    while stored < 10_000:
        store.append("t", [Message.user("x" * 3000, id=f"m{stored}")])
        stored += 1
except StoreUnavailable as error:
    assert "\\n" not in str(error)
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
assert store.open_thread("t").head == stored
store.append("t", [Message.user("room again", id=f"m{stored}")])
assert [entry.message.id for entry in store.entries("t")] == [f"m{n}" for n in range(stored + 1)]
assert store.check() == [], store.check()
store.close()
print("sound after", stored)
"""

FORKING = """
import os, sys, threading
from memex import Message
from memex_sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
store.append("t", [Message.user("before")])
over = threading.Event()
def busy():
    while not over.is_set():
        store.append("busy", [Message.user("meanwhile")])
thread = threading.Thread(target=busy)
thread.start()
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        for number in range(20):
            store.append("t", [Message.user("said", id=f"{child}-{number}")])
        store.close()
        os._exit(0)
    children.append(pid)
for number in range(20):
    store.append("t", [Message.user("said", id=f"parent-{number}")])
codes = [os.waitpid(pid, 0)[1] for pid in children]
over.set()
thread.join()
assert codes == [0] * 4, codes
ids = [entry.message.id for entry in store.entries("t")][1:]
assert sorted(ids) == sorted(f"{n}-{i}" for n in [*range(4), "parent"] for i in range(20)), ids
assert store.check() == []
store.close()
print("sound")
"""


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(path), timeout=0.1)
    yield store
    store.close()


@POSIX
def test_a_read_only_folder(tmp_path: Path) -> None:
    # Not under tmp_path: other users may not enter that.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make = SqliteStore(str(folder / "there.db"))
        make.append("t", [Message.user("said")])
        make.close()
        (folder / "there.db").chmod(0o444)
        before = (folder / "there.db").read_bytes()
        folder.chmod(0o555)
        try:
            said = run(READ_ONLY, name, str(tmp_path))
        finally:
            folder.chmod(0o755)
        assert [line.split(" refused:")[0] for line in said.splitlines()] == ["new.db", "there.db"]
        assert "read-only" in said.splitlines()[0]
        assert (folder / "there.db").read_bytes() == before
        assert [file.name for file in folder.iterdir()] == ["there.db"]


@POSIX
@pytest.mark.parametrize("size", [327_680, 360_000, 800_000])
def test_a_full_disk(path: Path, size: int) -> None:
    said, sound = run(FULL_DISK, str(path), str(size)).splitlines()
    assert str(path) in said
    assert "disk" in said
    assert int(sound.removeprefix("sound after ")) > 0


@POSIX
def test_a_store_lives_on_both_sides_of_a_fork(path: Path) -> None:
    assert run(FORKING, str(path)) == "sound\n"


def test_a_locked_file(store: SqliteStore, path: Path) -> None:
    store.append("t", [Message.user("before")])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreUnavailable, match="locked"):
            store.append("t", [Message.user("late")])
        with pytest.raises(StoreUnavailable):
            store.fork("t", "u")
        assert [entry.message.text for entry in store.entries("t")] == ["before"]
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert store.append("t", [Message.user("after")]).head == 2


def test_a_thread_that_keeps_the_file(store: SqliteStore) -> None:
    with store._connections.writing():
        failures: list[Exception] = []

        def late() -> None:
            try:
                store.append("t", [Message.user("late")])
            except StoreUnavailable as error:
                failures.append(error)

        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
        assert "another thread" in str(failures[0])


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
            barrier.wait(10)

    threads = [threading.Thread(target=together) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store._connections._idle) == 8
    store.close()
    assert not store._connections._idle
