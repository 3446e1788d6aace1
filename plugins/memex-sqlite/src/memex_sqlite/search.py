"""Finding messages by their words, with SQLite's FTS5."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Sequence

from memex import Hit, Postings, searchable_text, snippet
from memex_sqlite.log import entry_at, five
from memex_sqlite.threads import SEQ_BITS, Row, lineage, seq_at

# What memex.terms can give: the index has nothing else, and FTS5 would split anything else.
_TERM = re.compile("[a-z0-9\u0080-\ud7ff\ue000-\U0010ffff]+")

# Ranking a match costs words times matches in FTS5: long queries are put to it in pieces.
_GROUP = 64


def find(
    connection: sqlite3.Connection, row: Row, words: Sequence[str], *, upto: int, limit: int
) -> list[Postings]:
    """Return the newest places of each word among a thread's messages ``1..upto``."""
    spans = lineage(connection, row, upto)
    postings = []
    for word in words:
        seqs: list[int] = []
        for span in spans if _TERM.fullmatch(word) else ():
            found = connection.execute(
                "SELECT rowid FROM word_index WHERE word_index MATCH ? AND rowid BETWEEN ? AND ? "
                "ORDER BY rowid DESC LIMIT ?",
                (_quoted(word), *span.places, limit - len(seqs)),
            )
            seqs += [seq_at(place) for (place,) in found]
            if len(seqs) >= limit:
                break
        postings.append(Postings(word, tuple(seqs)))
    return postings


def search(
    connection: sqlite3.Connection,
    words: Sequence[str],
    *,
    namespace: str,
    thread: Row | None,
    match_all: bool,
    roles: Collection[str] | None,
    limit: int,
) -> list[Hit]:
    """Return the best messages for ``words``, best first, newest first among equals."""
    scores: dict[int, float] = {}
    groups = [words[start : start + _GROUP] for start in range(0, len(words), _GROUP)]
    for number, group in enumerate(groups):
        query = (" AND " if match_all else " OR ").join(map(_quoted, group))
        # Of several groups each has to tell all its matches, because scores add up over words.
        most = limit if len(groups) == 1 else -1
        if thread is not None:
            found = _ranked_in_thread(connection, thread, query, roles, most)
        else:
            found = _ranked_in_namespace(connection, namespace, query, roles, most)
        if match_all and number:
            scores = {place: scores[place] + score for place, score in found if place in scores}
        else:
            scores |= {place: scores.get(place, 0.0) + score for place, score in found}
    best = sorted(scores.items(), key=lambda hit: (-hit[1], -seq_at(hit[0])))[:limit]
    hits = []
    for place, score in best:
        entry = entry_at(connection, place)
        name = thread.name if thread else _owner(connection, place)
        hits.append(Hit(name or "", entry, score, snippet(searchable_text(entry.message), set(words))))
    return hits


def _ranked_in_thread(
    connection: sqlite3.Connection, row: Row, query: str, roles: Collection[str] | None, limit: int
) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    for span in lineage(connection, row):
        found += connection.execute(
            """SELECT rowid, -rank FROM word_index
            WHERE word_index MATCH ? AND rowid BETWEEN ? AND ?
            AND (? OR (SELECT role FROM messages WHERE place = word_index.rowid) IN (?, ?, ?, ?, ?))
            ORDER BY rank, rowid DESC LIMIT ?""",
            (query, *span.places, roles is None, *five(roles), limit),
        ).fetchall()
    return found


def _ranked_in_namespace(
    connection: sqlite3.Connection, namespace: str, query: str, roles: Collection[str] | None, limit: int
) -> list[tuple[int, float]]:
    return connection.execute(
        """SELECT rowid, -rank FROM word_index
        WHERE word_index MATCH ?
        AND (? OR (SELECT role FROM messages WHERE place = word_index.rowid) IN (?, ?, ?, ?, ?))
        AND (SELECT namespace FROM threads WHERE id = word_index.rowid >> 32)
            = (SELECT id FROM namespaces WHERE name = ?)
        ORDER BY rank, rowid DESC LIMIT ?""",
        (query, roles is None, *five(roles), namespace, limit),
    ).fetchall()


def _owner(connection: sqlite3.Connection, place: int) -> str:
    name: str = connection.execute("SELECT name FROM threads WHERE id = ?", (place >> SEQ_BITS,)).fetchone()[
        0
    ]
    return name


def _quoted(word: str) -> str:
    # FTS5 has a query language; between quotes it is only a word.
    return '"' + word.replace('"', '""') + '"'
