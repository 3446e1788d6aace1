"""A contract that nothing can fail proves nothing: stores that owe their path one thing have to fail it."""

from __future__ import annotations

import inspect
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import memex_sqlite.store
import pytest
from memex_sqlite.schema import VERSION
from memex_sqlite.store import SqliteStore

from memex import Appended, BadSetting, Message, Store, StoreDamaged, StoreUnavailable, UnknownThread
from memex.testing import FileStoreContract


def a_diary(path: Path) -> None:
    path.write_text("dear diary\n" * 500)


class Sound(FileStoreContract):
    file_name = "x.db"
    strangers = (a_diary,)
    refused = (({"timeout": -1}, BadSetting, "seconds"),)
    quick: ClassVar = {"durability": "fast"}
    file_limits = (400_000,)

    def open_at(self, path: str, **settings: Any) -> Store:
        return SqliteStore(path, **settings)

    def make_newer(self, path: Path) -> str:
        self.fill(path)
        set_version(path, VERSION + 1)
        return "newer memex-sqlite"

    @contextmanager
    def locked(self, path: Path, thread: str) -> Iterator[None]:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    def writing(self, store: Store, thread: str) -> AbstractContextManager[object]:
        assert isinstance(store, SqliteStore)
        return store._connections.writing()


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


# -- one fault each --------------------------------------------------------------------------------


class TakesAnything(Sound):
    """Begins anew where it cannot read."""

    def open_at(self, path: str, **settings: Any) -> Store:
        try:
            return super().open_at(path, **settings)
        except StoreDamaged:
            Path(path).unlink()
            return super().open_at(path, **settings)


class LeavesANote(Sound):
    """Refuses, and writes beside the file that it did."""

    def open_at(self, path: str, **settings: Any) -> Store:
        try:
            return super().open_at(path, **settings)
        except StoreDamaged:
            Path(path).with_suffix(".refused").touch()
            raise


class NamesNothing(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        try:
            return super().open_at(path, **settings)
        except StoreDamaged:
            raise StoreDamaged("this is no store; it is left untouched") from None


class GoesBack(Sound):
    """Takes a newer format for its own."""

    def open_at(self, path: str, **settings: Any) -> Store:
        if Path(path).exists():
            set_version(Path(path), VERSION)
        return super().open_at(path, **settings)


class ReadsAddresses(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        return super().open_at(path.partition("?")[0].removeprefix("file:"), **settings)


class ForgetsWhatItMade(Sound):
    """Makes a new file each time."""

    def open_at(self, path: str, **settings: Any) -> Store:
        Path(path).unlink(missing_ok=True)
        return super().open_at(path, **settings)


class MakesFolders(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return super().open_at(path, **settings)


class LeaksErrors(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        with closing(sqlite3.connect(path)):
            return super().open_at(path, **settings)


class TakesAnySetting(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        return super().open_at(path, **{**settings, "timeout": abs(settings.get("timeout", 1))})


class GoesElsewhere(Sound):
    """Writes where it may where it may not."""

    def open_at(self, path: str, **settings: Any) -> Store:
        try:
            return super().open_at(path, **settings)
        except StoreUnavailable:
            self.elsewhere = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            return super().open_at(f"{self.elsewhere.name}/x.db", **settings)


class SaysYes(SqliteStore):
    """Says yes when the disk says no."""

    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        with suppress(StoreUnavailable):
            return super().append(thread, messages, **options)
        return Appended((), 0, len(messages))


class Dumb(SqliteStore):
    """Says neither where it is nor who is in the way."""

    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        try:
            return super().append(thread, messages, **options)
        except StoreUnavailable:
            raise StoreUnavailable("it is locked") from None


class OneProcess(SqliteStore):
    """Is only for the process that opened it."""

    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        self.owner: int
        if self.__dict__.setdefault("owner", os.getpid()) != os.getpid():
            raise StoreUnavailable("it was opened by another process")
        return super().append(thread, messages, **options)


class SaysYesAtOnce(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        return SaysYes(path, **settings)


class SaysLittle(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        return Dumb(path, **settings)


class StaysAtHome(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        return OneProcess(path, **settings)


class WipesNothing(Sound):
    def open_at(self, path: str, **settings: Any) -> Store:
        memex_sqlite.store.wipe = lambda _: 1  # put back by a fixture
        return super().open_at(path, **settings)


FAULTS: list[tuple[type[Sound], str]] = [
    (TakesAnything, "test_what_is_not_ours_is_refused_untouched"),
    (LeavesANote, "test_what_is_not_ours_is_refused_untouched"),
    (NamesNothing, "test_what_is_not_ours_is_refused_untouched"),
    (LeavesANote, "test_a_newer_format_is_refused_untouched"),
    (GoesBack, "test_a_newer_format_is_refused_untouched"),
    (NamesNothing, "test_a_newer_format_is_refused_untouched"),
    (ReadsAddresses, "test_a_path_is_only_a_path"),
    (ForgetsWhatItMade, "test_a_path_is_only_a_path"),
    (MakesFolders, "test_a_path_that_cannot_be_is_refused"),
    (LeaksErrors, "test_a_path_that_cannot_be_is_refused"),
    (TakesAnySetting, "test_wrong_settings_say_so_in_one_line"),
    (GoesElsewhere, "test_a_folder_that_may_only_be_read"),
    (SaysYesAtOnce, "test_a_full_disk"),
    (SaysLittle, "test_a_full_disk"),
    (StaysAtHome, "test_a_store_lives_on_both_sides_of_a_fork"),
    (SaysYesAtOnce, "test_a_lock_that_another_process_keeps"),
    (SaysLittle, "test_a_lock_that_another_process_keeps"),
    (SaysLittle, "test_another_thread_that_does_not_come_to_an_end"),
    (WipesNothing, "test_forgotten_messages_are_in_no_file"),
    (WipesNothing, "test_a_forgotten_thread_is_in_no_file"),
    (WipesNothing, "test_vectors_of_what_was_forgotten_are_in_no_file"),
]


@pytest.fixture(autouse=True)
def _wiping_is_put_back() -> Iterator[None]:
    wipe = memex_sqlite.store.wipe
    yield
    memex_sqlite.store.wipe = wipe


def keeps(case: Sound, promise: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one test of the contract by hand."""
    folder.mkdir()
    given: dict[str, Any] = {
        "tmp_path": folder,
        "path": folder / case.file_name,
        "monkeypatch": monkeypatch,
        "stranger": a_diary,
        "setting": case.refused[0],
        "limit": case.file_limits[0],
        "name": "file:a?b",
        "where": "no/such/folder/x",
        "error": StoreUnavailable,
    }
    wanted = inspect.signature(getattr(case, promise)).parameters
    opened = case.open_at(str(given["path"]), timeout=0.1, **case.quick) if "store" in wanted else None
    try:
        getattr(case, promise)(**{name: given.get(name, opened) for name in wanted})
    finally:
        if opened is not None:
            opened.close()


@pytest.mark.parametrize(("kind", "promise"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_the_broken_store_fails_and_the_sound_one_does_not(
    kind: type[Sound], promise: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps(Sound(), promise, tmp_path / "sound", monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception, sqlite3.Error, UnknownThread)):
        keeps(kind(), promise, tmp_path / "broken", monkeypatch)


def test_every_promise_is_broken_by_somebody_but_that_of_dropped_vectors() -> None:
    promises = {name for name in dir(FileStoreContract) if name.startswith("test_")}
    assert promises - {name for _, name in FAULTS} == {"test_a_space_that_was_dropped_leaves_nothing_behind"}


STRANGERS_TEST = """
from memex_sqlite.store import SqliteStore
from memex.testing import FileStoreContract

class TestStrangersFile(FileStoreContract):
    file_name = "x.db"

    def open_at(self, path, **settings):
        return SqliteStore(path, **settings)
"""


def test_what_a_class_does_not_say_is_skipped_with_a_reason(tmp_path: Path, in_fresh_process: Any) -> None:
    (tmp_path / "test_strangers.py").write_text(STRANGERS_TEST)
    said = in_fresh_process(
        "import pytest, sys; pytest.main(['-q', '-rs', '-p', 'no:cacheprovider', '-p', 'no:asyncio', '-k',"
        f" 'not disk and not fork and not forgotten and not dropped', {str(tmp_path)!r}])"
    )
    for word in ("strangers", "refused", "make_newer()", "locked()", "writing()"):
        assert word in said
    assert "5 skipped" in said
    assert "failed" not in said


def test_a_class_inside_a_function_cannot_be_loaded_elsewhere(tmp_path: Path) -> None:
    class Inside(Sound):
        pass

    with pytest.raises(pytest.skip.Exception, match="inside a function"):
        Inside().test_a_store_lives_on_both_sides_of_a_fork(tmp_path / "x.db")
