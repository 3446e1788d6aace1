"""Faults: no rights, no room, a file that another writer holds, and a process that forks."""

from __future__ import annotations

import re
import tempfile
import threading
from pathlib import Path

import pytest

from memex import Message, Store, StoreUnavailable
from memex.testing._file_store.case import FileStoreCase, everything, in_one_line
from memex.testing._file_store.child import in_a_process


class FaultPromises(FileStoreCase):
    """One typed error in one line, nothing lost or half written, and it goes on when all is well again."""

    def test_a_folder_that_may_only_be_read(self, tmp_path: Path) -> None:
        """A store in it is not opened to be written, a new one is not made, and all stays as it was."""
        # Not under tmp_path: other users may not enter that.
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.fill(folder / self.file_named("there"))
            before = everything(folder)
            _allow(folder, folders=0o555, files=0o444)
            try:
                said = in_a_process(self, "open_without_rights", folder, tmp_path)
            finally:
                _allow(folder, folders=0o755, files=0o644)
            assert [line.split(" refused:")[0] for line in said] == ["new", "there"]
            assert all(re.search(self.without_rights_says, line) for line in said), said
            assert everything(folder) == before

    def test_a_full_disk(self, path: Path, limit: int) -> None:
        """What was acknowledged is there, and with room again it goes on."""
        said, stored = in_a_process(self, "append_until_full", path, limit)
        assert str(path) in said
        assert self.full_disk_says in said
        assert int(stored) > 0

    def test_a_store_lives_on_both_sides_of_a_fork(self, path: Path) -> None:
        """The process forks while another thread of it writes; nothing is lost, doubled or stuck."""
        assert in_a_process(self, "write_on_both_sides_of_a_fork", path) == ["sound"]

    def test_a_lock_that_another_process_keeps(self, path: Path, store: Store) -> None:
        """Writers are told, readers read on, and it goes on when the lock is free."""
        store.append("t", [Message.user("before")])
        with self.locked(path, "t"):
            with pytest.raises(StoreUnavailable, match="locked") as told:
                store.append("t", [Message.user("late")])
            assert str(path) in in_one_line(told.value)
            with pytest.raises(StoreUnavailable):
                store.fork("t", "u")
            assert [entry.message.text for entry in store.entries("t")] == ["before"]
        assert store.append("t", [Message.user("after")]).head == 2
        assert [info.id for info in store.threads()] == ["t"]

    def test_another_thread_that_does_not_come_to_an_end(self, store: Store) -> None:
        """Whoever waits for it is told that it is a thread of the same process."""
        store.open_thread("t")
        told: list[StoreUnavailable] = []

        def late() -> None:
            try:
                store.append("t", [Message.user("late")])
            except StoreUnavailable as error:
                told.append(error)

        with self.writing(store, "t"):
            thread = threading.Thread(target=late)
            thread.start()
            thread.join()
        assert "another thread" in in_one_line(told[0])
        assert store.append("t", [Message.user("after")]).head == 1


def _allow(folder: Path, *, folders: int, files: int) -> None:
    for path in [*folder.rglob("*"), folder]:
        path.chmod(folders if path.is_dir() else files)
