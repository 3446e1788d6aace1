"""The tables, and what is done when a file is opened: made, accepted or refused, never half.

A message lies at the *place* ``thread << 32 | seq``, which is the rowid of its row and of its
entry in the full-text index. So a thread's log is one stretch of one B-tree, a word's places in
a thread are one stretch of its posting list, and both are read from either end at the cost of
what is taken.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal

from memex import StoreDamaged, StoreUnavailable
from memex_sqlite import views, word_index
from memex_sqlite.errors import is_busy, translated, why_not_opened

APPLICATION_ID: Final = 0x6D656D78
"""``memx`` in the file's header."""
VERSION: Final = 2
Index = Literal["words", "none"]
_MAGIC = b"SQLite format 3\x00"

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
            connection.execute("BEGIN")  # both looks at the same moment
            _check_strangers(path, connection)


def prepare(path: str, connection: sqlite3.Connection, *, timeout: float, index: Index | None) -> None:
    """Make the tables if the file is new, migrate an older one; any number of processes may at once.

    Args:
        path: The file.
        connection: To it.
        timeout: Seconds to wait for others.
        index: Whether there is an index of words; None for what the file has, or for a new one.
    """
    _use_wal(connection, timeout)
    if not _is_current(path, connection):
        with _writing(connection):
            _make_or_migrate(path, connection)
    if word_index.differs(connection, index):
        with _writing(connection):
            word_index.adapt(connection, index)


def _make_or_migrate(path: str, connection: sqlite3.Connection) -> None:
    """Bring the file to this version; the caller holds the write lock."""
    if _is_current(path, connection):  # another process was faster
        return
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if _is_ours(connection) and version:
        from memex_sqlite.migrations import migrate

        migrate(path, connection, version)
    else:
        _check_strangers(path, connection)
        for statement in TABLES:
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


def _is_current(path: str, connection: sqlite3.Connection) -> bool:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    _check_version(path, application, version)
    return bool(application == APPLICATION_ID and version == VERSION)


def _is_ours(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


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
    if _is_ours(connection):
        return
    table = connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    if table is not None:
        raise StoreDamaged(
            f"{path} belongs to another program (it has a table {table[0]!r}); it was left untouched"
        )


def _read_only(path: str) -> sqlite3.Connection:
    uri = Path(path).absolute().as_uri() + "?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None)
