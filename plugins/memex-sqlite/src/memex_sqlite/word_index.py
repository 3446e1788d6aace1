"""The full-text index: FTS5 over the words of :func:`memex.terms`, without a copy of the text."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from memex import TERMS, Message, searchable_text, terms

# The words come from memex.terms, which folds accents and splits Chinese, Japanese and Thai; this
# tokenizer only splits them at spaces. Contentless: a copy of the text would double the file.
_TABLE: Final = "CREATE VIRTUAL TABLE word_index USING fts5 (words, content = '', tokenize = 'ascii')"
_INSERT: Final = "INSERT INTO word_index (rowid, words) VALUES (?, ?)"
# A large batch leaves pieces that the next appends would have to merge, at several times their own
# cost. To merge them at once costs the batch a fifth more.
_MERGE: Final = "INSERT INTO word_index (word_index, rank) VALUES ('merge', 100000)"
_LARGE: Final = 10_000
_LONG_WORD: Final = re.compile("[A-Za-z0-9]{64}")
_THOUSANDS: Final = re.compile("[0-9][,.'][0-9]{3}")
# A contentless index has to be told which words it loses (SQLite before 3.43 knows no other way).
_DELETE: Final = "INSERT INTO word_index (word_index, rowid, words) VALUES ('delete', ?, ?)"


def words_of(message: Message) -> str:
    """Return what the index is given of a message: text in which its tokenizer finds the message's terms."""
    text = searchable_text(message)
    # In ASCII the tokenizer folds and splits just as memex.terms does, but for very long words and numbers
    # with thousands.
    if text.isascii() and "\0" not in text and not _LONG_WORD.search(text) and not _THOUSANDS.search(text):
        return text
    return " ".join(terms(text))


def is_kept(connection: sqlite3.Connection) -> bool:
    """Tell whether the file has an index now; another process may have changed that."""
    return bool(connection.execute("SELECT value = 'words' FROM settings WHERE name = 'index'").fetchone()[0])


def add(connection: sqlite3.Connection, words: Sequence[tuple[int, str]]) -> None:
    """Index the words of messages, by place."""
    connection.executemany(_INSERT, words)
    if len(words) >= _LARGE:
        connection.execute(_MERGE)


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
        connection.execute("INSERT INTO word_index (word_index, rank) VALUES ('usermerge', 2)")
        fill(connection)
    connection.execute(
        "INSERT OR REPLACE INTO settings VALUES ('index', ?), ('terms', ?)",
        ("words" if made else "none", TERMS if made else 0),
    )


def fill(connection: sqlite3.Connection) -> None:
    """Index every message that was not forgotten; the index is empty."""
    from memex_sqlite.reading import every_message

    connection.executemany(_INSERT, ((at, words_of(message)) for at, message in every_message(connection)))
    connection.execute(_MERGE)
