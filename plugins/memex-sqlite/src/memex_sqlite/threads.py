"""Threads: finding, opening, listing and forking them, and where their messages lie."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

from memex import ThreadExists, ThreadInfo, UnknownMessage, UnknownThread
from memex_sqlite.connections import Connections

SEQ_BITS: Final = 32
MOST: Final = (1 << SEQ_BITS) - 1
"""The highest sequence or plan number of a thread."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE = 256
_COLUMNS: Final = "id, name, parent, forked_at, plan_base, shared_plans, created"
_SELECT: Final = f"SELECT {_COLUMNS} FROM threads"
_LAST: Final = (
    "(SELECT max(place) FROM messages "
    f"WHERE place BETWEEN threads.id << {SEQ_BITS} AND (threads.id << {SEQ_BITS}) + {MOST})"
)
_OF_NAMESPACE: Final = "FROM threads WHERE namespace = (SELECT id FROM namespaces WHERE name = ?)"
_SELECT_OPENED: Final = (
    f"SELECT {_COLUMNS}, {_LAST}, (SELECT value FROM settings WHERE name = 'index') "
    f"{_OF_NAMESPACE} AND name = ?"
)
_SELECT_PAGE: Final = f"SELECT {_COLUMNS}, {_LAST} {_OF_NAMESPACE} AND name > ? ORDER BY name LIMIT ?"


class Row(NamedTuple):
    """A thread as its table has it."""

    number: int
    name: str | None
    parent: int | None
    forked_at: int
    plan_base: int
    shared_plans: int
    created: int


class Span(NamedTuple):
    """A stretch of one thread's own messages: ``first`` to ``last``, both inside."""

    thread: int
    first: int
    last: int

    @property
    def places(self) -> tuple[int, int]:
        """The first and the last place."""
        return place(self.thread, self.first), place(self.thread, self.last)

    def clipped(self, start: int, stop: int) -> Span:
        """Return what lies between two sequence numbers; it may be empty."""
        return Span(self.thread, max(self.first, start), min(self.last, stop))


def place(thread: int, seq: int) -> int:
    """Return where message ``seq`` of a thread lies."""
    return thread << SEQ_BITS | seq


def seq_at(place: int) -> int:
    """Return the sequence number of a place."""
    return place & MOST


def look_up(connection: sqlite3.Connection, namespace: str, thread: str) -> Row | None:
    """Return a thread, None if it is not there."""
    found = connection.execute(
        f"{_SELECT} WHERE namespace = (SELECT id FROM namespaces WHERE name = ?) AND name = ?",
        (namespace, thread),
    ).fetchone()
    return Row(*found) if found else None


def require(connection: sqlite3.Connection, namespace: str, thread: str) -> Row:
    """Return a thread.

    Raises:
        UnknownThread: If it is not there.
    """
    row = look_up(connection, namespace, thread)
    if row is None:
        raise unknown(namespace, thread)
    return row


def unknown(namespace: str, thread: str) -> UnknownThread:
    """Return the error that there is no such thread."""
    return UnknownThread(f"there is no thread {thread!r} in namespace {namespace!r}")


class Opened(NamedTuple):
    """A thread, and what is asked together with it in one look at the file.

    Attributes:
        row: The thread.
        head: Sequence number of its newest message.
        indexed: Whether the file has an index of words.
    """

    row: Row
    head: int
    indexed: bool


def look_up_opened(connection: sqlite3.Connection, namespace: str, thread: str) -> Opened | None:
    """Return a thread with its head, None if it is not there."""
    found = connection.execute(_SELECT_OPENED, (namespace, thread)).fetchone()
    if found is None:
        return None
    *columns, last, index = found
    row = Row(*columns)
    return Opened(row, _head(row, last), index == "words")


def look_up_some(
    connection: sqlite3.Connection, namespace: str, names: Iterable[str]
) -> Iterator[tuple[Row, int]]:
    """Yield those of many threads that are there, each with its head."""
    left = iter(names)
    while some := list(islice(left, _PAGE)):
        # Always as many: SQLite has to understand one statement, once.
        asked = [*some, *[some[-1]] * (_PAGE - len(some))] if len(some) > 1 else some
        query = f"SELECT {_COLUMNS}, {_LAST} {_OF_NAMESPACE} AND name IN ({', '.join('?' * len(asked))})"
        for *columns, last in connection.execute(query, (namespace, *asked)).fetchall():
            row = Row(*columns)
            yield row, _head(row, last)


def create(
    connection: sqlite3.Connection,
    namespace: str,
    thread: str,
    *,
    parent: int | None = None,
    forked_at: int = 0,
    plan_base: int = 0,
    shared_plans: int = 0,
    created: datetime | None = None,
) -> Row:
    """Add a thread that is not there."""
    connection.execute("INSERT OR IGNORE INTO namespaces (name) VALUES (?)", (namespace,))
    moment = ((created or datetime.now(UTC)) - _EPOCH) // timedelta(microseconds=1)
    values = (parent, forked_at, plan_base, shared_plans, moment)
    number = connection.execute(
        "INSERT INTO threads (namespace, name, parent, forked_at, plan_base, shared_plans, created) "
        "VALUES ((SELECT id FROM namespaces WHERE name = ?), ?, ?, ?, ?, ?, ?)",
        (namespace, thread, *values),
    ).lastrowid
    assert number is not None  # noqa: S101 - an INSERT has a row id
    return Row(number, thread, *values)


def head_of(connection: sqlite3.Connection, row: Row) -> int:
    """Return the sequence number of a thread's newest message."""
    last = connection.execute(
        "SELECT max(place) FROM messages WHERE place BETWEEN ? AND ?",
        (place(row.number, 1), place(row.number, MOST)),
    ).fetchone()[0]
    return _head(row, last)


def _head(row: Row, last: int | None) -> int:
    return row.forked_at if last is None else seq_at(last)


def ancestors(connection: sqlite3.Connection, row: Row) -> Iterator[Row]:
    """Yield the thread itself, then its parents up to the first, forgotten ones too."""
    yield row
    while row.parent is not None:
        row = Row(*connection.execute(f"{_SELECT} WHERE id = ?", (row.parent,)).fetchone())
        yield row


def lineage(connection: sqlite3.Connection, row: Row, upto: int = MOST) -> list[Span]:
    """Return the spans that make up a thread up to a message, newest first."""
    spans = []
    for ancestor in ancestors(connection, row):
        if upto > ancestor.forked_at:
            spans.append(Span(ancestor.number, ancestor.forked_at + 1, upto))
        upto = min(upto, ancestor.forked_at)
    return spans


def spans(connection: sqlite3.Connection, row: Row, start: int, stop: int) -> list[Span]:
    """Return what of a thread lies between two sequence numbers, in log order; none is past the head."""
    if row.parent is None:
        found = [Span(row.number, start, stop)]
    else:
        found = [span.clipped(start, stop) for span in reversed(lineage(connection, row, stop))]
    return [span for span in found if span.first <= span.last]


def places_of(spans: Sequence[Span], seqs: Iterable[int]) -> list[int]:
    """Return where messages lie in these spans, which are in log order; those outside are left out."""
    wanted = sorted(set(seqs))
    return [
        place(span.thread, seq)
        for span in spans
        for seq in wanted[bisect_left(wanted, span.first) : bisect_right(wanted, span.last)]
    ]


def info(connection: sqlite3.Connection, row: Row, head: int | None = None) -> ThreadInfo:
    """Return a thread as a user sees it; its head is looked up where it is not known yet."""
    parent, forked_at, _ = origin(connection, row)
    return ThreadInfo(
        id=row.name or "",
        head=head_of(connection, row) if head is None else head,
        created=_EPOCH + timedelta(microseconds=row.created),
        parent=parent,
        forked_at=forked_at if parent is not None else None,
    )


def origin(connection: sqlite3.Connection, row: Row) -> tuple[str | None, int, int]:
    """Return the nearest of a thread's parents that was not forgotten, and what it shares with it.

    Returns:
        Its id, None if there is none, the last message, and the last plan.
    """
    seq, plan = row.forked_at, row.shared_plans
    for ancestor in islice(ancestors(connection, row), 1, None):
        if ancestor.name is not None:
            return ancestor.name, seq, plan
        seq, plan = min(seq, ancestor.forked_at), min(plan, ancestor.shared_plans)
    return None, 0, 0


def page(connection: sqlite3.Connection, namespace: str, after: str) -> list[tuple[Row, int]]:
    """Return the next threads of a namespace, by id, and their heads; the first come after the empty id."""
    found = connection.execute(_SELECT_PAGE, (namespace, after, _PAGE)).fetchall()
    rows = ((Row(*columns), last) for *columns, last in found)
    return [(row, _head(row, last)) for row, last in rows]


def infos(connections: Connections, namespace: str) -> Iterator[ThreadInfo]:
    """Yield every thread of a namespace, by id, read a page at a time."""
    after: str | None = ""
    while after is not None:
        with connections.reading() as connection:
            found = page(connection, namespace, after)
            some = [info(connection, row, head) for row, head in found]
        yield from some
        after = some[-1].id if len(some) == _PAGE else None


def fork(connection: sqlite3.Connection, namespace: str, thread: str, new: str, at: int | None) -> ThreadInfo:
    """Open ``new`` as a continuation of ``thread`` after message ``at``: one row, and its copy of the state.

    Raises:
        UnknownThread: If ``thread`` is not there.
        ThreadExists: If ``new`` is.
        UnknownMessage: If ``at`` is not between 0 and the head.
    """
    row = require(connection, namespace, thread)
    if look_up(connection, namespace, new) is not None:
        raise ThreadExists(f"there is a thread {new!r} already; choose another id for the fork")
    head = head_of(connection, row)
    at = head if at is None else at
    if not 0 <= at <= head:
        raise UnknownMessage(f"thread {thread!r} has messages 1 to {head}, none at {at}")
    from memex_sqlite.notes import plan_page

    plans = plan_page(connection, row, before=MOST, head=at, limit=1)
    shared = plans[0].number if plans else 0
    made = create(
        connection,
        namespace,
        new,
        parent=row.number,
        forked_at=at,
        plan_base=shared,
        shared_plans=shared,
    )
    connection.execute(
        "INSERT INTO state (thread, key, value) SELECT ?, key, value FROM state WHERE thread = ?",
        (made.number, row.number),
    )
    return info(connection, made)
