"""What SQLite's errors mean to a user."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memex import InvalidMessage, MemexError, StoreDamaged, StoreError, StoreUnavailable

_LOCKED = (StoreUnavailable, "another process kept it locked")
_BY_CODE: dict[int, tuple[type[MemexError], str]] = {
    sqlite3.SQLITE_PERM: (StoreUnavailable, "permission is denied"),
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_NOMEM: (StoreUnavailable, "there is no memory left"),
    sqlite3.SQLITE_READONLY: (StoreUnavailable, "the file, or its folder, is read-only"),
    sqlite3.SQLITE_IOERR: (StoreUnavailable, "the disk failed, or is full"),
    sqlite3.SQLITE_FULL: (StoreUnavailable, "the disk is full"),
    sqlite3.SQLITE_CORRUPT: (StoreDamaged, "the file is damaged; restore it from a backup"),
    sqlite3.SQLITE_NOTADB: (StoreDamaged, "the file is not an SQLite database"),
    sqlite3.SQLITE_TOOBIG: (InvalidMessage, "SQLite holds no message of this size"),
}
_BY_WORDS: dict[str, tuple[type[MemexError], str]] = {
    "no such module: fts5": (StoreUnavailable, "this Python's SQLite was built without FTS5"),
    "no such table": (StoreDamaged, "a table is missing; restore the file from a backup"),
    "decode to UTF-8": (StoreDamaged, "a text in it is damaged; restore the file from a backup"),
}

FOREIGN = (sqlite3.Error, UnicodeEncodeError, OverflowError)
"""What the module sqlite3 raises."""


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn whatever sqlite3 raises in this block into an error of memex."""
    try:
        yield
    except FOREIGN as error:
        raise meaning(error, path) from error


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another connection was in the way, so that trying again may help."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def _code(error: sqlite3.Error) -> int:
    # The low byte is the kind, the others its variety; Python's own complaints have no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def meaning(error: Exception, path: str) -> MemexError:
    """Return what one of the :data:`FOREIGN` errors is to a user of memex."""
    if not isinstance(error, sqlite3.Error):
        return InvalidMessage(f"{path} cannot hold a value that was given: {error}")
    code, said = _code(error), str(error)
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreUnavailable(f"{path} cannot be opened: {why_not_opened(path)}")
    by_words = (found for words, found in _BY_WORDS.items() if words in said)
    kind, why = _BY_CODE.get(code) or next(by_words, (StoreError, "SQLite failed"))
    return kind(f"{path}: {why} ({said})")


def why_not_opened(path: str) -> str:
    """Return the likely reason why a file could not be opened, in words."""
    file = Path(path)
    folder = file.parent
    if file.is_dir():
        return "it is a folder, not a file"
    if not folder.is_dir():
        return f"there is no folder {folder}; make it first"
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return "permission is denied"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} is read-only"
    return "the system refused it"
