"""Reading messages back: one, some, or a thread a page at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from memex import Entry, Message, StoreDamaged
from memex_sqlite.connections import Connections
from memex_sqlite.rows import BLOB_MARK, CODES, COLUMNS, Columns, message_of
from memex_sqlite.threads import Span, seq_at

_FIRST_PAGE = 16
_LARGEST_PAGE = 512
_PAGE_CHARACTERS = 1 << 20
_RULES = frozenset({"system", "developer"})
_SELECT: Final = f"SELECT place, tokens, counter, {COLUMNS} FROM messages "
_ANY_ROLE = "(? OR role IN (?, ?, ?, ?, ?))"
# In the very words of the index messages_rules, so that SQLite sees that it is enough.
_ONLY_RULES = f"role IN (2, 3) AND {_ANY_ROLE}"
PAGES: Final = {  # by: only system and developer messages, newest first
    (rules, reverse): f"{_SELECT} WHERE place BETWEEN ? AND ? AND {_ONLY_RULES if rules else _ANY_ROLE} "
    f"ORDER BY place {'DESC' if reverse else ''} LIMIT ?"
    for rules in (False, True)
    for reverse in (False, True)
}
_BLOBS = (
    "SELECT lower(hex(b.sha256)), b.data FROM message_blobs m JOIN blobs b ON b.id = m.blob WHERE m.place = ?"
)


class Stored(NamedTuple):
    """A row of the table of messages."""

    place: int
    tokens: int
    counter: int | None
    columns: Columns

    @classmethod
    def of(cls, row: Sequence[object]) -> Stored:
        """Return what a row of :data:`_SELECT` holds."""
        return cls(row[0], row[1], row[2], Columns(*row[3:]))  # type: ignore[arg-type]


class Page:
    """Rows, and what they refer to, read at one moment; entries are made one by one.

    Args:
        connection: Where the rows were read, in the same transaction.
        rows: The rows, as :data:`_SELECT` gives them.
    """

    def __init__(self, connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        self._rows = [Stored.of(row) for row in rows]
        self._counters = counters_of(connection, self._rows)
        self._blobs = {
            row.place: blobs_at(connection, row.place)
            for row in self._rows
            if row.columns.json is not None and BLOB_MARK in row.columns.json
        }

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries, each decoded when it is asked for."""
        for place, tokens, counter, columns in self._rows:
            message = message_of(columns, self._blobs.get(place))
            yield Entry(seq_at(place), message, tokens, None if counter is None else self._counters[counter])

    @property
    def average(self) -> int:
        """Characters of a row, to judge how many to read next."""
        total = sum(len(row.columns.text or "") + len(row.columns.json or "") for row in self._rows)
        data = sum(len(blob) for found in self._blobs.values() for blob in found.values())
        return (total + data) // max(1, len(self._rows))


def counters_of(connection: sqlite3.Connection, rows: Sequence[Stored]) -> Mapping[int, str]:
    """Return the names of the counters that rows refer to, and of all others."""
    if all(row.counter is None for row in rows):
        return {}
    return dict(connection.execute("SELECT id, name FROM counters"))


def blobs_at(connection: sqlite3.Connection, place: int) -> dict[str, bytes]:
    """Return the pictures and files of a message, by SHA-256 in hexadecimal."""
    return dict(connection.execute(_BLOBS, (place,)))


def read(
    connections: Connections, spans: Sequence[Span], roles: Collection[str] | None, *, reverse: bool
) -> Iterator[Entry]:
    """Yield the messages of these spans, given in reading order, a page at a time.

    No statement stays open between pages, so a reader that stops half way holds nothing up.
    """
    statement = PAGES[roles is not None and _RULES.issuperset(roles), reverse]
    wanted = (roles is None, *five(roles))
    size = _FIRST_PAGE
    for span in spans:
        first, last = span.places
        while first <= last:
            with connections.reading() as connection:
                rows = connection.execute(statement, (first, last, *wanted, size)).fetchall()
                page = Page(connection, rows)
            if roles is None:
                _check_gapless(connections.path, rows, first, last, size, reverse=reverse)
            yield from page
            if len(rows) < size:
                break
            first, last = (first, rows[-1][0] - 1) if reverse else (rows[-1][0] + 1, last)
            size = next_size(size, page.average)


def _check_gapless(
    path: str, rows: Sequence[tuple[int, ...]], first: int, last: int, size: int, *, reverse: bool
) -> None:
    """Refuse a page that lacks a message: in a damaged file SQLite may just find fewer rows."""
    count = min(size, last - first + 1)
    start, step = (last, -1) if reverse else (first, 1)
    if len(rows) != count or rows[0][0] != start or rows[-1][0] != start + step * (count - 1):
        found = {row[0] for row in rows}
        missing = next(start + step * i for i in range(count) if start + step * i not in found)
        raise StoreDamaged(
            f"{path}: message {seq_at(missing)} cannot be found; the file is damaged, "
            "restore it from a backup"
        )


def entries_at(connection: sqlite3.Connection, places: Sequence[int]) -> list[Entry]:
    """Return the messages at these places, in the order asked; all of them are there."""
    rows = [connection.execute(f"{_SELECT} WHERE place = ?", (at,)).fetchone() for at in places]
    return list(Page(connection, rows))


def stored_at(connection: sqlite3.Connection, at: int) -> Stored:
    """Return the row at a place, where one is."""
    return Stored.of(connection.execute(f"{_SELECT} WHERE place = ?", (at,)).fetchone())


def every_message(
    connection: sqlite3.Connection, first: int = 0, last: int = (1 << 63) - 1
) -> Iterator[tuple[int, Message]]:
    """Yield every message that was not forgotten, by place; pictures only by their digests."""
    query = f"{_SELECT} WHERE place BETWEEN ? AND ? AND NOT (text IS NULL AND json IS NULL) ORDER BY place"
    for row in connection.execute(query, (first, last)):
        stored = Stored.of(row)
        yield stored.place, message_of(stored.columns)


def five(roles: Collection[str] | None) -> list[int | None]:
    """Return the roles that are asked for, as the five codes that the statements take."""
    asked = [code for role, code in CODES.items() if roles is not None and role in roles]
    return [*asked, *[None] * (len(CODES) - len(asked))]


def next_size(size: int, average: int) -> int:
    """Read more at a time as the reader goes on, but never much more than a megabyte."""
    return max(1, min(size * 2, _LARGEST_PAGE, _PAGE_CHARACTERS // max(1, average)))
