"""The tables, and what is done when a file is opened: made, accepted or refused, never half.

A message lies at the *place* ``thread << 32 | seq``, which is the rowid of its row and of its
entry in the full-text index. So a thread's log is one stretch of one B-tree, a word's places in
a thread are one stretch of its posting list, and both are read from either end at the cost of
what is taken.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from memex import StoreDamaged, StoreUnavailable
from memex_sqlite.errors import is_busy, translated, why_not_opened

APPLICATION_ID: Final = 0x6D656D78
"""``memx`` in the file's header."""
VERSION: Final = 1
_MAGIC = b"SQLite format 3\x00"

_TABLES = (
    "CREATE TABLE namespaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # AUTOINCREMENT: a number is never used twice, so a reader that is half way through a thread
    # cannot end up in another one. name is NULL when a thread was forgotten but forks share it.
    """CREATE TABLE threads (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        namespace INTEGER NOT NULL REFERENCES namespaces (id),
        name TEXT,
        parent INTEGER REFERENCES threads (id),
        forked_at INTEGER NOT NULL DEFAULT 0,
        plan_base INTEGER NOT NULL DEFAULT 0,
        created INTEGER NOT NULL,
        UNIQUE (namespace, name))""",
    "CREATE INDEX threads_by_parent ON threads (parent) WHERE parent IS NOT NULL",
    """CREATE TABLE messages (
        place INTEGER PRIMARY KEY,
        thread INTEGER NOT NULL REFERENCES threads (id),
        id TEXT NOT NULL,
        role TEXT NOT NULL,
        body TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        counter TEXT,
        forgotten INTEGER NOT NULL DEFAULT 0)""",
    "CREATE UNIQUE INDEX messages_by_id ON messages (thread, id)",
    "CREATE INDEX messages_rules ON messages (place) WHERE role IN ('system', 'developer')",
    """CREATE TABLE state (
        thread INTEGER NOT NULL REFERENCES threads (id),
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (thread, key)) WITHOUT ROWID""",
    "CREATE TABLE plans (place INTEGER PRIMARY KEY, head INTEGER NOT NULL, body BLOB NOT NULL)",
    # The words come from memex.terms; this tokenizer splits them at spaces and changes nothing.
    "CREATE VIRTUAL TABLE word_index USING fts5 (words, tokenize = 'ascii')",
    # Whether text that was forgotten may still lie in free parts of the file.
    "CREATE TABLE erasure (pending INTEGER NOT NULL)",
    "INSERT INTO erasure VALUES (0)",
)


def examine(path: str) -> None:
    """Refuse, without touching it, a file that is there and is not a store of this version.

    Raises:
        StoreDamaged: If it is another program's file, or of a newer memex-sqlite.
        StoreUnavailable: If it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise StoreUnavailable(f"{path} cannot be opened: {why_not_opened(path)}") from error
    if not header:
        return
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise StoreDamaged(f"{path} is not an SQLite file; it was left untouched")
    application = int.from_bytes(header[68:72], "big")
    _check_version(path, application, int.from_bytes(header[60:64], "big"))
    if application != APPLICATION_ID:
        # Either empty, being made by another process just now, or a stranger's. A read-only
        # connection finds out without writing back a stranger's journal.
        with translated(path), closing(_read_only(path)) as connection:
            _check_strangers(path, connection)


def prepare(path: str, connection: sqlite3.Connection, *, timeout: float) -> None:
    """Make the tables if the file is new; any number of processes may do so at once."""
    _use_wal(connection, timeout)
    if _is_current(path, connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_current(path, connection):
            _check_strangers(path, connection)
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _use_wal(connection: sqlite3.Connection, timeout: float) -> None:
    # Changing the mode needs the file alone, and SQLite does not wait for that by itself.
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _is_current(path: str, connection: sqlite3.Connection) -> bool:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    _check_version(path, application, version)
    return bool(application == APPLICATION_ID)


def _check_version(path: str, application: int, version: int) -> None:
    if application not in (0, APPLICATION_ID):
        raise StoreDamaged(
            f"{path} belongs to another program (application id {application:#x}); it was left untouched"
        )
    if application == APPLICATION_ID and version > VERSION:
        raise StoreDamaged(
            f"{path} has schema {version}, made by a newer memex-sqlite; this one knows up to {VERSION}. "
            "Upgrade memex-sqlite; the file was left untouched"
        )


def _check_strangers(path: str, connection: sqlite3.Connection) -> None:
    if _is_current(path, connection):
        return
    table = connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    if table is not None:
        raise StoreDamaged(
            f"{path} belongs to another program (it has a table {table[0]!r}); it was left untouched"
        )


def _read_only(path: str) -> sqlite3.Connection:
    uri = Path(path).absolute().as_uri() + "?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None)
