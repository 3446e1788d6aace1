"""A folder of keys and values: files, and an index of them that several processes may use at once.

The index is a SQLite file: which files there are, which threads used them, when they were used last.
A file appears or goes only inside a transaction of it, so what is forgotten is forgotten even while
another process writes. It may be lost or damaged without harm: every file proves by its own name
what it is. No torch here: forgetting needs none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from memex import ConfigError
from memex_hf.kept_files import Kept, Trail, read_name, sealed

INDEX: Final = "kv-1.sqlite"
PLACE: Final = 1e-5
"""Seconds by which a file counts as used before the one that it follows: the last leave first."""
_PART: Final = ".part"
_STALE_S: Final = 600.0
_NOT_DAMAGED: Final = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS files(name TEXT PRIMARY KEY, begins TEXT NOT NULL, bytes INTEGER NOT NULL,
                                 used REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_begin ON files(begins);
CREATE TABLE IF NOT EXISTS threads(thread TEXT, name TEXT, PRIMARY KEY(thread, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS forgotten(thread TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
"""


class Folder:
    """Files of keys and values within a budget; those used least recently go first.

    May be used by several threads and processes at once.

    Args:
        path: Where it is; made if it is not there.
        budget: The most bytes of files.

    Raises:
        ConfigError: If it cannot be used.
    """

    def __init__(self, path: Path, budget: int) -> None:
        self.path = path
        self.budget = budget
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._sweep()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_DAMAGED:
                    raise
                for name in (INDEX, f"{INDEX}-journal"):  # damaged: begin anew, with nothing known
                    (path / name).unlink(missing_ok=True)
                self._sweep()
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"hf: keys and values cannot be kept in {path}: {error}") from error

    def known(self, model: str, ids: array[int]) -> list[Kept]:
        """Return the files that ``ids`` begins with, in order."""
        trail = Trail(model, ids)
        found: list[Kept] = []
        with self._index() as index:
            while True:
                names = index.execute("SELECT name FROM files WHERE begins = ?", (trail.here,))
                files = [kept for (name,) in names if (kept := read_name(name)) is not None]
                files = [kept for kept in files if kept.ends == trail.ahead(kept.length)]
                if not files:
                    return found
                longest = max(files, key=lambda kept: kept.length)
                found.append(longest)
                trail.go(longest.length)

    def read(self, kept: Kept) -> bytes | None:
        """Return the bytes of a file; None if it is gone. A damaged one is removed."""
        try:
            payload = (self.path / kept.name).read_bytes()
        except OSError:
            payload = b""
        if kept.holds(payload):
            return payload
        self.remove(kept)
        return None

    def add(
        self,
        begins: str,
        length: int,
        ends: str,
        payload: bytes,
        *,
        thread: str,
        since: float,
        used: float | None = None,
    ) -> bool:
        """Keep a file, whole or not at all; False if it may not be kept any more.

        Args:
            begins: Digest of everything before the stretch.
            length: Its tokens.
            ends: Digest of everything up to its end.
            payload: The bytes.
            thread: Whose they are.
            since: When the turn began that made them: what was forgotten later is not kept.
            used: When it was used last; now by default.
        """
        kept = Kept(begins, length, ends, sealed(begins, length, ends, payload))
        if len(payload) > self.budget:
            return False
        part = self.path / f"{os.urandom(8).hex()}{_PART}"
        try:
            part.touch(mode=0o600)
            part.write_bytes(payload)
            with self._index(change=True) as index:
                row = index.execute("SELECT at FROM forgotten WHERE thread = ?", (_tag(thread),)).fetchone()
                if row is not None and since <= row[0]:
                    return False
                try:
                    part.replace(self.path / kept.name)
                except FileNotFoundError:  # somebody forgot meanwhile: the next turn tries again
                    return False
                index.execute(
                    "INSERT OR REPLACE INTO files VALUES(?, ?, ?, ?)",
                    (kept.name, begins, len(payload), time.time() if used is None else used),
                )
                index.execute("INSERT OR IGNORE INTO threads VALUES(?, ?)", (_tag(thread), kept.name))
                self._fit(index)
        except sqlite3.Error:
            (self.path / kept.name).unlink(missing_ok=True)  # the index does not have it
            raise
        finally:
            part.unlink(missing_ok=True)
        return True

    def use(self, files: Sequence[Kept], *, thread: str, since: float, used: float) -> None:
        """Note that a thread used files; the first stays longest: without it the others are no use."""
        with self._index(change=True) as index:
            row = index.execute("SELECT at FROM forgotten WHERE thread = ?", (_tag(thread),)).fetchone()
            if row is not None and since <= row[0]:
                return
            for place, kept in enumerate(files):
                told = index.execute(
                    "UPDATE files SET used = ? WHERE name = ?", (used - place * PLACE, kept.name)
                )
                if told.rowcount:
                    index.execute("INSERT OR IGNORE INTO threads VALUES(?, ?)", (_tag(thread), kept.name))

    def forget(self, threads: Sequence[str]) -> int:
        """Remove every file that some threads used, also those that others used too; return how many."""
        tags = [(_tag(thread),) for thread in threads]
        with self._index(change=True) as index:
            names = {
                name
                for tag in tags
                for (name,) in index.execute("SELECT name FROM threads WHERE thread = ?", tag)
            }
            gone = sum(self._unlink(index, name) for name in names)
            index.executemany("DELETE FROM threads WHERE thread = ?", tags)
            index.executemany(
                "INSERT OR REPLACE INTO forgotten VALUES(?, ?)", [(t, time.time()) for (t,) in tags]
            )
            for part in self.path.glob(f"*{_PART}"):  # its writer finds it gone and gives up
                part.unlink(missing_ok=True)
        return gone

    def remove(self, kept: Kept) -> None:
        """Remove one file."""
        with self._index(change=True) as index:
            self._unlink(index, kept.name)

    def nbytes(self) -> int:
        """Return the bytes of all files, as the index has them."""
        with self._index() as index:
            return self._total(index)

    # -- inside --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _index(self, *, change: bool = False) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(
            sqlite3.connect(self.path / INDEX, timeout=30, isolation_level=None)
        ) as index:
            index.execute("PRAGMA secure_delete = ON")
            index.execute("PRAGMA synchronous = NORMAL")
            if not change:
                yield index
                return
            index.execute("BEGIN IMMEDIATE")
            try:
                yield index
            except BaseException:
                index.execute("ROLLBACK")
                raise
            index.execute("COMMIT")

    def _sweep(self) -> None:
        """Make the tables, and remove what a process that died has left."""
        fresh = not (self.path / INDEX).exists()
        with self._index(change=True) as index:
            for statement in filter(None, map(str.strip, _TABLES.split(";"))):
                index.execute(statement)
            known = {name for (name,) in index.execute("SELECT name FROM files")}
            there = {file.name for file in self.path.iterdir()}
            for name in there:
                unknown = read_name(name) is not None and name not in known
                if unknown or (name.endswith(_PART) and _is_old(self.path / name)):
                    (self.path / name).unlink(missing_ok=True)
            for name in known - there:  # a forgetting that ended before its rows were gone
                self._unlink(index, name)
            self._fit(index)
        if fresh:
            (self.path / INDEX).chmod(0o600)

    def _fit(self, index: sqlite3.Connection) -> None:
        total = self._total(index)
        if total <= self.budget:
            return
        for name, size in index.execute("SELECT name, bytes FROM files ORDER BY used, name").fetchall():
            self._unlink(index, name)
            total -= size
            if total <= self.budget:
                return

    def _unlink(self, index: sqlite3.Connection, name: str) -> int:
        gone = 0
        if read_name(name) is not None:  # a damaged index must not lead anywhere else
            with contextlib.suppress(FileNotFoundError):
                (self.path / name).unlink()
                gone = 1
        index.execute("DELETE FROM files WHERE name = ?", (name,))
        index.execute("DELETE FROM threads WHERE name = ?", (name,))
        return gone

    @staticmethod
    def _total(index: sqlite3.Connection) -> int:
        total: int = index.execute("SELECT COALESCE(SUM(bytes), 0) FROM files").fetchone()[0]
        return total


def _is_old(file: Path) -> bool:
    try:
        return file.stat().st_mtime < time.time() - _STALE_S
    except FileNotFoundError:
        return False


def _tag(thread: str) -> str:
    """Return what stands for a thread in the index: its id may be somebody's name."""
    return hashlib.sha256(b"thread " + thread.encode("utf-8", "surrogatepass")).hexdigest()[:32]
