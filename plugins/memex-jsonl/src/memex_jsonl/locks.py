"""The locks of one namespace: of all of it, of one thread's file, and between the threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memex import StoreUnavailable
from memex_jsonl.changes import finish, is_unfinished
from memex_jsonl.files import translated
from memex_jsonl.locking import locked_file, namespace_lock, operation
from memex_jsonl.names import LOG


class Locks:
    """The locks of a namespace's folder.

    They are taken in one order: the namespace, a thread, then the threads that it was forked from.

    Args:
        folder: The folder.
        timeout: Seconds to wait for others.
    """

    def __init__(self, folder: Path, timeout: float) -> None:
        self._folder = folder
        self._timeout = timeout
        self._by_name: dict[str, threading.Lock] = {}
        self._mine = threading.local()

    @property
    def held(self) -> bool:
        """Whether this thread of the process holds the namespace already."""
        return getattr(self._mine, "held", False)

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """Hold the namespace together with others: to change one thread."""
        done = False
        with operation(), translated(self._folder):
            while not done:
                with self._locked(shared=True):
                    if not is_unfinished(self._folder):
                        yield
                        done = True
                if not done:
                    with self.alone():
                        pass

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the namespace alone: to change several threads, or which there are."""
        with operation(), translated(self._folder), self._locked(shared=False):
            finish(self._folder)
            yield

    @contextmanager
    def of_process(self, name: str) -> Iterator[None]:
        """Keep a file from the other threads of this process, which then need not poll for it."""
        lock = self._by_name.setdefault(name, threading.Lock())
        if not lock.acquire(timeout=self._timeout):
            raise StoreUnavailable(
                f"{self._folder / name}{LOG} cannot be used: another thread of this process kept it for "
                f"{self._timeout:g} s; try again"
            )
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def of_file(self, path: Path, *, write: bool, create: bool = False) -> Iterator[int]:
        """Open a file and keep it from other processes: from all of them to write, else from writers."""
        with locked_file(path, shared=not write, timeout=self._timeout, write=write, create=create) as fd:
            yield fd

    @contextmanager
    def _locked(self, *, shared: bool) -> Iterator[None]:
        with namespace_lock(self._folder, shared=shared, timeout=self._timeout):
            self._mine.held = True
            try:
                yield
            finally:
                self._mine.held = False
