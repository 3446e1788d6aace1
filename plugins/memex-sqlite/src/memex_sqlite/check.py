"""Looking for damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from zlib import crc32

from memex import MemexError, searchable_text, terms
from memex_sqlite import word_index
from memex_sqlite.forget import is_pending
from memex_sqlite.reading import Page, every_message
from memex_sqlite.threads import MOST, Row, page, place, seq_at

_INDEX_DIFFERS = """
    WITH kept(place) AS (SELECT place FROM messages WHERE NOT (text IS NULL AND json IS NULL))
    SELECT place >> 32 FROM (SELECT place FROM kept EXCEPT SELECT rowid FROM word_index)
    UNION
    SELECT rowid >> 32 FROM (SELECT rowid FROM word_index EXCEPT SELECT place FROM kept)
"""
_ORPHANS = {
    "messages belong to no thread": "SELECT count(*) FROM messages "
    "WHERE place >> 32 NOT IN (SELECT id FROM threads)",
    "plans belong to no thread": "SELECT count(*) FROM plans "
    "WHERE place >> 32 NOT IN (SELECT id FROM threads)",
    "values of state belong to no thread": "SELECT count(*) FROM state "
    "WHERE thread NOT IN (SELECT id FROM threads)",
    "pictures or files belong to no message": "SELECT count(*) FROM blobs "
    "WHERE id NOT IN (SELECT blob FROM message_blobs)",
    "pictures or files are missing": "SELECT count(*) FROM message_blobs "
    "WHERE blob NOT IN (SELECT id FROM blobs) OR place NOT IN (SELECT place FROM messages)",
    "entries of vectors belong to no message": "SELECT count(*) FROM vectors "
    "WHERE place NOT IN (SELECT place FROM messages WHERE NOT (text IS NULL AND json IS NULL))",
    "entries of vectors are of no space, or of the wrong size for it": "SELECT count(*) FROM vectors v "
    "LEFT JOIN vector_spaces s ON s.id = v.space WHERE s.id IS NULL OR length(v.body) % (4 * s.dimension)",
}


def problems(connection: sqlite3.Connection, namespace: str) -> Iterator[str]:
    """Yield what is wrong with the file, and with the threads of a namespace, one line each."""
    try:
        for (line,) in connection.execute("PRAGMA quick_check(20)").fetchall():
            if line != "ok":
                yield f"the file is damaged: {line}"
    except sqlite3.DatabaseError as error:  # where even SQLite's own check finds no way
        yield f"the file is damaged: {error}"
    try:
        yield from _content_problems(connection, namespace)
    except sqlite3.DatabaseError as error:
        yield f"the rest cannot be read: {error}"


def _content_problems(connection: sqlite3.Connection, namespace: str) -> Iterator[str]:
    for what, query in _ORPHANS.items():
        orphans = connection.execute(query).fetchone()[0]
        if orphans:
            yield f"{orphans} {what}"
    astray: set[int] = set()
    if word_index.is_kept(connection):
        yield from _index_problems(connection)
        astray = {number for (number,) in connection.execute(_INDEX_DIFFERS)}
    for row in _threads(connection, namespace):
        if row.number in astray:
            yield f"thread {row.name!r}: the word index does not fit its messages"
        yield from _log_problems(connection, row)
    if is_pending(connection):
        yield (
            "text that was forgotten may still lie in free parts of the file, because another process "
            "was in the way or the disk was full; forget(thread, []) wipes it"
        )


def _index_problems(connection: sqlite3.Connection) -> Iterator[str]:
    try:
        connection.execute("INSERT INTO word_index (word_index) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        yield f"the word index is damaged: {error}"
        return
    try:
        if _words_held(connection) != _words_said(connection):
            yield (
                "the word index does not hold the words of the messages; "
                "open the file with index='none', then with index='words' to make it anew"
            )
    except MemexError as error:
        yield f"the word index cannot be compared with the messages: {error}"


def _words_held(connection: sqlite3.Connection) -> int:
    """Return how often each word is in the index, as one number."""
    connection.execute("CREATE VIRTUAL TABLE temp.index_words USING fts5vocab (main, word_index, row)")
    try:
        rows = connection.execute("SELECT term, cnt FROM temp.index_words")
        return sum(crc32(term.encode()) * count for term, count in rows)
    finally:
        connection.execute("DROP TABLE temp.index_words")


def _words_said(connection: sqlite3.Connection) -> int:
    """Return how often each word is in the messages, as the same number."""
    messages = (terms(searchable_text(message)) for _, message in every_message(connection))
    return sum(crc32(word.encode()) for words in messages for word in words)


def _threads(connection: sqlite3.Connection, namespace: str) -> Iterator[Row]:
    after = ""
    while found := page(connection, namespace, after):
        yield from (row for row, _ in found)
        after = found[-1][0].name or ""


def _log_problems(connection: sqlite3.Connection, row: Row) -> Iterator[str]:
    where = f"thread {row.name!r}"
    if row.parent is not None:
        parent = connection.execute("SELECT 1 FROM threads WHERE id = ?", (row.parent,)).fetchone()
        if parent is None:
            yield f"{where}: the thread it was forked from is missing"
    expected = row.forked_at + 1
    found = connection.execute(
        "SELECT place, tokens, counter, id, role, created, text, json FROM messages "
        "WHERE place BETWEEN ? AND ? ORDER BY place",
        (place(row.number, 1), place(row.number, MOST)),
    )
    for stored in found:
        seq = seq_at(stored[0])
        if seq != expected:
            yield f"{where}: message {expected} is missing"
        expected = seq + 1
        try:
            next(iter(Page(connection, [stored])))
        except (MemexError, LookupError) as error:
            yield f"{where}: message {seq} cannot be read: {error}"
