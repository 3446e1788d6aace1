"""The log: appending messages, each once, and finding them by id."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from memex import Appended, Conflict, Entry
from memex_sqlite import word_index
from memex_sqlite.reading import counter_names, entries_at, stored_at
from memex_sqlite.rows import Draft, packed_id
from memex_sqlite.threads import Opened, Row, lineage, place, seq_at

_AT_A_TIME = 250
_INSERT = (
    "INSERT INTO messages (place, tokens, counter, id, role, created, text, json) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def append(
    connection: sqlite3.Connection,
    opened: Opened,
    drafts: Sequence[Draft],
    expect: int | None,
    counters: Mapping[int, str],
) -> Appended:
    """Append a batch; the caller holds the transaction.

    Args:
        connection: Where the transaction is.
        opened: The thread.
        drafts: The messages.
        expect: What the head must be, where that matters.
        counters: Names of counters that are known already.

    Raises:
        Conflict: If the head is not ``expect``, or an id is there with other content.
    """
    row, head, indexed = opened
    if expect is not None and expect != head:
        raise Conflict(f"thread {row.name!r} is at {head}, not at {expect}; read it again")
    if len(drafts) == 1 and row.parent is None:
        # The usual case. Whether the id is new the table itself knows, without being asked before.
        only, at = drafts[0], place(row.number, head + 1)
        if _insert_if_new(connection, at, only, _counter(connection, only.counter, counters)):
            _complete(connection, [(at, only)], indexed=indexed)
            return Appended((Entry(head + 1, only.message, only.tokens, only.counter),), head + 1, 1)
    known = locate(connection, row, [draft.message.id for draft in drafts])
    entries = []
    placed: list[tuple[int, Draft]] = []
    for draft in drafts:
        if draft.message.id in known:
            entries.append(_already_there(connection, row, known[draft.message.id], draft))
            continue
        head += 1
        entries.append(Entry(head, draft.message, draft.tokens, draft.counter))
        placed.append((place(row.number, head), draft))
    insert(connection, placed)
    return Appended(tuple(entries), head, len(placed))


def insert(connection: sqlite3.Connection, placed: Sequence[tuple[int, Draft]]) -> None:
    """Put messages at places where there are none, with their words and their pictures."""
    counters = {name: _counter(connection, name, {}) for name in {draft.counter for _, draft in placed}}
    connection.executemany(
        _INSERT, [(at, draft.tokens, counters[draft.counter], *draft.columns) for at, draft in placed]
    )
    _complete(connection, placed, indexed=word_index.is_kept(connection))


def _insert_if_new(connection: sqlite3.Connection, at: int, draft: Draft, counter: int | None) -> bool:
    """Insert a message unless the thread has one of its id; tell whether it was inserted."""
    done = connection.execute(
        f"{_INSERT} ON CONFLICT DO NOTHING", (at, draft.tokens, counter, *draft.columns)
    )
    return done.rowcount == 1


def _complete(connection: sqlite3.Connection, placed: Sequence[tuple[int, Draft]], *, indexed: bool) -> None:
    """Add the words and the pictures of messages that were inserted."""
    if indexed:
        words = [(at, word_index.words_of(draft.message)) for at, draft in placed if not _is_tombstone(draft)]
        word_index.add(connection, words)
    for at, draft in placed:
        for digest, data in draft.blobs.items():
            _keep_blob(connection, at, bytes.fromhex(digest), data)


def _is_tombstone(draft: Draft) -> bool:
    return draft.columns.text is None and draft.columns.json is None


def _counter(connection: sqlite3.Connection, name: str | None, known: Mapping[int, str]) -> int | None:
    if name is None:
        return None
    for number, given in known.items():
        if given == name:
            return number
    found = connection.execute("SELECT id FROM counters WHERE name = ?", (name,)).fetchone()
    if found is None:
        return connection.execute("INSERT INTO counters (name) VALUES (?)", (name,)).lastrowid
    kept: int = found[0]
    return kept


def _keep_blob(connection: sqlite3.Connection, at: int, digest: bytes, data: bytes) -> None:
    connection.execute("INSERT OR IGNORE INTO blobs (sha256, data) VALUES (?, ?)", (digest, data))
    connection.execute(
        "INSERT INTO message_blobs SELECT ?, id FROM blobs WHERE sha256 = ?",
        (at, digest),
    )


def _already_there(connection: sqlite3.Connection, row: Row, at: int, draft: Draft) -> Entry:
    stored = stored_at(connection, at)
    if stored[3:] == draft.columns:
        counter = counter_names(connection).get(stored[2] or 0)
        return Entry(seq_at(at), draft.message, stored[1], counter)
    why = "was forgotten" if stored[-2] is stored[-1] is None else "has other content"
    raise Conflict(f"message {draft.message.id!r} of thread {row.name!r} {why}; nothing was appended")


def locate(connection: sqlite3.Connection, row: Row, ids: Iterable[str]) -> dict[str, int]:
    """Return the places of those messages that the thread has, its parents' included."""
    places: dict[str, int] = {}
    missing = {packed_id(one): one for one in ids if _is_text(one)}
    for span in lineage(connection, row):
        if not missing:
            break
        packed = list(missing)
        for start in range(0, len(packed), _AT_A_TIME):
            some = packed[start : start + _AT_A_TIME]
            found = connection.execute(
                f"SELECT id, place FROM messages WHERE id IN ({', '.join('?' * len(some))}) "
                "AND place >> 32 = ? AND place <= ?",
                (*some, span.thread, span.places[1]),
            )
            places |= {missing.pop(stored): at for stored, at in found.fetchall()}
    return places


def _is_text(value: str) -> bool:
    """Tell whether SQLite can be asked for it at all: no lone surrogates."""
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def get(connection: sqlite3.Connection, row: Row, ids: Sequence[str]) -> list[Entry]:
    """Return the entries of these ids, in the order asked, without the missing ones."""
    places = locate(connection, row, dict.fromkeys(ids))
    found = (at for message_id in ids if (at := places.get(message_id)) is not None)
    return entries_at(connection, list(found))
