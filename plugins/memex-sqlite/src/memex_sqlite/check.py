"""Looking for damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from memex import MemexError, decode_message
from memex_sqlite.forget import is_pending
from memex_sqlite.threads import MOST, Row, page, place, seq_at

_INDEX_DIFFERS = """
    SELECT place >> 32 FROM (
        SELECT place FROM messages WHERE NOT forgotten EXCEPT SELECT rowid FROM word_index)
    UNION
    SELECT rowid >> 32 FROM (
        SELECT rowid FROM word_index EXCEPT SELECT place FROM messages WHERE NOT forgotten)
"""


def problems(connection: sqlite3.Connection, namespace: str) -> Iterator[str]:
    """Yield what is wrong with the file, and with the threads of a namespace, one line each."""
    for (line,) in connection.execute("PRAGMA quick_check(20)").fetchall():
        if line != "ok":
            yield f"the file is damaged: {line}"
    try:
        connection.execute("INSERT INTO word_index (word_index) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        yield f"the word index is damaged: {error}"
    try:
        yield from _content_problems(connection, namespace)
    except sqlite3.DatabaseError as error:
        yield f"the rest cannot be read: {error}"


def _content_problems(connection: sqlite3.Connection, namespace: str) -> Iterator[str]:
    orphans = connection.execute(
        "SELECT count(*) FROM messages WHERE place >> 32 <> thread OR thread NOT IN (SELECT id FROM threads)"
    ).fetchone()[0]
    if orphans:
        yield f"{orphans} messages belong to no thread"
    astray = {number for (number,) in connection.execute(_INDEX_DIFFERS)}
    for row in _threads(connection, namespace):
        if row.number in astray:
            yield f"thread {row.name!r}: the word index does not fit its messages"
        yield from _log_problems(connection, row)
    if is_pending(connection):
        yield (
            "text that was forgotten may still lie in free parts of the file, because another process "
            "was in the way; forget(thread, []) wipes it"
        )


def _threads(connection: sqlite3.Connection, namespace: str) -> Iterator[Row]:
    after = ""
    while found := page(connection, namespace, after):
        yield from found
        after = found[-1].name or ""


def _log_problems(connection: sqlite3.Connection, row: Row) -> Iterator[str]:
    where = f"thread {row.name!r}"
    if row.parent is not None:
        parent = connection.execute("SELECT 1 FROM threads WHERE id = ?", (row.parent,)).fetchone()
        if parent is None:
            yield f"{where}: the thread it was forked from is missing"
    expected = row.forked_at + 1
    found = connection.execute(
        "SELECT place, id, role, body FROM messages WHERE place BETWEEN ? AND ? ORDER BY place",
        (place(row.number, 1), place(row.number, MOST)),
    )
    for at, message_id, role, body in found:
        seq = seq_at(at)
        if seq != expected:
            yield f"{where}: message {expected} is missing"
        expected = seq + 1
        try:
            message = decode_message(body)
        except MemexError as error:
            yield f"{where}: message {seq} cannot be read: {error}"
            continue
        if (message.id, message.role) != (message_id, role):
            yield f"{where}: message {seq} is not the one its row names"
