"""Vectors of messages: one row a message and space, at the message's own place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from memex import Embedded, VectorSpace
from memex_sqlite.connections import Connections
from memex_sqlite.log import locate
from memex_sqlite.threads import Row, Span, head_of, lineage, seq_at, spans

_FIRST_PAGE: Final = 64
_LARGEST_PAGE: Final = 1024
_WINDOW: Final = 4096
_SPACE: Final = (
    "SELECT id FROM vector_spaces WHERE namespace = (SELECT id FROM namespaces WHERE name = ?) "
    "AND embedder = ? AND dimension = ? AND kind = ?"
)
# A message that was forgotten meanwhile has no row to insert from; one that has its vectors keeps them.
_INSERT: Final = (
    "INSERT INTO vectors (space, place, body) SELECT ?, place, ? FROM messages "
    "WHERE place = ? AND NOT (text IS NULL AND json IS NULL) ON CONFLICT DO NOTHING"
)


class Extent(NamedTuple):
    """What is asked for.

    Attributes:
        space: Number of the space, None if it is not there.
        spans: The stretches of messages, in log order.
    """

    space: int | None
    spans: list[Span]


def put(
    connection: sqlite3.Connection, namespace: str, row: Row, space: VectorSpace, vectors: Mapping[str, bytes]
) -> int:
    """Keep entries for messages that have none, in the caller's transaction; return how many are new."""
    places = locate(connection, row, vectors)
    if not places:
        return 0
    number = _number(connection, namespace, space)
    if number is None:
        number = connection.execute(
            "INSERT INTO vector_spaces (namespace, embedder, dimension, kind) "
            "VALUES ((SELECT id FROM namespaces WHERE name = ?), ?, ?, ?)",
            (namespace, space.embedder, space.dimension, space.kind),
        ).lastrowid
    # By place, so that what is read together lies together.
    entries = sorted((at, vectors[message_id]) for message_id, at in places.items())
    return connection.executemany(_INSERT, [(number, body, at) for at, body in entries]).rowcount


def extent(
    connection: sqlite3.Connection,
    namespace: str,
    row: Row,
    space: VectorSpace,
    start: int,
    stop: int | None,
) -> Extent:
    """Return what of a thread and a space lies between two messages."""
    head = head_of(connection, row)
    last = head if stop is None else min(stop, head)
    return Extent(_number(connection, namespace, space), spans(connection, row, max(start, 1), last))


def read(connections: Connections, wanted: Extent) -> Iterator[tuple[int, bytes]]:
    """Yield the entries, a page at a time; no statement stays open between pages."""
    size = _FIRST_PAGE
    for span in wanted.spans if wanted.space is not None else ():
        first, last = span.places
        while first <= last:
            with connections.reading() as connection:
                page = connection.execute(
                    "SELECT place, body FROM vectors WHERE space = ? AND place BETWEEN ? AND ? "
                    "ORDER BY place LIMIT ?",
                    (wanted.space, first, last, size),
                ).fetchall()
            for at, body in page:
                yield seq_at(at), body
            if len(page) < size:
                break
            first = page[-1][0] + 1
            size = min(2 * size, _LARGEST_PAGE)


def missing(connections: Connections, wanted: Extent) -> Iterator[int]:
    """Yield the messages without an entry. Of those that have one only the index is read."""
    for span in wanted.spans:
        for start in range(span.first, span.last + 1, _WINDOW):
            with connections.reading() as connection:
                found = list(_missing(connection, wanted.space, span.clipped(start, start + _WINDOW - 1)))
            yield from found


def _missing(connection: sqlite3.Connection, space: int | None, span: Span) -> Iterator[int]:
    query = "SELECT place FROM vectors WHERE space = ? AND place BETWEEN ? AND ? ORDER BY place"
    there = [at for (at,) in connection.execute(query, (space, *span.places))]
    gap = span.places[0]
    for at in [*there, span.places[1] + 1]:
        if gap < at:
            bare = connection.execute(
                "SELECT place FROM messages WHERE place BETWEEN ? AND ? "
                "AND NOT (text IS NULL AND json IS NULL) ORDER BY place",
                (gap, at - 1),
            )
            yield from (seq_at(found) for (found,) in bare)
        gap = at + 1


def spaces(connection: sqlite3.Connection, namespace: str) -> list[Embedded]:
    """Return the spaces of a namespace, and how many messages each has."""
    found = connection.execute(
        "SELECT s.embedder, s.dimension, s.kind, count(*) FROM vector_spaces s "
        "JOIN vectors v ON v.space = s.id WHERE s.namespace = (SELECT id FROM namespaces WHERE name = ?) "
        "GROUP BY s.id",
        (namespace,),
    )
    return _sorted((*columns, count) for *columns, count in found)


def spaces_of(connection: sqlite3.Connection, namespace: str, row: Row) -> list[Embedded]:
    """Return the spaces of a thread, and how many of its messages each has."""
    found = connection.execute(
        "SELECT id, embedder, dimension, kind FROM vector_spaces "
        "WHERE namespace = (SELECT id FROM namespaces WHERE name = ?)",
        (namespace,),
    ).fetchall()
    stretches = lineage(connection, row)
    return _sorted(
        (*columns, sum(_count(connection, number, span) for span in stretches)) for number, *columns in found
    )


def _count(connection: sqlite3.Connection, space: int, span: Span) -> int:
    query = "SELECT count(*) FROM vectors WHERE space = ? AND place BETWEEN ? AND ?"
    count: int = connection.execute(query, (space, *span.places)).fetchone()[0]
    return count


def drop(connection: sqlite3.Connection, namespace: str, space: VectorSpace) -> int:
    """Erase a space, in the caller's transaction, and return how many entries it had."""
    number = _number(connection, namespace, space)
    if number is None:
        return 0
    gone = connection.execute("DELETE FROM vectors WHERE space = ?", (number,)).rowcount
    connection.execute("DELETE FROM vector_spaces WHERE id = ?", (number,))
    return gone


def _number(connection: sqlite3.Connection, namespace: str, space: VectorSpace) -> int | None:
    found = connection.execute(_SPACE, (namespace, space.embedder, space.dimension, space.kind)).fetchone()
    return found[0] if found else None


def _sorted(rows: Iterable[tuple[Any, ...]]) -> list[Embedded]:
    found = [Embedded(VectorSpace(name, size, kind), count) for name, size, kind, count in rows if count]
    return sorted(found, key=lambda one: one.space)
