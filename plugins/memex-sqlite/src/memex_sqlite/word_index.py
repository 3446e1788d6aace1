"""The full-text index: FTS5 over the words of :func:`memex.terms`, without a copy of the text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final, Literal

from memex import TERMS, Message, searchable_text, terms

# The words come from memex.terms, which folds accents and splits Chinese, Japanese and Thai; this
# tokenizer only splits them at spaces. Contentless: a copy of the text would double the file.
_TABLE: Final = "CREATE VIRTUAL TABLE word_index USING fts5 (words, content = '', tokenize = 'ascii')"
INSERT: Final = "INSERT INTO word_index (rowid, words) VALUES (?, ?)"
# A contentless index has to be told which words it loses (SQLite before 3.43 knows no other way).
_DELETE: Final = "INSERT INTO word_index (word_index, rowid, words) VALUES ('delete', ?, ?)"


def words_of(message: Message) -> str:
    """Return what the index is given of a message."""
    return " ".join(terms(searchable_text(message)))


def is_kept(connection: sqlite3.Connection) -> bool:
    """Tell whether the file has an index now; another process may have changed that."""
    return bool(connection.execute("SELECT value = 'words' FROM settings WHERE name = 'index'").fetchone()[0])


def remove(connection: sqlite3.Connection, messages: Iterable[tuple[int, Message]]) -> int:
    """Take messages, by place, out of the index and return how many; the caller knows they are in it."""
    gone = [(place, words_of(message)) for place, message in messages]
    connection.executemany(_DELETE, gone)
    return len(gone)


def differs(connection: sqlite3.Connection, wanted: Literal["words", "none"] | None) -> bool:
    """Tell whether the index is not as it should be: of other words, or there, or not there."""
    kept, version = connection.execute(
        "SELECT (SELECT value FROM settings WHERE name = 'index'),"
        " (SELECT value FROM settings WHERE name = 'terms')"
    ).fetchone()
    other: bool = wanted is not None and kept != wanted
    return other or (kept == "words" and version != TERMS)


def adapt(connection: sqlite3.Connection, wanted: Literal["words", "none"] | None) -> None:
    """Make or remove the index, in the caller's transaction; None makes it anew if there is one."""
    made = wanted == "words" or (wanted is None and is_kept(connection))
    connection.execute("DROP TABLE IF EXISTS word_index")
    if made:
        connection.execute(_TABLE)
        fill(connection)
    connection.execute(
        "INSERT OR REPLACE INTO settings VALUES ('index', ?), ('terms', ?)",
        ("words" if made else "none", TERMS if made else 0),
    )


def fill(connection: sqlite3.Connection) -> None:
    """Index every message that was not forgotten; the index is empty."""
    from memex_sqlite.reading import every_message

    connection.executemany(INSERT, ((at, words_of(message)) for at, message in every_message(connection)))
