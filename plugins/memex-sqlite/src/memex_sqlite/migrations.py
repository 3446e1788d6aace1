"""Migrations: forward only, named, each with a backup, all in one transaction or not at all.

The file's ``user_version`` says where it stands; sqlite-utils writes the names of the migrations
that were applied into the table ``_sqlite_migrations``. It is imported here alone: opening a file
that needs none costs nothing of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from memex import decode_message
from memex_sqlite import log, word_index
from memex_sqlite.backups import back_up
from memex_sqlite.rows import Draft, draft

if TYPE_CHECKING:
    from sqlite_utils import Database

_SET = "memex-sqlite"
_AT_A_TIME = 500


def migrate(path: str, connection: sqlite3.Connection, version: int) -> None:
    """Bring an older file to the newest schema; the caller holds the write lock and commits.

    Args:
        path: The file; the backup lies beside it.
        connection: Where the transaction is.
        version: Its schema now.

    Raises:
        StoreUnavailable: If the backup cannot be written. The file is as it was.
    """
    from sqlite_utils import Database, Migrations

    back_up(path, version)
    migrations = Migrations(_SET)
    for name, step in _STEPS[version - 1 :]:
        migrations(name=name)(step)
    # Plugins of sqlite-utils stay out of it; they could do anything to the file.
    # legacy_alter_table: the references of a renamed table's neighbours do not follow it.
    connection.execute("PRAGMA legacy_alter_table = ON")
    try:
        migrations.apply(Database(connection, execute_plugins=False))
    finally:
        connection.execute("PRAGMA legacy_alter_table = OFF")


def compact_rows(db: Database) -> None:
    """Schema 2: a message in columns of its own, pictures apart, an index without a copy of the words."""
    from memex_sqlite.schema import TABLES

    connection = db.conn
    pending = connection.execute("SELECT pending FROM erasure").fetchone()[0]
    for name in ("messages_by_id", "messages_rules", "threads_by_parent"):
        connection.execute(f"DROP INDEX {name}")
    for name in ("word_index", "erasure"):
        connection.execute(f"DROP TABLE {name}")
    for name in _OLD:
        connection.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
    for statement in TABLES:
        connection.execute(statement)
    for name, columns in _OLD.items():
        if columns:
            connection.execute(f"INSERT INTO {name} SELECT {columns} FROM old_{name}")
    # So that no number of a thread is used twice.
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'threads'")
    connection.execute(
        "INSERT INTO sqlite_sequence SELECT 'threads', seq FROM sqlite_sequence WHERE name = 'old_threads'"
    )
    for batch in _old_messages(connection):
        log.insert(connection, batch)
    for name in reversed(_OLD):
        connection.execute(f"DROP TABLE old_{name}")
    word_index.adapt(connection, "words")
    connection.execute("UPDATE settings SET value = ? WHERE name = 'wipe'", (pending,))


def vector_tables(db: Database) -> None:
    """Schema 3: tables for the vectors of messages. Nothing that is there changes."""
    from memex_sqlite.schema import VECTORS

    for statement in VECTORS:
        db.conn.execute(statement)


def _old_messages(connection: sqlite3.Connection) -> Iterator[list[tuple[int, Draft]]]:
    rows = connection.execute("SELECT place, body, tokens, counter FROM old_messages ORDER BY place")
    while found := rows.fetchmany(_AT_A_TIME):
        yield [
            (place, draft(decode_message(body), tokens, counter)) for place, body, tokens, counter in found
        ]


_OLD = {  # schema 1: table, and its columns in the order of today's; messages are read one by one
    "namespaces": "id, name",
    "threads": "id, namespace, name, parent, forked_at, plan_base, plan_base, created",
    "messages": "",
    "state": "thread, key, value",
    "plans": "place, head, body",
}
_STEPS: tuple[tuple[str, Callable[[Database], None]], ...] = (
    ("compact rows", compact_rows),
    ("vectors", vector_tables),
)
"""By the schema that they start from, 1 for the first."""
