"""Stores with one fault each, every one of which some battery must find."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from journal_store import JournalStore

from memex import Appended, Entry, InvalidMessage, Message, Store, StoreUnavailable
from memex.testing import StoreBatteries


class SoundBatteries(StoreBatteries):
    """The store without a fault, in sizes just large enough for the faults of the others to show."""

    persistent = True
    kind: ClassVar[type[JournalStore]] = JournalStore
    kill_trials = 6
    kill_sizes = (20, 20_000)
    once_trials = 4
    power_cuts = 6
    synced_appends = 10
    full_disks = 2
    disk_bytes = 2 << 20
    failing_appends = 120
    cold_starts = 1
    race_processes = 4
    process_appends = 10
    race_threads = 4
    thread_appends = 8
    race_tasks = 10
    task_appends = 4
    long_text = 10_000
    long_thread = 400
    clock_appends = 10

    def copies(self, store: Store, folder: Path) -> tuple[Store, ...]:
        """Give none: this store neither gives nor takes whole threads."""
        return ()

    canaries = 20

    def open_store(self, folder: Path, namespace: str = "default") -> JournalStore:
        return self.kind(folder, namespace)


class AcknowledgesEarly(JournalStore):
    """Writes with the next append what it has acknowledged."""

    def _write(self, record: dict[str, Any]) -> None:
        late, self._late = getattr(self, "_late", None), record
        if late is not None:
            super()._write(late)


class NeverSyncs(JournalStore):
    def _sync(self, number: int) -> None:
        pass


class ForgetsTheFolder(JournalStore):
    """Syncs what is in the file, and not that there is one."""

    def _sync_folder(self) -> None:
        pass


class SyncsTooMuch(JournalStore):
    def _sync(self, number: int) -> None:
        for _ in range(3):
            os.fsync(number)


class SplitsBatches(JournalStore):
    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        done = super().append(thread, messages[:1], **options)
        for message in messages[1:]:
            time.sleep(0.005)
            done = super().append(thread, [message], **options)
        return done


class StoresAgain(JournalStore):
    """Takes a message that is there for a new one."""

    def _remember(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        super()._remember(thread, [])
        self._threads[thread].places.clear()
        return super()._remember(thread, messages, **options)


class OrdersByClock(JournalStore):
    def entries(self, *args: Any, **options: Any) -> Iterator[Entry]:
        found = super().entries(*args, **options)
        return iter(sorted(found, key=lambda e: e.message.created, reverse=bool(options.get("reverse"))))


class ForgetsWithoutWiping(JournalStore):
    def _rewrite(self) -> None:
        for name, kept in self._threads.items():
            self._write({"thread": name, "messages": [], "note": len(kept.log)})


class LeaksErrors(JournalStore):
    @contextmanager
    def _translated(self) -> Iterator[None]:
        yield


class SwallowsErrors(JournalStore):
    """Says yes when the disk says no."""

    def _write(self, record: dict[str, Any]) -> None:
        with suppress(OSError):
            super()._write(record)


class NeverRecovers(JournalStore):
    def _begin_again(self) -> None:
        super()._begin_again()
        self._broken = True

    def _catch_up(self) -> None:
        if getattr(self, "_broken", False):
            raise StoreUnavailable("it failed once")
        super()._catch_up()


class LocksNothing(JournalStore):
    @contextmanager
    def _locked(self) -> Iterator[None]:
        yield

    def _write(self, record: dict[str, Any]) -> None:
        time.sleep(0.001)
        super()._write(record)


class GivesUp(JournalStore):
    """Does not wait for others."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._mutex.acquire(blocking=False):
            raise StoreUnavailable("database is locked")
        try:
            with super()._alone():
                time.sleep(0.002)
                yield
        finally:
            self._mutex.release()


class FileByName(JournalStore):
    """Keeps a file for every thread, under the thread's own name."""

    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        done = super().append(thread, messages, **options)
        (self._folder / f"{thread}.thread").write_text("there")
        return done


class StripsText(JournalStore):
    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        stripped = [
            m if m.text == m.text.strip() else Message.user(m.text.strip(), id=m.id) for m in messages
        ]
        return super().append(thread, stripped, **options)


class RefusesMore(JournalStore):
    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        if any("\0" in message.text and len(message.text) < 100 for message in messages):
            raise InvalidMessage("no NUL")
        return super().append(thread, messages, **options)


def _batteries_of(kind: type[JournalStore]) -> type[SoundBatteries]:
    # At the top of this module, under its name, so that another process can load it.
    cls = type(f"{kind.__name__}Batteries", (SoundBatteries,), {"kind": kind, "__module__": __name__})
    globals()[cls.__name__] = cls
    return cls


FAULTY = {kind.__name__: _batteries_of(kind) for kind in JournalStore.__subclasses__()}
