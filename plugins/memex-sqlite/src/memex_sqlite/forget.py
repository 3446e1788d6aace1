"""Forgetting: rows become tombstones, and what they held is wiped from the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from memex import StoreUnavailable, UnknownMessage
from memex_sqlite import word_index
from memex_sqlite.connections import Connections
from memex_sqlite.log import locate
from memex_sqlite.reading import every_message
from memex_sqlite.threads import MOST, SEQ_BITS, Row, head_of, origin, place, seq_at


class Erased(NamedTuple):
    """What a transaction erased; a receipt is made of it when the file is wiped too."""

    messages: tuple[int, ...]
    places: dict[str, int]
    forks: tuple[str, ...]


def forget(connection: sqlite3.Connection, row: Row, ids: Sequence[str] | None) -> Erased:
    """Make messages tombstones, in every thread that shares them, or take a whole thread out.

    Raises:
        UnknownMessage: If the thread lacks one of them.
    """
    return _forget_thread(connection, row) if ids is None else _forget_messages(connection, row, ids)


def _forget_messages(connection: sqlite3.Connection, row: Row, ids: Sequence[str]) -> Erased:
    known = locate(connection, row, dict.fromkeys(ids))
    missing = next((message_id for message_id in ids if message_id not in known), None)
    if missing is not None:
        raise UnknownMessage(f"thread {row.name!r} has no message {missing!r}; nothing was forgotten")
    places = sorted(known.values())
    lost = [at for at in places if _is_there(connection, at)]
    return Erased(
        messages=tuple(sorted(map(seq_at, places))),
        places=_bury(connection, lost),
        forks=_sharers(connection, lost, but=row.number),
    )


def _forget_thread(connection: sqlite3.Connection, row: Row) -> Erased:
    seqs = range(origin(connection, row)[1] + 1, head_of(connection, row) + 1)
    first, last = place(row.number, 1), place(row.number, MOST)
    lost = [at for at, _ in every_message(connection, first, last)]
    forks = _sharers(connection, lost[:1], but=row.number)
    places = _bury(connection, lost)
    shared = connection.execute(
        "SELECT coalesce(max(forked_at), 0) FROM threads WHERE parent = ?", (row.number,)
    ).fetchone()[0]
    connection.execute(
        "DELETE FROM messages WHERE place BETWEEN ? AND ?", (place(row.number, shared + 1), last)
    )
    places |= {
        "state": connection.execute("DELETE FROM state WHERE thread = ?", (row.number,)).rowcount,
        "plans": connection.execute("DELETE FROM plans WHERE place BETWEEN ? AND ?", (first, last)).rowcount,
    }
    connection.execute("UPDATE threads SET name = NULL WHERE id = ?", (row.number,))
    _remove_unshared(connection, row.number)
    return Erased(tuple(seqs), places, forks)


def _is_there(connection: sqlite3.Connection, at: int) -> bool:
    """Tell whether the message at a place was not forgotten yet."""
    return next(every_message(connection, at, at), None) is not None


def _bury(connection: sqlite3.Connection, places: Sequence[int]) -> dict[str, int]:
    """Put tombstones in place of messages that are there and count what is gone, by where it was."""
    indexed = 0
    if word_index.is_kept(connection):
        indexed = word_index.remove(
            connection, (pair for at in places for pair in list(every_message(connection, at, at)))
        )
    each = [(at,) for at in places]
    connection.executemany(
        "UPDATE messages SET created = 0, text = NULL, json = NULL, tokens = 0, counter = NULL "
        "WHERE place = ?",
        each,
    )
    embedded = connection.executemany(
        "DELETE FROM vectors WHERE space IN (SELECT id FROM vector_spaces) AND place = ?", each
    ).rowcount
    connection.executemany("DELETE FROM message_blobs WHERE place = ?", each)
    unused = connection.execute("DELETE FROM blobs WHERE id NOT IN (SELECT blob FROM message_blobs)").rowcount
    places_of_some = {"blobs": unused, "vectors": max(embedded, 0)}
    return {"messages": len(places), "index": indexed} | {
        where: count for where, count in places_of_some.items() if count
    }


def _remove_unshared(connection: sqlite3.Connection, number: int | None) -> None:
    """Remove a forgotten thread that no fork looks at any more, then its parent likewise."""
    while number is not None:
        parent, name, forks = connection.execute(
            "SELECT parent, name, (SELECT count(*) FROM threads WHERE parent = t.id) "
            "FROM threads t WHERE id = ?",
            (number,),
        ).fetchone()
        if name is not None or forks:
            return
        connection.execute(
            "DELETE FROM messages WHERE place BETWEEN ? AND ?", (place(number, 1), place(number, MOST))
        )
        connection.execute("DELETE FROM threads WHERE id = ?", (number,))
        number = parent


def _sharers(connection: sqlite3.Connection, places: Sequence[int], *, but: int) -> tuple[str, ...]:
    """Return the ids of the threads that have a message at any of ``places``, which are sorted."""
    first = {at >> SEQ_BITS: seq_at(at) for at in reversed(places)}
    names: set[str | None] = set()
    for owner, seq in first.items():
        found = connection.execute(
            "WITH RECURSIVE sharing(id) AS (SELECT ? UNION "
            "SELECT t.id FROM threads t JOIN sharing ON t.parent = sharing.id WHERE t.forked_at >= ?) "
            "SELECT name FROM threads t JOIN sharing USING (id) WHERE t.id <> ?",
            (owner, seq, but),
        )
        names.update(name for (name,) in found)
    return tuple(sorted(name for name in names if name is not None))


def mark_pending(connection: sqlite3.Connection) -> None:
    """Note, in the transaction that forgets, that the file has to be wiped after it."""
    # Merging the index into one piece is what drops the words of deleted rows from it: SQLite
    # before 3.42 has no other way, and files that use the later one cannot be read by it.
    if word_index.is_kept(connection):
        connection.execute("INSERT INTO word_index (word_index) VALUES ('optimize')")
    connection.execute("UPDATE settings SET value = 1 WHERE name = 'wipe'")


def wipe(connections: Connections) -> int:
    """Rewrite the file, so that no page and no journal keeps what was forgotten.

    ``secure_delete`` alone is not enough: pages that were split keep copies in their free space.

    Returns:
        1 if all is gone; 0 if another process was in the way or the disk was full; it will be tried again.
    """
    try:
        with connections.alone() as connection:
            connection.execute("VACUUM")
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return 0
            connection.execute("UPDATE settings SET value = 0 WHERE name = 'wipe'")
    except StoreUnavailable:
        return 0
    return 1


def is_pending(connection: sqlite3.Connection) -> bool:
    """Tell whether a wipe did not finish."""
    return bool(connection.execute("SELECT value FROM settings WHERE name = 'wipe'").fetchone()[0])
