"""The limit: ``sqlite3`` alone, with the columns, the word index and the durability of memex-sqlite.

Nothing is looked up and nothing is checked: rows and words are ready-made tuples, places are known.
``SCHEMA``, ``row`` and ``entry`` are what must keep step with memex-sqlite's schema (2).
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from memex_stores import message
from talk import Said

from memex import Entry, Message, Part, Text, encode_message, searchable_text, terms

PRAGMAS = ("page_size = 8192", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON")
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS messages (
        place INTEGER PRIMARY KEY,
        id NOT NULL,
        role INTEGER NOT NULL,
        created INTEGER NOT NULL,
        text TEXT,
        json TEXT,
        tokens INTEGER NOT NULL,
        counter INTEGER)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS messages_by_id ON messages (id, place >> 32)",
)
INDEX = "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, content = '', tokenize = 'ascii')"
COLUMNS = "place, id, role, created, text, json, tokens, counter"
ROLES = ("user", "assistant", "system", "developer", "tool")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IN_COLUMNS = frozenset({"id", "role", "created"})


def row(one: Message, place: int, tokens: int) -> tuple[Any, ...]:
    """Return a message's row: plain text in a column, any other content as JSON without the columns."""
    created = (one.created - EPOCH) // timedelta(microseconds=1)
    plain = len(one.parts) == 1 and type(one.parts[0]) is Text
    text, rest = (one.text, None) if plain else (None, _rest(one))
    return place, bytes.fromhex(one.id), ROLES.index(one.role), created, text, rest, tokens, 1


def _rest(one: Message) -> str:
    fields = msgspec.json.decode(encode_message(one))
    return msgspec.json.encode({k: v for k, v in fields.items() if k not in _IN_COLUMNS}).decode()


class _Rest(msgspec.Struct):
    parts: tuple[Part, ...] = ()


_DECODER = msgspec.json.Decoder(_Rest)


def entry(found: tuple[Any, ...]) -> Entry:
    """Return the message that a row holds, as directly as Python can."""
    place, identity, role, created, text, rest, tokens, _ = found
    parts = (Text(text=text),) if rest is None else _DECODER.decode(rest).parts
    when = EPOCH + timedelta(microseconds=created)
    made = Message(role=ROLES[role], parts=parts, id=identity.hex(), created=when)
    return Entry(place & 0xFFFFFFFF, made, tokens, "benchmark")


class Raw:
    """One file, one connection, one statement a step."""

    messages_per_append = 1

    def __init__(self, folder: Path, thread: str, *, index: bool = True) -> None:
        self.db = sqlite3.connect(folder / "raw.db", timeout=30, isolation_level=None)
        for pragma in PRAGMAS:
            self.db.execute(f"PRAGMA {pragma}").fetchall()
        self.index = index
        self.db.execute("BEGIN IMMEDIATE")
        for statement in (*SCHEMA, *([INDEX] if index else [])):
            self.db.execute(statement)
        self.db.execute("COMMIT")
        self.use(thread)

    def use(self, thread: str) -> None:
        """Go on in another thread, named by a number at its end, or the first."""
        number = thread.rpartition("-")[2]
        self.first = (int(number) + 1 if number.isdecimal() else 1) << 32
        self.last = self.first + 0xFFFFFFFF
        top = self.db.execute(
            "SELECT max(place) FROM messages WHERE place BETWEEN ? AND ?", (self.first, self.last)
        )
        self.place = top.fetchone()[0] or self.first

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return rows and words."""
        units = []
        for one in said:
            self.place += 1
            made = message(one)
            words = " ".join(terms(searchable_text(made)))
            units.append((row(made, self.place, len(one.text) // 4), (self.place, words)))
        return units

    def append(self, unit: Any) -> None:
        """Append one row in a transaction."""
        execute = self.db.execute
        execute("BEGIN IMMEDIATE")
        execute(f"INSERT INTO messages ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", unit[0])
        if self.index:
            execute("INSERT INTO words (rowid, text) VALUES (?, ?)", unit[1])
        execute("COMMIT")

    def load(self, units: list[Any]) -> None:
        """Append rows in one transaction."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(
            f"INSERT INTO messages ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [unit[0] for unit in units]
        )
        if self.index:
            self.db.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", [unit[1] for unit in units])
        self.db.execute("COMMIT")

    def tail(self, count: int, how: str) -> int:
        """Read the newest rows, as rows or as messages."""
        found = self.db.execute(
            f"SELECT {COLUMNS} FROM messages WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT ?",
            (self.first, self.last, count),
        ).fetchall()
        return len([entry(one) for one in found] if how == "messages" else found)

    def iterate(self, how: str) -> int:
        """Read every row of the thread, keeping nothing."""
        found = self.db.execute(
            f"SELECT {COLUMNS} FROM messages WHERE place BETWEEN ? AND ? ORDER BY place",
            (self.first, self.last),
        )
        return sum(1 for _ in (map(entry, found) if how == "messages" else found))

    def search(self, words: list[str], whole: bool) -> int:
        """Rank with BM25 and read the rows of the best ten.

        With ``rowid`` in the order SQLite sorts the ten it needs; by ``rank`` alone FTS5 sorts them all.
        """
        within = "" if whole else "AND rowid BETWEEN ? AND ?"
        places = self.db.execute(
            f"SELECT rowid, rank FROM words WHERE words MATCH ? {within} ORDER BY rank, rowid DESC LIMIT 10",
            (" AND ".join(f'"{word}"' for word in words), *(() if whole else (self.first, self.last))),
        ).fetchall()
        read = f"SELECT {COLUMNS} FROM messages WHERE place = ?"
        return len([self.db.execute(read, (place,)).fetchone() for place, _ in places])

    def close(self) -> None:
        """Close the file."""
        self.db.close()
