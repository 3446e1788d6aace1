"""What is kept beside a thread's messages: small values of state, and plans."""

from __future__ import annotations

import sqlite3

from memex import StoredPlan
from memex_sqlite.threads import MOST, Row, ancestors, place, seq_at


def get_state(connection: sqlite3.Connection, row: Row, key: str) -> bytes | None:
    """Return a value, None if there is none."""
    found = connection.execute(
        "SELECT value FROM state WHERE thread = ? AND key = ?", (row.number, key)
    ).fetchone()
    return bytes(found[0]) if found else None


def put_state(connection: sqlite3.Connection, row: Row, key: str, value: bytes | None) -> None:
    """Keep a value; None removes it."""
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
    connection.execute("INSERT INTO plans VALUES (?, ?, ?)", (place(row.number, number), head, body))
    return number


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
        last, head = min(last, ancestor.plan_base), min(head, ancestor.forked_at)
    return plans
