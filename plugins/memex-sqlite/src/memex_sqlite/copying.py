"""Threads as images: taken out of one store, and made the same in this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from memex import (
    Entry,
    InvalidMessage,
    StoredPlan,
    ThreadExists,
    ThreadImage,
    ThreadInfo,
    checked_entries,
    checked_plans,
)
from memex_sqlite import log, notes, threads
from memex_sqlite.rows import Draft, draft
from memex_sqlite.threads import Row, place

_AT_A_TIME = 500


def image(connection: sqlite3.Connection, row: Row) -> ThreadImage:
    """Return what a thread has besides its messages and plans."""
    shared = threads.origin(connection, row)[2]
    return ThreadImage(threads.info(connection, row), row.plan_base, shared, notes.all_state(connection, row))


def restore(
    connection: sqlite3.Connection,
    namespace: str,
    image: ThreadImage,
    entries: Iterable[Entry],
    plans: Iterable[StoredPlan],
) -> ThreadInfo:
    """Make a thread as another store had it, in the caller's transaction.

    Raises:
        ThreadExists: If there is one of its id.
        UnknownThread: If its parent is not there.
        InvalidMessage: If something is missing or cannot be kept.
    """
    info = image.info
    if threads.look_up(connection, namespace, info.id) is not None:
        raise ThreadExists(f"there is a thread {info.id!r} already; nothing was restored")
    parent = None if info.parent is None else threads.require(connection, namespace, info.parent)
    shared = info.forked_at or 0
    if shared > (threads.head_of(connection, parent) if parent else 0):
        raise InvalidMessage(f"thread {info.id!r}: its parent is too short; nothing was restored")
    row = threads.create(
        connection,
        namespace,
        info.id,
        parent=parent.number if parent else None,
        forked_at=shared,
        plan_base=image.plan_base,
        shared_plans=image.shared_plans,
        created=info.created,
    )
    for batch in _batches(checked_entries(image, entries)):
        drafts = [(place(row.number, seq), one) for seq, one in batch]
        ids = [one.message.id for _, one in batch]
        if len(set(ids)) < len(ids) or log.locate(connection, row, ids):
            raise InvalidMessage(f"thread {info.id!r}: an id is there twice; nothing was restored")
        log.insert(connection, drafts)
    for plan in checked_plans(image, plans):
        notes.insert_plan(connection, row, plan)
    for key, value in image.state.items():
        notes.put_state(connection, row, key, value)
    return threads.info(connection, row)


def _batches(entries: Iterable[Entry]) -> Iterator[list[tuple[int, Draft]]]:
    drafts = ((entry.seq, draft(entry.message, entry.tokens, entry.counter)) for entry in entries)
    while batch := list(islice(drafts, _AT_A_TIME)):
        yield batch
