"""The log: appending messages and reading them back."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from memex import Appended, Conflict, Entry, Message, decode_message, searchable_text, terms
from memex_sqlite.connections import Connections
from memex_sqlite.threads import Row, Span, head_of, lineage, place, seq_at

_FIRST_PAGE = 16
_LARGEST_PAGE = 512
_PAGE_CHARACTERS = 1 << 20
ROLES = ("system", "developer", "user", "assistant", "tool")
_RULES = frozenset({"system", "developer"})
_READ = {  # by: only system and developer messages, newest first
    (False, False): """
        SELECT place, body, tokens, counter FROM messages
        WHERE place BETWEEN ? AND ? AND (? OR role IN (?, ?, ?, ?, ?))
        ORDER BY place LIMIT ?""",
    (False, True): """
        SELECT place, body, tokens, counter FROM messages
        WHERE place BETWEEN ? AND ? AND (? OR role IN (?, ?, ?, ?, ?))
        ORDER BY place DESC LIMIT ?""",
    # In the very words of the index messages_rules, so that SQLite sees that it is enough.
    (True, False): """
        SELECT place, body, tokens, counter FROM messages
        WHERE place BETWEEN ? AND ? AND role IN ('system', 'developer') AND (? OR role IN (?, ?, ?, ?, ?))
        ORDER BY place LIMIT ?""",
    (True, True): """
        SELECT place, body, tokens, counter FROM messages
        WHERE place BETWEEN ? AND ? AND role IN ('system', 'developer') AND (? OR role IN (?, ?, ?, ?, ?))
        ORDER BY place DESC LIMIT ?""",
}


class Draft(NamedTuple):
    """A message that is to be stored."""

    message: Message
    body: str
    tokens: int


def append(
    connection: sqlite3.Connection, row: Row, drafts: Sequence[Draft], counter: str | None, expect: int | None
) -> Appended:
    """Append a batch; the caller holds the transaction.

    Raises:
        Conflict: If the head is not ``expect``, or an id is there with other content.
    """
    head = head_of(connection, row)
    if expect is not None and expect != head:
        raise Conflict(f"thread {row.name!r} is at {head}, not at {expect}; read it again")
    known = locate(connection, row, [message.id for message, _, _ in drafts])
    entries = []
    messages, words = [], []
    for message, body, tokens in drafts:
        if message.id in known:
            entries.append(_already_there(connection, row, known[message.id], message, body))
            continue
        head += 1
        entries.append(Entry(head, message, tokens, counter))
        at = place(row.number, head)
        messages.append((at, row.number, message.id, message.role, body, tokens, counter))
        words.append((at, " ".join(terms(searchable_text(message)))))
    connection.executemany(
        "INSERT INTO messages (place, thread, id, role, body, tokens, counter) VALUES (?, ?, ?, ?, ?, ?, ?)",
        messages,
    )
    connection.executemany("INSERT INTO word_index (rowid, words) VALUES (?, ?)", words)
    return Appended(tuple(entries), head, len(messages))


def _already_there(connection: sqlite3.Connection, row: Row, at: int, message: Message, body: str) -> Entry:
    stored, tokens, counter, forgotten = connection.execute(
        "SELECT body, tokens, counter, forgotten FROM messages WHERE place = ?", (at,)
    ).fetchone()
    if stored == body:
        return Entry(seq_at(at), message, tokens, counter)
    why = "was forgotten" if forgotten else "has other content"
    raise Conflict(f"message {message.id!r} of thread {row.name!r} {why}; nothing was appended")


def locate(connection: sqlite3.Connection, row: Row, ids: Iterable[str]) -> dict[str, int]:
    """Return the places of those messages that the thread has, its parents' included."""
    places: dict[str, int] = {}
    spans = lineage(connection, row)
    for message_id in filter(_is_text, ids):
        for span in spans:
            found = connection.execute(
                "SELECT place FROM messages WHERE thread = ? AND id = ? AND place <= ?",
                (span.thread, message_id, span.places[1]),
            ).fetchone()
            if found is not None:
                places[message_id] = found[0]
                break
    return places


def _is_text(value: str) -> bool:
    """Tell whether SQLite can be asked for it at all: no lone surrogates."""
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def get(connection: sqlite3.Connection, row: Row, ids: Sequence[str]) -> list[Entry]:
    """Return the entries of these ids, in the order asked, without the missing ones."""
    places = locate(connection, row, dict.fromkeys(ids))
    found = (at for message_id in ids if (at := places.get(message_id)) is not None)
    return [entry_at(connection, at) for at in found]


def entry_at(connection: sqlite3.Connection, at: int) -> Entry:
    """Return the message at a place."""
    return _entry(
        connection.execute(
            "SELECT place, body, tokens, counter FROM messages WHERE place = ?", (at,)
        ).fetchone()
    )


def _entry(found: tuple[int, str, int, str | None]) -> Entry:
    at, body, tokens, counter = found
    return Entry(seq_at(at), decode_message(body), tokens, counter)


def read(
    connections: Connections, spans: Sequence[Span], roles: Collection[str] | None, *, reverse: bool
) -> Iterator[Entry]:
    """Yield the messages of these spans, given in reading order, a page at a time.

    No statement stays open between pages, so a reader that stops half way holds nothing up.
    """
    only_rules = roles is not None and _RULES.issuperset(roles)
    statement = _READ[only_rules, reverse]
    wanted = (roles is None, *five(roles))
    size = _FIRST_PAGE
    for span in spans:
        first, last = span.places
        while first <= last:
            with connections.reading() as connection:
                rows = connection.execute(statement, (first, last, *wanted, size)).fetchall()
            yield from map(_entry, rows)
            if len(rows) < size:
                break
            first, last = (first, rows[-1][0] - 1) if reverse else (rows[-1][0] + 1, last)
            size = _next_size(size, sum(len(row[1]) for row in rows))


def five(roles: Collection[str] | None) -> list[str | None]:
    """Return the roles that are asked for, as the five values that the statements take."""
    asked = [role for role in ROLES if roles is not None and role in roles]
    return [*asked, *[None] * (len(ROLES) - len(asked))]


def _next_size(size: int, characters: int) -> int:
    """Read more at a time as the reader goes on, but never much more than a megabyte."""
    average = max(1, characters // size)
    return max(1, min(size * 2, _LARGEST_PAGE, _PAGE_CHARACTERS // average))
