"""The tables, and how a file comes to have them: made or migrated, never half.

A message lies at the *place* ``thread << 32 | seq``, which is the rowid of its row and of its
entry in the full-text index. So a thread's log is one stretch of one B-tree, a word's places in
a thread are one stretch of its posting list, and both are read from either end at the cost of
what is taken.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from memex_sqlite import views, word_index
from memex_sqlite.errors import is_busy
from memex_sqlite.identity import APPLICATION_ID, VERSION, check_strangers, is_current, is_ours

Index = Literal["words", "none"]

TABLES: Final = (
    "CREATE TABLE namespaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # AUTOINCREMENT: a number is never used twice, so a reader that is half way through a thread
    # cannot end up in another one. name is NULL when a thread was forgotten but forks share it.
    # plan_base is the plan number before its own first one, shared_plans the last of its parent's.
    """CREATE TABLE threads (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        namespace INTEGER NOT NULL REFERENCES namespaces (id),
        name TEXT,
        parent INTEGER REFERENCES threads (id),
        forked_at INTEGER NOT NULL DEFAULT 0,
        plan_base INTEGER NOT NULL DEFAULT 0,
        shared_plans INTEGER NOT NULL DEFAULT 0,
        created INTEGER NOT NULL,
        UNIQUE (namespace, name))""",
    "CREATE INDEX threads_by_parent ON threads (parent) WHERE parent IS NOT NULL",
    # The columns are those of memex_sqlite.rows; text and json are both NULL for a tombstone.
    """CREATE TABLE messages (
        place INTEGER PRIMARY KEY,
        id NOT NULL,
        role INTEGER NOT NULL,
        created INTEGER NOT NULL,
        text TEXT,
        json TEXT,
        tokens INTEGER NOT NULL,
        counter INTEGER REFERENCES counters (id))""",
    "CREATE UNIQUE INDEX messages_by_id ON messages (id, place >> 32)",
    # System and developer messages, which every window begins with.
    "CREATE INDEX messages_rules ON messages (place) WHERE role IN (2, 3)",
    "CREATE TABLE counters (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # Pictures and files out of messages, each once however often it was sent.
    "CREATE TABLE blobs (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, data BLOB NOT NULL)",
    """CREATE TABLE message_blobs (
        place INTEGER NOT NULL REFERENCES messages (place),
        blob INTEGER NOT NULL REFERENCES blobs (id),
        PRIMARY KEY (place, blob)) WITHOUT ROWID""",
    "CREATE INDEX messages_by_blob ON message_blobs (blob)",
    """CREATE TABLE state (
        thread INTEGER NOT NULL REFERENCES threads (id),
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (thread, key)) WITHOUT ROWID""",
    "CREATE TABLE plans (place INTEGER PRIMARY KEY, head INTEGER NOT NULL, body BLOB NOT NULL)",
    # wipe: whether text that was forgotten may still lie in free parts of the file.
    # index: 'words' or 'none'. terms: which words the index holds, as memex.TERMS counts them.
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
    "INSERT INTO settings VALUES ('wipe', 0), ('index', 'none'), ('terms', 0)",
    *views.VIEWS,
)
"""Those of schema 2, which the later ones add to."""
VECTORS: Final = (
    # AUTOINCREMENT for the reason it has in threads. A space belongs to a namespace, as a thread does.
    """CREATE TABLE vector_spaces (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        namespace INTEGER NOT NULL REFERENCES namespaces (id),
        embedder TEXT NOT NULL,
        dimension INTEGER NOT NULL,
        kind TEXT NOT NULL,
        UNIQUE (namespace, embedder, dimension, kind))""",
    # In the order of writing, with an index over it: a WITHOUT ROWID table would keep the vectors
    # themselves in the inner pages, five to a page, and be seven levels deep at 50,000.
    """CREATE TABLE vectors (
        id INTEGER PRIMARY KEY,
        space INTEGER NOT NULL REFERENCES vector_spaces (id),
        place INTEGER NOT NULL REFERENCES messages (place),
        body BLOB NOT NULL)""",
    "CREATE UNIQUE INDEX vectors_by_place ON vectors (space, place)",
)
"""What schema 3 added: vectors of messages, each message's in one row."""


def prepare(path: str, connection: sqlite3.Connection, *, timeout: float, index: Index | None) -> None:
    """Make the tables if the file is new, migrate an older one; any number of processes may at once.

    Args:
        path: The file.
        connection: To it.
        timeout: Seconds to wait for others.
        index: Whether there is an index of words; None for what the file has, or for a new one.
    """
    # Twice SQLite's usual page: messages of some hundred bytes leave less of it empty. It has no
    # effect on a file that has pages already.
    connection.execute("PRAGMA page_size = 8192")
    _use_wal(connection, timeout)
    if not is_current(path, connection):
        with _writing(connection):
            _make_or_migrate(path, connection)
    if word_index.differs(connection, index):
        with _writing(connection):
            word_index.adapt(connection, index)


def _make_or_migrate(path: str, connection: sqlite3.Connection) -> None:
    """Bring the file to this version; the caller holds the write lock."""
    if is_current(path, connection):  # another process was faster
        return
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if is_ours(connection) and version:
        from memex_sqlite.migrations import migrate

        migrate(path, connection, version)
    else:
        check_strangers(path, connection)
        for statement in (*TABLES, *VECTORS):
            connection.execute(statement)
        word_index.adapt(connection, "words")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
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
