"""A store in one file, small enough to be broken in every way: what the batteries' own tests run on."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from memex import (
    Appended,
    Entry,
    Message,
    Receipt,
    StoreUnavailable,
    ThreadInfo,
    check_id,
    decode_message,
    encode_message,
)
from memex.testing import ScratchStore


class JournalStore(ScratchStore):
    """Records, one a line, each with a checksum; what follows a torn one was never acknowledged."""

    def __init__(self, folder: Path, namespace: str = "default") -> None:
        super().__init__(namespace)
        self._folder = folder
        self._path = folder / "journal"
        self._end = 0
        self._inode = 0
        self._inside = False
        self._mutex = threading.RLock()
        with self._translated():
            self._lock_file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
            self._file = -1
            try:
                self._open()
                self._sync_folder()
            except OSError:
                self.close()
                raise

    def append(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        check_id(thread, "thread")
        record = {"thread": thread, "messages": [encode_message(message).decode() for message in messages]}
        for message in messages:
            check_id(message.id, "message")
        with self._alone():
            done = self._remember(thread, messages, **options)
            if done.new or not messages:
                self._write(record)
            return done

    def entries(self, *args: Any, **options: Any) -> Iterator[Entry]:
        with self._alone():
            return super().entries(*args, **options)

    def get(self, thread: str, ids: Sequence[str]) -> list[Entry]:
        with self._alone():
            return super().get(thread, ids)

    def open_thread(self, thread: str, *, create: bool = True) -> ThreadInfo:
        check_id(thread, "thread")
        with self._alone():
            return super().open_thread(thread, create=create)

    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        with self._alone():
            info = super().fork(thread, new, at)
            self._write({"fork": thread, "new": new, "at": info.head})
            return info

    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        with self._alone():
            receipt = super().forget(thread, ids)
            self._rewrite()
            return receipt

    def close(self) -> None:
        for number in (self._file, self._lock_file):
            if number >= 0:
                os.close(number)
        self._file = self._lock_file = -1

    def _remember(self, thread: str, messages: Sequence[Message], **options: Any) -> Appended:
        return super().append(thread, messages, **options)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._file < 0:
            raise StoreUnavailable(f"{self._path} is closed")
        with self._mutex, self._translated():
            if self._inside:  # what is inherited calls itself
                yield
                return
            self._inside = True
            try:
                with self._locked():
                    self._catch_up()
                    yield
            except OSError:
                self._begin_again()
                raise
            finally:
                self._inside = False

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT)
        self._inode = os.fstat(self._file).st_ino

    def _begin_again(self) -> None:
        self._threads.clear()
        self._end = 0

    def _catch_up(self) -> None:
        if self._path.stat().st_ino != self._inode:
            os.close(self._file)
            self._open()
            self._begin_again()
        size = os.fstat(self._file).st_size
        data = os.pread(self._file, size - self._end, self._end)
        for line in data.splitlines(keepends=True):
            record = _read(line)
            if record is None:
                os.ftruncate(self._file, self._end)
                break
            self._replay(record)
            self._end += len(line)

    def _replay(self, record: dict[str, Any]) -> None:
        if "fork" in record:
            super().fork(record["fork"], record["new"], record["at"])
        else:
            self._remember(record["thread"], [decode_message(body) for body in record["messages"]])

    def _write(self, record: dict[str, Any]) -> None:
        line = _line(record)
        written = 0
        try:
            while written < len(line):
                written += os.pwrite(self._file, line[written:], self._end + written)
            self._sync(self._file)
        except OSError:
            with suppress(OSError):  # what cannot be taken back now is a torn line, or an append after all
                os.ftruncate(self._file, self._end)
            raise
        self._end += len(line)

    def _sync(self, number: int) -> None:
        os.fsync(number)

    def _sync_folder(self) -> None:
        number = os.open(self._folder, os.O_RDONLY)
        try:
            self._sync(number)
        finally:
            os.close(number)

    def _rewrite(self) -> None:
        new = self._path.with_name("journal.new")
        lines = [
            _line(
                {"thread": name, "messages": [encode_message(entry.message).decode() for entry in kept.log]}
            )
            for name, kept in self._threads.items()
        ]
        with new.open("wb") as file:
            file.writelines(lines)
            file.flush()
            self._sync(file.fileno())
        new.rename(self._path)
        self._sync_folder()


def _line(record: dict[str, Any]) -> bytes:
    body = json.dumps(record).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _read(line: bytes) -> dict[str, Any] | None:
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(body):
        return None
    found: dict[str, Any] = json.loads(body)
    return found
