"""Reading messages back: one, some, or a thread a page at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from memex import Entry, Message, StoreDamaged
from memex_sqlite.connections import Connections
from memex_sqlite.rows import BLOB_MARK, CODES, COLUMNS, message_of
from memex_sqlite.threads import MOST, Span, seq_at

FIRST_PAGE: Final = 20
_LARGEST_PAGE = 512
_AT_A_TIME = 250
_FEW = 20
_PAGE_CHARACTERS = 1 << 20
_RULES = frozenset({"system", "developer"})
_SELECT: Final = f"SELECT place, tokens, counter, {COLUMNS} FROM messages "
# "rules" in the very words of the index messages_rules, so that SQLite sees that it is enough.
_ROLES: Final = {
    "all": "",
    "rules": "AND role IN (2, 3) AND role IN (?, ?, ?, ?, ?)",
    "some": "AND role IN (?, ?, ?, ?, ?)",
}
PAGES: Final = {  # by: which roles, newest first
    (which, reverse): f"{_SELECT} WHERE place BETWEEN ? AND ? {condition} "
    f"ORDER BY place {'DESC' if reverse else ''} LIMIT ?"
    for which, condition in _ROLES.items()
    for reverse in (False, True)
}
_BLOBS = (
    "SELECT lower(hex(b.sha256)), b.data FROM message_blobs m JOIN blobs b ON b.id = m.blob WHERE m.place = ?"
)


Row = tuple[int, int, int | None, bytes | str, int, int, str | None, str | None]
"""A row as :data:`_SELECT` gives it: place, tokens, counter, and the columns of a message."""


class Page:
    """Rows, and what they refer to, read at one moment; entries are made one by one.

    Args:
        connection: Where the rows were read, in the same transaction.
        rows: The rows.
        names: Names of counters that are known already; a name once given stays.
    """

    def __init__(
        self, connection: sqlite3.Connection, rows: Sequence[Row], names: dict[int, str] | None = None
    ) -> None:
        self.rows = rows
        self._counters = counters = names if names is not None else {}
        self._blobs: dict[int, dict[str, bytes]] = {}
        for row in rows:
            if row[2] is not None and row[2] not in counters:
                counters.update(counter_names(connection))
            if row[7] is not None and BLOB_MARK in row[7]:
                self._blobs[row[0]] = blobs_at(connection, row[0])

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries, each decoded when it is asked for."""
        counters, blobs = self._counters, self._blobs
        for place, tokens, counter, message_id, role, created, text, rest in self.rows:
            data = blobs.get(place) if blobs else None
            message = message_of(message_id, role, created, text, rest, data)
            yield Entry(place & MOST, message, tokens, None if counter is None else counters[counter])

    @property
    def average(self) -> int:
        """Characters of a row, to judge how many to read next."""
        total = sum(len(row[6] or "") + len(row[7] or "") for row in self.rows)
        data = sum(len(blob) for found in self._blobs.values() for blob in found.values())
        return (total + data) // max(1, len(self.rows))


def counter_names(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the names of all counters."""
    return dict(connection.execute("SELECT id, name FROM counters"))


def blobs_at(connection: sqlite3.Connection, place: int) -> dict[str, bytes]:
    """Return the pictures and files of a message, by SHA-256 in hexadecimal."""
    return dict(connection.execute(_BLOBS, (place,)))


def read(
    connections: Connections,
    spans: Sequence[Span],
    roles: Collection[str] | None,
    *,
    reverse: bool,
    first_page: Page | None = None,
) -> Iterator[Entry]:
    """Yield the messages of these spans, given in reading order, a page at a time.

    No statement stays open between pages, so a reader that stops half way holds nothing up.

    Args:
        connections: Where to read.
        spans: What to read.
        roles: Only messages of these roles.
        reverse: Newest first.
        first_page: What :func:`begin` has read of the first span already.
    """
    size = FIRST_PAGE
    for span in spans:
        first, last = span.places
        while first <= last:
            page = first_page
            if page is None:
                with connections.reading() as connection:
                    page = begin(
                        connection, Span(span.thread, seq_at(first), seq_at(last)), roles, size, reverse
                    )
            first_page = None
            if roles is None:
                _check_gapless(connections.path, page.rows, first, last, size, reverse=reverse)
            yield from page
            if len(page.rows) < size:
                break
            end = page.rows[-1][0]
            first, last = (first, end - 1) if reverse else (end + 1, last)
            size = next_size(size, page.average)


def begin(
    connection: sqlite3.Connection,
    span: Span,
    roles: Collection[str] | None,
    size: int = FIRST_PAGE,
    reverse: bool = False,
    names: dict[int, str] | None = None,
) -> Page:
    """Return the first page of a span; ``names`` are counters that are known already."""
    if roles is None:
        rows = connection.execute(PAGES["all", reverse], (*span.places, size)).fetchall()
    else:
        statement = PAGES["rules" if _RULES.issuperset(roles) else "some", reverse]
        rows = connection.execute(statement, (*span.places, *five(roles), size)).fetchall()
    return Page(connection, rows, names)


def _check_gapless(
    path: str, rows: Sequence[Row], first: int, last: int, size: int, *, reverse: bool
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


def entries_at(
    connection: sqlite3.Connection, places: Sequence[int], names: dict[int, str] | None = None
) -> list[Entry]:
    """Return the messages at these places, in the order asked; ``names`` are counters that are known already.

    Raises:
        StoreDamaged: If one is not there.
    """
    rows: dict[int, Row] = {}
    for start in range(0, len(places), _AT_A_TIME):
        some = places[start : start + _AT_A_TIME]
        # Always as many: SQLite has to understand one statement, once.
        asked = [*some, *[some[-1]] * (_AT_A_TIME - len(some))] if len(places) > _FEW else some
        query = f"{_SELECT} WHERE place IN ({', '.join('?' * len(asked))})"
        rows |= {row[0]: row for row in connection.execute(query, asked)}
    for at in places:
        if at not in rows:
            raise StoreDamaged(f"message {seq_at(at)} cannot be found; restore the file from a backup")
    return list(Page(connection, [rows[at] for at in places], names))


def stored_at(connection: sqlite3.Connection, at: int) -> Row:
    """Return the row at a place, where one is."""
    row: Row = connection.execute(f"{_SELECT} WHERE place = ?", (at,)).fetchone()
    return row


def every_message(
    connection: sqlite3.Connection, first: int = 0, last: int = (1 << 63) - 1
) -> Iterator[tuple[int, Message]]:
    """Yield every message that was not forgotten, by place; pictures only by their digests."""
    query = f"{_SELECT} WHERE place BETWEEN ? AND ? AND NOT (text IS NULL AND json IS NULL) ORDER BY place"
    for place, _, _, message_id, role, created, text, rest in connection.execute(query, (first, last)):
        yield place, message_of(message_id, role, created, text, rest)


def five(roles: Collection[str] | None) -> list[int | None]:
    """Return the roles that are asked for, as the five codes that the statements take."""
    asked = [code for role, code in CODES.items() if roles is not None and role in roles]
    return [*asked, *[None] * (len(CODES) - len(asked))]


def next_size(size: int, average: int) -> int:
    """Read more at a time as the reader goes on, but never much more than a megabyte."""
    return max(1, min(size * 2, _LARGEST_PAGE, _PAGE_CHARACTERS // max(1, average)))
