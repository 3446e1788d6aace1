from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from memex_jsonl.store import JsonlStore

from memex import Message, StoreDamaged, StoreError, StoreUnavailable, UnknownThread

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX locks, links and pipes")


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
