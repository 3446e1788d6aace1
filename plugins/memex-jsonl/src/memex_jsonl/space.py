"""One namespace: its folder, its locks, and the logs that this process knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from memex import StoreDamaged, UnknownThread
from memex_jsonl.changes import Change, clean, is_unfinished
from memex_jsonl.files import make_folder, read_at, remove, translated
from memex_jsonl.index import is_synced
from memex_jsonl.lines import Header, header_in, line_of
from memex_jsonl.loading import first_line, load
from memex_jsonl.locking import operation
from memex_jsonl.locks import Locks
from memex_jsonl.log import BEGINNING, LineDamaged, Log, Seen
from memex_jsonl.names import DRAFT, INDEX, LOG, ghost_name, is_ghost, is_thread, safe_name
from memex_jsonl.writer import Shelf, Writer

if TYPE_CHECKING:
    from memex_jsonl.embedded import Vectors

T = TypeVar("T")
_NAMESPACE_FILE = "namespace.json"


class Settings(NamedTuple):
    """How a store was opened.

    Attributes:
        full: Whether each write is synced.
        timeout: Seconds to wait for others.
    """

    full: bool
    timeout: float


class Space:
    """One namespace's folder.

    Args:
        root: The store's folder.
        namespace: Its id.
        settings: How the store was opened.

    Attributes:
        locks: Its locks.
        named: Files of plans whose names this process knows to be on the disk.
        embedded: What this process knows of the vectors of logs, by the names of their files.
    """

    def __init__(self, root: Path, namespace: str, settings: Settings) -> None:
        self.folder = root / safe_name(namespace)
        self.namespace = namespace
        self.settings = settings
        self._shelf = Shelf()
        self.locks = Locks(self.folder, settings.timeout)
        self.named: set[str] = set()
        self.embedded: dict[str, Vectors] = {}
        with operation(), translated(self.folder):
            make_folder(self.folder)
            named = self.folder / _NAMESPACE_FILE
            if not named.exists() or is_unfinished(self.folder) or any(self.folder.glob(f"*{DRAFT}")):
                with self.locks.alone(), Change(self.folder) as change:
                    clean(self.folder)
                    if not named.exists():
                        change.draft(_NAMESPACE_FILE).write(line_of({"namespace": namespace}))
                        change.commit()

    def read(self, ask: Callable[[], T]) -> T:
        """Return what ``ask`` finds, without a lock unless files are being replaced."""
        with operation(), translated(self.folder):
            if self.locks.held:
                return ask()  # nothing is replaced meanwhile; waiting for it again could last for ever
            if not is_unfinished(self.folder):
                try:
                    return ask()
                except (FileNotFoundError, StoreDamaged):
                    pass  # a file may have been replaced meanwhile, or an index be wrong
            with self.locks.sharing():
                try:
                    return ask()
                except LineDamaged as error:
                    self._read_again(error.log)
                    return ask()

    def found(self, thread: str) -> Log:
        """Return a thread's own log.

        Raises:
            UnknownThread: If it is not there.
        """
        log = self.log(safe_name(thread))
        if log is None:
            raise self._unknown(thread)
        return self._checked(log, thread)

    def log(self, name: str) -> Log | None:
        """Return the log in a file as it is now, None if there is none."""
        path = self.folder / f"{name}{LOG}"
        known = self._shelf.logs.get(name)
        try:
            if known is not None and known.seen == Seen.of(path.lstat()):
                return known
            with self.locks.of_process(name), self.locks.of_file(path, write=False) as fd:
                return self._refreshed(name, path, fd)
        except FileNotFoundError:
            self._shelf.logs.pop(name, None)
            return None

    def lineage(self, log: Log) -> list[tuple[Log, int]]:
        """Return the logs that make up a thread, its own first, each with its last shared message."""
        found = [(log, log.head)]
        upto = log.head
        while (parent := self.parent(log)) is not None:
            upto = min(upto, log.header.forked_at)
            found.append((parent, upto))
            log = parent
        return found

    def parent(self, log: Log) -> Log | None:
        """Return the log that a log goes on from, a forgotten thread's too.

        Raises:
            StoreDamaged: If it is missing.
        """
        if log.header.parent is None or log.header.parent_log is None:
            return None
        parent = self.by_log(safe_name(log.header.parent), log.header.parent_log)
        if parent is None or parent.head < log.header.forked_at:
            raise StoreDamaged(
                f"{log.path}: the thread {log.header.parent!r} that it was forked from is missing, or a part "
                "of it; restore it from a backup"
            )
        return parent

    def by_log(self, name: str, log: str) -> Log | None:
        """Return a log by its own name, whether its thread is there or was forgotten."""
        # What a forgotten thread left comes first: its name may be that of a new thread by now, which
        # may go on from the very one that asks, and each would wait for the other's lock.
        left = self.log(ghost_name(log))
        if left is not None:
            return left
        found = self.log(name)
        return found if found is not None and found.header.log == log else None

    def origin(self, log: Log) -> tuple[Log | None, int, int]:
        """Return the nearest parent that was not forgotten, and the last message and plan it shares."""
        header = log.header
        parent, seq, plan = self.parent(log), header.forked_at, header.shared_plans
        while parent is not None and parent.header.forgotten:
            seq, plan = min(seq, parent.header.forked_at), min(plan, parent.header.shared_plans)
            parent = self.parent(parent)
        return (parent, seq, plan) if parent else (None, 0, 0)

    def logs(self, *, ghosts: bool = False) -> list[Log]:
        """Return the logs of all threads that are there, and what forgotten ones left if asked."""
        wanted = (name for name in self._names() if ghosts or is_thread(name))
        return [log for log in map(self.log, wanted) if log is not None]

    def headers(self) -> dict[str, Header]:
        """Return the first lines of all files by the log's name, what forgotten threads left too."""
        found = filter(None, map(self._header, self._names()))
        return {header.log: header for header in found}

    def _names(self) -> list[str]:
        names = [path.name.removesuffix(LOG) for path in self.folder.iterdir() if path.name.endswith(LOG)]
        return [name for name in names if is_thread(name) or is_ghost(name)]

    def _header(self, name: str) -> Header | None:
        path = self.folder / f"{name}{LOG}"
        known = self._shelf.logs.get(name)
        if known is not None and known.seen == Seen.of(path.lstat()):
            return known.header
        with self.locks.of_file(path, write=False) as fd:
            line = first_line(path, fd)
        if line is None or header_in(line, str(path)).left:
            log = self.log(name)  # whether there is a thread is up to the first messages, too
            return log.header if log else None
        return header_in(line, str(path))

    @contextmanager
    def writing(self, thread: str, *, create: bool = False) -> Iterator[Writer]:
        """Hold one thread's file; the caller holds the namespace.

        Raises:
            UnknownThread: If it is not there and ``create`` is false.
        """
        name = safe_name(thread)
        path = self.folder / f"{name}{LOG}"
        if not create and not path.exists():
            raise self._unknown(thread)
        with self.locks.of_process(name), self.locks.of_file(path, write=True, create=create) as fd:
            if name in self._shelf.failed:
                os.ftruncate(fd, self._shelf.failed[name])
                del self._shelf.failed[name]
            log = self._refreshed(name, path, fd)
            if log is None and not create:
                raise self._unknown(thread)
            if log is not None:
                self._checked(log, thread)
            yield self._writer(name, path, fd, log)

    def index_again(self, log: Log) -> None:
        """Read a log that was written anew, and write its index; the caller is alone."""
        name = log.path.name.removesuffix(LOG)
        self._shelf.logs.pop(name, None)
        with self.locks.of_process(name), self.locks.of_file(log.path, write=True) as fd:
            anew = self._refreshed(name, log.path, fd)
            if anew is not None:
                anew.settled = True
                self._writer(name, log.path, fd, anew).index(anew)

    def discard(self, name: str) -> None:
        """Know nothing of a log any more."""
        self._shelf.logs.pop(name, None)

    def _writer(self, name: str, path: Path, fd: int, log: Log | None) -> Writer:
        return Writer(name, path, fd, log, full=self.settings.full, shelf=self._shelf)

    def _refreshed(self, name: str, path: Path, fd: int) -> Log | None:
        log = self._shelf.logs.get(name)
        status = os.fstat(fd)
        if name in self._shelf.failed:
            return log
        same = log is not None and log.seen is not None and log.seen[:2] == (status.st_dev, status.st_ino)
        if (
            log is not None
            and same
            and status.st_size >= log.end
            and read_at(fd, BEGINNING, 0) == log.beginning
        ):
            log.extend(fd, lenient=not self.settings.full)
            if not log.settled:
                header, count = log.header, log.head - log.header.forked_at
                last = log.offset(log.head) if count else 0
                log.settled = is_synced(
                    path.with_name(f"{name}{INDEX}"), header.log, header.rewritten, last, count
                )
            return log
        log = load(path, fd, path.with_name(f"{name}{INDEX}"), lenient=not self.settings.full)
        if log is None:
            self._shelf.logs.pop(name, None)
        else:
            self._shelf.logs[name] = log
        return log

    def _read_again(self, known: Log) -> None:
        """Read a log without its index, which was wrong if that goes well, and is made again then."""
        name = known.path.name.removesuffix(LOG)
        with self.locks.of_process(name), self.locks.of_file(known.path, write=False) as fd:
            log = load(known.path, fd, None, lenient=not self.settings.full)
            if log is None or (log.header == known.header and log.head < known.head):
                raise StoreDamaged(known.damage(log.head + 1 if log else 1))
            remove(known.path.with_name(f"{name}{INDEX}"))
            self._shelf.logs[name] = log

    def _unknown(self, thread: str) -> UnknownThread:
        return UnknownThread(f"there is no thread {thread!r} in namespace {self.namespace!r}")

    def _checked(self, log: Log, thread: str) -> Log:
        if log.header.thread != thread:
            raise StoreDamaged(f"{log.path} holds the thread {log.header.thread!r}, not {thread!r}")
        return log
