"""What is kept beside a thread's messages: small values of state, and plans."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from msgspec import UNSET, UnsetType

from memex import Conflict, StoredPlan
from memex_sqlite.connections import Connections
from memex_sqlite.threads import MOST, Row, ancestors, place, seq_at


def get_state(connection: sqlite3.Connection, row: Row, key: str) -> bytes | None:
    """Return a value, None if there is none."""
    found = connection.execute(
        "SELECT value FROM state WHERE thread = ? AND key = ?", (row.number, key)
    ).fetchone()
    return bytes(found[0]) if found else None


def all_state(connection: sqlite3.Connection, row: Row) -> dict[str, bytes]:
    """Return a thread's values, by key."""
    found = connection.execute("SELECT key, value FROM state WHERE thread = ?", (row.number,))
    return {key: bytes(value) for key, value in found}


def put_state(
    connection: sqlite3.Connection,
    row: Row,
    key: str,
    value: bytes | None,
    expect: bytes | UnsetType | None = UNSET,
) -> None:
    """Keep a value; None removes it.

    Raises:
        Conflict: If the value is not ``expect``.
    """
    if expect is not UNSET and get_state(connection, row, key) != expect:
        raise Conflict(f"the value {key!r} of thread {row.name!r} has changed; read it again")
    if value is None:
        connection.execute("DELETE FROM state WHERE thread = ? AND key = ?", (row.number, key))
    else:
        connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (row.number, key, value))


def put_plan(connection: sqlite3.Connection, row: Row, head: int, body: bytes) -> int:
    """Keep a plan and return its number."""
    last = connection.execute(
        "SELECT max(place) FROM plans WHERE place BETWEEN ? AND ?",
        (place(row.number, 1), place(row.number, MOST)),
    ).fetchone()[0]
    number = (row.plan_base if last is None else seq_at(last)) + 1
    insert_plan(connection, row, StoredPlan(number, head, body))
    return number


def insert_plan(connection: sqlite3.Connection, row: Row, plan: StoredPlan) -> None:
    """Keep a plan under its own number."""
    connection.execute(
        "INSERT INTO plans VALUES (?, ?, ?)", (place(row.number, plan.number), plan.head, plan.body)
    )


def plan_page(
    connection: sqlite3.Connection, row: Row, *, before: int, head: int = MOST, limit: int
) -> list[StoredPlan]:
    """Return the newest plans of a thread and of what it shares.

    Args:
        connection: Where to read.
        row: The thread.
        before: Only numbers below this.
        head: Only plans made at this message or before.
        limit: At most this many.
    """
    plans: list[StoredPlan] = []
    last = before - 1
    for ancestor in ancestors(connection, row):
        found = connection.execute(
            "SELECT place, head, body FROM plans WHERE place BETWEEN ? AND ? AND head <= ? "
            "ORDER BY place DESC LIMIT ?",
            (place(ancestor.number, 1), place(ancestor.number, last), head, limit - len(plans)),
        )
        plans += [StoredPlan(seq_at(at), made_at, bytes(body)) for at, made_at, body in found]
        if len(plans) >= limit:
            break
        last, head = min(last, ancestor.shared_plans), min(head, ancestor.forked_at)
    return plans


def read_plans(connections: Connections, row: Row, page: list[StoredPlan]) -> Iterator[StoredPlan]:
    """Yield the plans that begin with a first page, newest first; no statement stays open between pages."""
    limit = 1
    while page:
        yield from page
        # The newest is often all that is wanted; whoever goes on gets larger pages.
        limit = min(64, limit * 4)
        with connections.reading() as connection:
            page = plan_page(connection, row, before=page[-1].number, limit=limit)
