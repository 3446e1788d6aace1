"""Connections to the file, lent to one operation at a time."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

from memex import StoreUnavailable
from memex_sqlite.errors import FOREIGN, meaning
from memex_sqlite.identity import examine
from memex_sqlite.schema import Index, prepare

Durability = Literal["full", "fast"]
_MOST_IDLE = 8


class Connections:
    """A pool of connections to one file.

    A connection serves one operation, then waits for the next, whichever thread that comes from:
    there are as many as operations at the same moment, and none outlives its thread's need.
    Writers of one process queue at a lock, because SQLite's own queue is a sleep.

    Args:
        path: The file.
        durability: ``full`` syncs each transaction, ``fast`` leaves that to the checkpoint.
        timeout: Seconds to wait for other writers.
        index: Whether there is an index of words; None for what the file has.
    """

    def __init__(
        self, path: str, *, durability: Durability, timeout: float, index: Index | None = None
    ) -> None:
        self.path = path
        self._synchronous = "FULL" if durability == "full" else "NORMAL"
        self._timeout = timeout
        self._closed = False
        self._file: tuple[int, int] | None = None
        # Names by number, as seen committed. Writers do not add to it: they may roll back.
        self.counters: dict[int, str] = {}
        self._start_empty()
        examine(path)
        with _FORKING:
            _POOLS.add(self)
        try:
            with self.alone() as connection:
                prepare(path, connection, timeout=timeout, index=index)
                self.counters.update(connection.execute("SELECT id, name FROM counters"))
        except BaseException:
            self.close()
            raise
        self._file = self._identity()

    def _start_empty(self) -> None:
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._lent_out = 0
        self._paused = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees the data of one moment."""
        # In one piece, and not of smaller context managers: each of them costs as much as a query.
        connection = None
        try:
            connection = self._take()
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except FOREIGN as error:
            raise meaning(error, self.path) from error
        finally:
            self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in a write transaction, committed when the block ends well."""
        with self.alone() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection outside a transaction, the process's only writer meanwhile."""
        if not self._writing.acquire(timeout=self._timeout):
            raise StoreUnavailable(
                f"{self.path} cannot be written: another thread kept it for {self._timeout:g} s"
            )
        connection = None
        try:
            connection = self._take()
            yield connection
        except FOREIGN as error:
            raise meaning(error, self.path) from error
        finally:
            try:
                self._give_back(connection)
            finally:
                self._writing.release()

    def close(self) -> None:
        """Close every connection; those in use are closed when they come back."""
        with self._changed:
            self._closed = True
            self._close_idle()

    def pause(self) -> None:
        """Wait until no operation is under way, close every connection and let none begin.

        SQLite's locks belong to a process, and it keeps count of them in memory: a child that
        inherits an open connection believes for ever in locks that only its parent held.
        """
        with self._changed:
            self._paused = True
            self._changed.wait_for(lambda: not self._lent_out)
            self._close_idle()

    def resume(self, *, in_child: bool) -> None:
        """Go on after a fork; in the child nobody is left who would release a lock."""
        if in_child:
            self._start_empty()
        else:
            with self._changed:
                self._paused = False
                self._changed.notify_all()

    def _take(self) -> sqlite3.Connection:
        with self._changed:
            while self._paused:
                self._changed.wait()
            if self._closed:
                raise StoreUnavailable(f"the store {self.path} is closed")
            self._lent_out += 1
            connection = self._idle.pop() if self._idle else None
        try:
            self._check_still_there()
            return connection or self._connect()
        except BaseException:
            self._put_away(connection)
            raise

    def _check_still_there(self) -> None:
        # A file that was deleted still takes writes on Unix; nobody would ever read them.
        if self._file is not None and self._identity() != self._file:
            raise StoreUnavailable(f"{self.path} was removed or replaced while it was open; open it again")

    def _give_back(self, connection: sqlite3.Connection | None) -> None:
        """Take back what :meth:`_take` lent; None if it lent nothing."""
        if connection is None:
            return
        try:
            # SQLite has rolled back by itself after some errors, a full disk for one.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            connection.close()  # rolls back whatever happens
            self._put_away(None)
            raise meaning(error, self.path) from error
        self._put_away(connection)

    def _put_away(self, connection: sqlite3.Connection | None) -> None:
        with self._changed:
            self._lent_out -= 1
            if connection is not None and not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
            elif connection is not None:
                connection.close()
            if self._paused:
                self._changed.notify_all()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA secure_delete = ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)  # noqa: PTH116 - a Path would cost more than the call
        except OSError:
            return None
        return status.st_dev, status.st_ino


_POOLS: weakref.WeakSet[Connections] = weakref.WeakSet()
_FORKING = threading.Lock()


def _before_fork() -> None:
    _FORKING.acquire()
    for pool in list(_POOLS):
        pool.pause()


def _after_fork(*, in_child: bool) -> None:
    for pool in list(_POOLS):
        pool.resume(in_child=in_child)
    _FORKING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=partial(_after_fork, in_child=False),
        after_in_child=partial(_after_fork, in_child=True),
    )
