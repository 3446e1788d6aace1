"""What a store owes to its folder: what is not ours stays, faults are told, what was forgotten is gone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from memex_jsonl import forgetting
from memex_jsonl.store import JsonlStore

from memex import BadSetting, Message, Store, StoreDamaged, StoreUnavailable
from memex.testing import FileStoreContract


def newer_format(path: Path) -> None:
    path.mkdir()
    (path / "memex-jsonl.json").write_text('{"format":"memex-jsonl","version":2}\n')


def another_program(path: Path) -> None:
    path.mkdir()
    (path / "diary.txt").write_text("dear diary")


def another_programs_marker(path: Path) -> None:
    path.mkdir()
    (path / "memex-jsonl.json").write_text('{"format":"other","version":1}')


def half_a_marker(path: Path) -> None:
    path.mkdir()
    (path / "memex-jsonl.json").write_text('{"format":"mem')


def a_file(path: Path) -> None:
    path.write_text("dear diary\n" * 500)


class TestJsonlFolder(FileStoreContract):
    file_name = "x"
    strangers = (
        another_program,
        another_programs_marker,
        half_a_marker,
        a_file,
        newer_format,
    )
    refused = (
        ({"path": ""}, BadSetting, "no folder"),
        ({"path": "a\0b"}, BadSetting, "no folder"),
        ({"durability": "some"}, BadSetting, "'full' or 'fast'"),
        ({"timeout": -1}, BadSetting, "seconds"),
        ({"path": "no/such/folder"}, StoreUnavailable, "no folder"),
        ({"path": "file.txt"}, StoreDamaged, "a file, not a folder"),
        ({"path": "file.txt/x"}, StoreUnavailable, "no folder"),
        ({"path": "x" * 300}, StoreUnavailable, "too long"),
    )
    quick: ClassVar = {"durability": "fast"}
    file_limits = (150_000, 163_840, 400_000)
    without_rights_says = "permission is denied"

    def open_at(self, path: str, **settings: Any) -> JsonlStore:
        return JsonlStore(path, **settings)

    def make_newer(self, path: Path) -> str:
        self.fill(path)
        (path / "memex-jsonl.json").write_text('{"format":"memex-jsonl","version":2}\n')
        return "format 2.*newer memex-jsonl.*Upgrade"

    @contextmanager
    def locked(self, path: Path, thread: str) -> Iterator[None]:
        fcntl = pytest.importorskip("fcntl", reason="needs POSIX locks")
        (gate,) = path.glob("*/.gate")
        with gate.open("rb+") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            yield

    @contextmanager
    def writing(self, store: Store, thread: str) -> Iterator[None]:
        assert isinstance(store, JsonlStore)
        space = store._space()
        with space.locks.sharing(), space.writing(thread):
            yield

    def as_stored(self, vector: bytes) -> bytes:
        return b64encode(vector)[:-4]  # what follows shares the last letters

    def test_a_forgotten_thread_is_in_no_file(self, path: Path, store: Store) -> None:
        super().test_a_forgotten_thread_is_in_no_file(path, store)
        names = [file.name for file in path.glob("*/*")]
        assert not [name for name in names if name.startswith(("t0", "t1", "fork")) or ".forgotten" in name]

    def test_a_space_that_was_dropped_leaves_nothing_behind(self, path: Path, store: Store) -> None:
        super().test_a_space_that_was_dropped_leaves_nothing_behind(path, store)
        assert not list(path.rglob("*.vectors.jsonl"))


def test_the_scan_would_find_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "buried", lambda line, tombstone, alone: line)
    case = TestJsonlFolder()
    store = case.open_at(str(tmp_path / "x"), durability="fast")
    with pytest.raises(AssertionError, match="zqsecret"):
        case.test_forgotten_messages_are_in_no_file(tmp_path / "x", store)
    store.close()


def test_a_receipt_counts_the_files_that_were_written_anew(tmp_path: Path) -> None:
    store = JsonlStore(str(tmp_path / "x"))
    store.append("t", [Message.user("said", id="a"), Message.user("kept")])
    assert store.forget("t", ["a"]).places == {"messages": 1, "index": 1, "files": 1}
    store.put_state("t", "k", b"v")
    store.put_plan("t", 0, b"plan")
    places = store.forget("t").places
    assert (places["messages"], places["state"], places["plans"]) == (1, 1, 1)
    store.close()
