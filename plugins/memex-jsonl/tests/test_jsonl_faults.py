from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from memex_jsonl.store import JsonlStore

from memex import Message, StoreDamaged, StoreError, StoreUnavailable, UnknownThread

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX users, limits and fork")

READ_ONLY = """
import os, sys
from memex import Message, StoreUnavailable
from memex_jsonl.store import JsonlStore
folder, warm_up = sys.argv[1:]
store = JsonlStore(warm_up + "/warm")  # everything is imported while that is still allowed
store.append("t", [Message.user("said")])
try:
    store.forget("t", ["no"])
except Exception:
    pass
if os.geteuid() == 0:  # permissions do not bind root
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for name in ("new", "there"):
    try:
        store = JsonlStore(folder + "/" + name)
        store.append("t", [Message.user("late")])
    except StoreUnavailable as error:
        assert "\\n" not in str(error)
        print(name, "refused:", error)
"""

FULL_DISK = """
import resource, sys
from memex import Message, StoreUnavailable
from memex_jsonl.store import JsonlStore
store = JsonlStore(sys.argv[1])
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
try:
    store.forget("t", ["m0"])
except StoreUnavailable:
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
assert store.open_thread("t").head == stored
store.append("t", [Message.user("room again", id=f"m{stored}")])
for one in (store, JsonlStore(sys.argv[1])):
    assert [entry.message.id for entry in one.entries("t")] == [f"m{n}" for n in range(stored + 1)]
    assert one.check() == [], one.check()
print("sound after", stored)
"""

FORKING = """
import os, sys, threading
from memex import Message
from memex_jsonl.store import JsonlStore
store = JsonlStore(sys.argv[1])
store.append("t", [Message.user("before")])
over = threading.Event()
def busy():
    while not over.is_set():
        store.append("busy", [Message.user("meanwhile")])
        list(store.entries("t"))
thread = threading.Thread(target=busy)
thread.start()
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        for number in range(20):
            store.append("t", [Message.user("said", id=f"{child}-{number}")])
        store.fork("t", f"of {child}")
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
    return tmp_path / "x"


@pytest.fixture
def store(path: Path) -> Iterator[JsonlStore]:
    store = JsonlStore(str(path), timeout=0.1)
    yield store
    store.close()


def namespace_of(path: Path) -> Path:
    (found,) = [one for one in path.iterdir() if one.is_dir()]
    return found


def log_of(path: Path, thread: str) -> Path:
    (found,) = namespace_of(path).glob(f"{thread}-{'?' * 32}.jsonl")
    return found


@POSIX
def test_a_read_only_folder(tmp_path: Path) -> None:
    # Not under tmp_path: other users may not enter that.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make = JsonlStore(str(folder / "there"))
        make.append("t", [Message.user("said")])
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        folder.chmod(0o555)
        try:
            said = run(READ_ONLY, name, str(tmp_path))
        finally:
            folder.chmod(0o755)
            for path in folder.rglob("*"):
                path.chmod(0o755)
        assert [line.split(" refused:")[0] for line in said.splitlines()] == ["new", "there"]
        assert said.count("permission is denied") == 2
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@POSIX
@pytest.mark.parametrize("size", [150_000, 163_840, 400_000])
def test_a_full_disk(path: Path, size: int) -> None:
    said, sound = run(FULL_DISK, str(path), str(size)).splitlines()
    assert str(path) in said
    assert "disk" in said
    assert int(sound.removeprefix("sound after ")) > 0


@POSIX
def test_a_store_lives_on_both_sides_of_a_fork(path: Path) -> None:
    assert run(FORKING, str(path)) == "sound\n"


@POSIX
def test_a_locked_thread_and_a_locked_namespace(store: JsonlStore, path: Path) -> None:
    import fcntl  # not on Windows

    store.append("t", [Message.user("before")])
    for locked, asked in ((log_of(path, "t"), "append"), (namespace_of(path) / ".gate", "fork")):
        with locked.open("rb+") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(StoreUnavailable, match="is locked") as told:
                store.append("t", [Message.user("late")]) if asked == "append" else store.fork("t", "u")
            assert str(locked) in str(told.value)
            assert [entry.message.text for entry in store.entries("t")] == ["before"]
    assert store.append("t", [Message.user("after")]).head == 2


def test_a_thread_that_keeps_the_file(store: JsonlStore) -> None:
    store.open_thread("t")
    space = store._space()
    failures: list[Exception] = []

    def late() -> None:
        try:
            store.append("t", [Message.user("late")])
        except StoreUnavailable as error:
            failures.append(error)

    with space.locks.sharing(), space.writing("t"):
        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
    assert "another thread" in str(failures[0])
    assert store.append("t", [Message.user("after")]).head == 1


def test_whoever_wants_the_namespace_alone_gets_it(tmp_path: Path) -> None:
    """However many append all the time."""
    store = JsonlStore(str(tmp_path / "x"))
    over = threading.Event()

    def busy(number: int) -> None:
        other = JsonlStore(str(tmp_path / "x"))
        while not over.is_set():
            other.append(f"t{number}", [Message.user("meanwhile")])

    threads = [threading.Thread(target=busy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    store.open_thread("a")
    for number in range(20):
        store.fork("a", f"fork {number}")
    over.set()
    for thread in threads:
        thread.join()
    assert len(list(store.threads())) == 25
    assert store.check() == []


def test_a_thread_whose_file_is_gone(store: JsonlStore, path: Path) -> None:
    store.append("t", [Message.user("before")])
    reader = store.entries("t")
    log_of(path, "t").unlink()
    with pytest.raises(UnknownThread):
        store.get("t", ["x"])
    assert list(store.threads()) == []
    with pytest.raises(UnknownThread, match="while it was read"):
        next(reader)
    log = namespace_of(path)
    for file in log.iterdir():
        file.unlink()
    log.rmdir()
    with pytest.raises(StoreUnavailable, match="not there"):
        store.append("t", [Message.user("late")])


@POSIX
@pytest.mark.parametrize("ending", [".jsonl", ".plans.jsonl", ".state.json", ".idx"])
@pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "folder"])
def test_nothing_is_written_through_what_was_planted(
    store: JsonlStore, path: Path, kind: str, ending: str
) -> None:
    store.append("t", [Message.user("before")])
    outside = path.with_name("outside")
    if kind == "link":
        outside.write_text("mine")
    planted = log_of(path, "t").with_suffix(ending)
    planted.unlink(missing_ok=True)
    if kind in ("link", "dangling"):
        planted.symlink_to(outside)
    elif kind == "pipe":
        os.mkfifo(planted)
    else:
        planted.mkdir()
    told: list[StoreError] = []
    for act in (
        lambda: store.append("t", [Message.user("late")]),
        lambda: store.put_plan("t", 1, b"late"),
        lambda: store.put_state("t", "k", b"late"),
    ):
        try:
            act()
        except StoreError as error:
            told.append(error)
    assert bool(told) or ending == ".idx"
    assert not any("\n" in str(error) for error in told)
    assert not outside.exists() or outside.read_text() == "mine"


@POSIX
def test_a_namespace_that_is_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    JsonlStore(str(path)).close()
    space = namespace_of(path)
    (tmp_path / "outside").mkdir()
    for file in space.iterdir():
        file.unlink()
    space.rmdir()
    space.symlink_to(tmp_path / "outside")
    with pytest.raises(StoreDamaged, match="symbolic link"):
        JsonlStore(str(path))
    assert list((tmp_path / "outside").iterdir()) == []


def test_leftovers_of_a_crash_are_removed_and_those_of_the_living_are_not(path: Path) -> None:
    store = JsonlStore(str(path))
    store.append("t", [Message.user("said")])
    space = namespace_of(path)
    (space / f"{'ab' * 8}.tmp").write_text("left behind")
    (space / "notes.tmp").write_text("somebody's")

    def entries() -> Iterator[object]:
        assert JsonlStore(str(path)).open_thread("t").head == 1  # opens, and cleans up, meanwhile
        yield from store.entries("t")

    import msgspec

    image = store.image("t")
    image = msgspec.structs.replace(image, info=msgspec.structs.replace(image.info, id="copy"))
    store.restore(image, entries())  # type: ignore[arg-type]
    assert [path.name for path in space.glob("*.tmp")] == ["notes.tmp"]
    assert len(list(store.entries("copy"))) == 1
    assert store.check() == []
