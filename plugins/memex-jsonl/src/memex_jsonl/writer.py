"""Writing to a thread's file while it is held: whole batches, synced, taken back if that fails."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from memex import StoreDamaged
from memex_jsonl.files import sync, sync_folder, write_at
from memex_jsonl.index import extend_index
from memex_jsonl.lines import Header, Mark, line_of
from memex_jsonl.log import Log, Seen
from memex_jsonl.names import INDEX


class Shelf:
    """What this process knows of the files of a namespace.

    Attributes:
        logs: By the name of the file.
        failed: Where a failed write begins that could not be taken back yet.
    """

    def __init__(self) -> None:
        self.logs: dict[str, Log] = {}
        self.failed: dict[str, int] = {}


class Writer:
    """A thread's file while it is held.

    Attributes:
        log: The thread's log; None if it is not there yet.
    """

    def __init__(self, name: str, path: Path, fd: int, log: Log | None, *, full: bool, shelf: Shelf) -> None:
        self.log = log
        self._name = name
        self._path = path
        self._fd = fd
        self._full = full
        self._shelf = shelf

    @property
    def there(self) -> Log:
        """The thread's log, where the thread had to be there."""
        if self.log is None:
            raise StoreDamaged(f"{self._path} has no beginning")
        return self.log

    def create(self, header: Header, batch: list[tuple[Mark, bytes]]) -> Log:
        """Begin the file, with its first messages."""
        first = line_of(header)
        log = Log(self._path, header, first, len(first))
        self._write(log, first, 0, batch)
        self._shelf.logs[self._name] = self.log = log
        return log

    def append(self, log: Log, batch: list[tuple[Mark, bytes]]) -> None:
        """Write a batch behind what is there."""
        self._write(log, b"", log.end, batch)

    def settle(self, log: Log) -> None:
        """See to it that what is there is on the disk; another process may have died before."""
        if self._full and not log.settled:
            sync(self._fd)
            sync_folder(self._path.parent)
            log.settled = True
            self.index(log)

    def _write(self, log: Log, first: bytes, at: int, batch: list[tuple[Mark, bytes]]) -> None:
        ends, end = [], at + len(first)
        for mark, line in batch:
            end += len(line)
            ends.append((mark, end))
        # A thread's beginning is always synced: without its first line nothing could be read at all.
        synced = self._full or bool(first)
        try:
            if os.fstat(self._fd).st_size > at:
                os.ftruncate(self._fd, at)  # what a killed process wrote and never acknowledged
                sync(self._fd)  # else a power cut could bring some of it back, behind what comes now
            write_at(self._fd, b"".join([first, *(line for _, line in batch)]), at)
            if synced:
                sync(self._fd)
                if not log.settled:
                    sync_folder(self._path.parent)
        except BaseException:
            log.settled = False
            self._take_back(at)
            raise
        log.settled = synced
        log.add(ends)
        log.seen = Seen.of(os.fstat(self._fd))
        self.index(log)

    def _take_back(self, at: int) -> None:
        """Cut off what was written and failed. After a failed sync nobody knows what the disk has."""
        try:
            os.ftruncate(self._fd, at)
        except OSError:
            self._shelf.failed[self._name] = at  # the next writer tries again
            with suppress(OSError):
                write_at(self._fd, b"\0", at)  # whoever reads it meanwhile sees a line that is torn
        else:
            with suppress(OSError):
                sync(self._fd)

    def index(self, log: Log) -> None:
        """Bring the index up to the log."""
        header = log.header
        path = self._path.with_name(f"{self._name}{INDEX}")
        with suppress(OSError):  # it is made again when it is found to be behind
            extend_index(path, header.log, header.rewritten, log.bounds, log.hashes, synced=log.settled)
