"""Forgetting: rows become tombstones, and what they held is wiped from the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from memex import Message, StoreUnavailable, UnknownMessage, encode_message
from memex_sqlite.connections import Connections
from memex_sqlite.log import locate
from memex_sqlite.threads import MOST, SEQ_BITS, Row, head_of, place, seq_at

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    erased = sum([_bury(connection, at) for at in places])
    return Erased(
        messages=tuple(sorted(map(seq_at, places))),
        places={"messages": erased, "index": erased},
        forks=_sharers(connection, places, but=row.number),
    )


def _forget_thread(connection: sqlite3.Connection, row: Row) -> Erased:
    own = range(row.forked_at + 1, head_of(connection, row) + 1)
    first, last = place(row.number, 1), place(row.number, MOST)
    forks = _sharers(connection, [place(row.number, own[0])], but=row.number) if own else ()
    erased = connection.execute(
        "SELECT count(*) FROM messages WHERE place BETWEEN ? AND ? AND NOT forgotten", (first, last)
    ).fetchone()[0]
    shared = connection.execute(
        "SELECT coalesce(max(forked_at), 0) FROM threads WHERE parent = ?", (row.number,)
    ).fetchone()[0]
    for seq in own[: max(0, shared - row.forked_at)]:
        _bury(connection, place(row.number, seq))
    unshared = (place(row.number, shared + 1), last)
    connection.execute("DELETE FROM word_index WHERE rowid BETWEEN ? AND ?", unshared)
    connection.execute("DELETE FROM messages WHERE place BETWEEN ? AND ?", unshared)
    places = {
        "messages": erased,
        "index": erased,
        "state": connection.execute("DELETE FROM state WHERE thread = ?", (row.number,)).rowcount,
        "plans": connection.execute("DELETE FROM plans WHERE place BETWEEN ? AND ?", (first, last)).rowcount,
    }
    connection.execute("UPDATE threads SET name = NULL WHERE id = ?", (row.number,))
    _remove_unshared(connection, row.number)
    return Erased(tuple(own), places, forks)


def _bury(connection: sqlite3.Connection, at: int) -> bool:
    """Put a tombstone in place of a message; tell whether there was none."""
    message_id, role, forgotten = connection.execute(
        "SELECT id, role, forgotten FROM messages WHERE place = ?", (at,)
    ).fetchone()
    if forgotten:
        return False
    tombstone = Message(role=role, id=message_id, status="forgotten", created=_EPOCH)
    connection.execute(
        "UPDATE messages SET body = ?, tokens = 0, counter = NULL, forgotten = 1 WHERE place = ?",
        (encode_message(tombstone).decode(), at),
    )
    connection.execute("DELETE FROM word_index WHERE rowid = ?", (at,))
    return True


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
    connection.execute("INSERT INTO word_index (word_index) VALUES ('optimize')")
    connection.execute("UPDATE erasure SET pending = 1")


def wipe(connections: Connections) -> int:
    """Rewrite the file, so that no page and no journal keeps what was forgotten.

    ``secure_delete`` alone is not enough: pages that were split keep copies in their free space.

    Returns:
        1 if all is gone; 0 if another process was in the way, and it will be tried again.
    """
    try:
        with connections.alone() as connection:
            connection.execute("VACUUM")
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return 0
            connection.execute("UPDATE erasure SET pending = 0")
    except StoreUnavailable:
        return 0
    return 1


def is_pending(connection: sqlite3.Connection) -> bool:
    """Tell whether a wipe did not finish."""
    return bool(connection.execute("SELECT pending FROM erasure").fetchone()[0])
