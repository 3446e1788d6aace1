"""A process that ends, or a disk that fails, at any call to the system: all of an operation or nothing."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import memex_jsonl.files
import pytest
from memex_jsonl.store import JsonlStore

from memex import MemexError, Message, StoreDamaged, StoreUnavailable

POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
SECRET = "zqcanary"
CHANGING = ("fdatasync", "fsync", "ftruncate", "replace", "unlink", "mkdir")

Act = Callable[[JsonlStore], object]


def said(text: str, message_id: str, role: str = "user") -> Message:
    return Message.of(role, text, id=message_id)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "x"
    fill(folder)
    return folder


def copied(model: Path, folder: Path) -> JsonlStore:
    shutil.copytree(model, folder)
    return JsonlStore(str(folder))


def fill(folder: Path) -> None:
    store = JsonlStore(str(folder))
    store.append("a", [said(f"{SECRET} {n}", f"a{n}") for n in range(4)], tokens=[1, 2, 3, 4], counter="c")
    store.put_state("a", "k", f"{SECRET} state".encode())
    store.put_plan("a", 2, f"{SECRET} plan".encode())
    store.fork("a", "b", 2)
    store.append("b", [said(f"{SECRET} b{n}", f"b{n}") for n in range(2)])
    store.fork("b", "c")
    store.open_thread("lonely")
    store.append("lonely", [said(f"{SECRET} alone", "l0")])


def forget_two(store: JsonlStore) -> None:
    store.forget("b", ["a0", "a1", "b0"])


def restore(store: JsonlStore) -> None:
    image = store.image("b")
    own = [entry for entry in store.entries("b") if entry.seq > 2]
    plans = [plan for plan in store.plans("b") if plan.number > image.plan_base]
    import msgspec

    other = msgspec.structs.replace(image, info=msgspec.structs.replace(image.info, id="restored"))
    store.restore(other, own, plans[::-1])


ACTS: dict[str, Act] = {
    "append": lambda store: store.append("a", [said("one", "n1"), said("two " * 2000, "n2")]),
    "append to a new thread": lambda store: store.append("new", [said("one", "n1"), said("two", "n2")]),
    "open_thread": lambda store: store.open_thread("new"),
    "put_state": lambda store: store.put_state("a", "k", b"other"),
    "put_plan": lambda store: store.put_plan("a", 4, b'{"plan": 1}'),
    "put_first_plan": lambda store: store.put_plan("c", 4, b"\xff"),
    "fork": lambda store: store.fork("a", "new", 3),
    "forget messages": forget_two,
    "forget a thread": lambda store: store.forget("a"),
    "forget a fork": lambda store: store.forget("b"),
    "forget what nobody shares": lambda store: store.forget("lonely"),
    "restore": restore,
}


def seen(store: JsonlStore) -> dict[str, Any]:
    """Return everything that can be asked of a store, but for times."""
    found: dict[str, Any] = {}
    for info in store.threads():
        entries = [(e.seq, e.message.id, e.message.text, e.tokens) for e in store.entries(info.id)]
        plans = [(plan.number, plan.head, plan.body) for plan in store.plans(info.id)]
        hits = sorted(hit.entry.seq for hit in store.search(SECRET, thread=info.id))
        state = store.get_state(info.id, "k")
        found[info.id] = (info.head, info.parent, info.forked_at, entries, plans, state, hits)
    return found


@contextmanager
def faults(monkeypatch: pytest.MonkeyPatch, strike: Callable[[str], None]) -> Iterator[None]:
    """Let ``strike`` be asked before each call to the system that changes something."""
    with monkeypatch.context() as patch:
        for name in CHANGING:
            real = getattr(os, name)

            def call(*arguments: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
                strike(_name)
                return _real(*arguments, **more)

            patch.setattr(os, name, call)
        write, real_open = memex_jsonl.files._write, os.open

        def write_some(fd: int, data: bytes, at: int) -> int:
            try:
                strike("write")
            except BaseException:
                write(fd, data[: len(data) // 2], at)
                raise
            return write(fd, data, at)

        def open_some(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
            if flags & os.O_CREAT:
                strike("open")
            return real_open(path, flags, *arguments, **more)

        patch.setattr(memex_jsonl.files, "_write", write_some)
        patch.setattr(os, "open", open_some)
        yield


class Ended(BaseException):
    pass


def crash_at(monkeypatch: pytest.MonkeyPatch, folder: Path, act: Act, number: int) -> bool:
    """Let a child process end before its call of this number; tell whether it came that far."""
    child = os.fork()
    if child == 0:
        left = number

        def strike(name: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                if name == "write":
                    # Half of it is written, then the process is gone: nothing else is tidied up.
                    raise Ended
                os._exit(7)

        code = 0
        try:
            store = JsonlStore(str(folder))
            real = memex_jsonl.files.write_at

            def write_and_end(fd: int, data: bytes, at: int) -> None:
                try:
                    real(fd, data, at)
                except Ended:
                    os._exit(7)

            for module in ("files", "writer", "changes", "index", "notes"):
                monkeypatch.setattr(f"memex_jsonl.{module}.write_at", write_and_end)
            with faults(monkeypatch, strike):
                act(store)
        except BaseException:
            code = 3
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 7)
    return code == 7


@POSIX
@pytest.mark.parametrize("name", ACTS)
def test_a_process_that_ends_anywhere_leaves_all_or_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    done = copied(model, tmp_path / "done")
    before = seen(done)
    ACTS[name](done)
    after = seen(done)
    number, outcomes = 0, set()
    while True:
        number += 1
        folder = tmp_path / str(number)
        copied(model, folder).close()
        if not crash_at(monkeypatch, folder, ACTS[name], number):
            break
        store = JsonlStore(str(folder))
        found = seen(store)
        assert found in (before, after)
        outcomes.add(found == after)
        assert store.check() == []
        assert list(folder.rglob("*.tmp")) == []
        if name.startswith("forget") and found == after:
            held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
            texts = str([line[3:6] for line in after.values()]).count(SECRET)
            assert held.count(SECRET.encode()) <= texts
        ACTS[name](store) if found == before else None
        if found == before:
            assert seen(store) == after
        store.append("a", [said("goes on", "later")])
        store.close()
    assert number > 3
    assert False in outcomes


@pytest.mark.parametrize(("name", "code"), list(zip(ACTS, [errno.EIO, errno.ENOSPC] * 6, strict=True)))
def test_a_call_that_fails_leaves_all_or_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    done = copied(model, tmp_path / "done")
    before = seen(done)
    ACTS[name](done)
    after = seen(done)
    number = 0
    while True:
        number += 1
        store = copied(model, tmp_path / str(number))
        left = number

        def strike(_: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise OSError(code, os.strerror(code))

        told: MemexError | None = None
        try:
            with faults(monkeypatch, strike):
                ACTS[name](store)
        except MemexError as error:
            told = error
        if told is not None:
            assert isinstance(told, StoreUnavailable)
            assert "\n" not in str(told)
        else:
            assert seen(store) == after
            if left > 0:
                break
        for again in (store, JsonlStore(str(tmp_path / str(number)))):
            assert seen(again) in (before, after)
            assert again.check() == []
        if seen(store) == before:
            ACTS[name](store)
        assert seen(store) == after
        assert store.append("a", [said("goes on", "later")]).new == 1
    assert number > 3


def test_a_failed_write_that_cannot_be_taken_back(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copied(model, tmp_path / "x")
    before = seen(store)
    failing = True

    def strike(name: str) -> None:
        if failing and name in ("fdatasync", "ftruncate"):
            raise OSError(errno.EIO, "failed")

    with faults(monkeypatch, strike):
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                store.append("a", [said("lost", "lost")])
            assert seen(store) == before
        other = JsonlStore(str(tmp_path / "x"))
        assert seen(other) == before
        failing = False
        assert store.append("a", [said("kept", "kept")]).head == 5
    assert [entry.message.text for entry in other.entries("a", 5)] == ["kept"]
    assert other.check() == []


def test_a_list_of_steps_that_is_damaged_is_left_alone(model: Path, tmp_path: Path) -> None:
    store = copied(model, tmp_path / "x")
    (space,) = [path for path in (tmp_path / "x").iterdir() if path.is_dir()]
    (space / "unfinished.json").write_text("{}")
    with pytest.raises(StoreDamaged, match="untouched"):
        store.append("a", [said("late", "late")])
    assert (space / "unfinished.json").read_text() == "{}"
