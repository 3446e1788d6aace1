"""Finding messages by their words, with SQLite's FTS5."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from memex import Clause, Hit, Postings, Sieve, searchable_text, snippet
from memex_sqlite.reading import entries_at, five
from memex_sqlite.threads import MOST, SEQ_BITS, Row, Span, lineage, seq_at

# What memex.terms can give: the index has nothing else, and FTS5 would split anything else.
_TERM = re.compile("[a-z0-9\u0080-\ud7ff\ue000-\U0010ffff]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MATCHES: Final = (
    "SELECT rowid FROM word_index WHERE word_index MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC"
)
"""The places where a word stands, newest first, between two."""

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
        term = fts_term(word)
        for span in spans if term is not None else ():
            found = connection.execute(f"{MATCHES} LIMIT ?", (term, *span.places, limit - len(seqs)))
            seqs += [place & MOST for (place,) in found]
            if len(seqs) >= limit:
                break
        postings.append(Postings(word, tuple(seqs)))
    return postings


def search(
    connection: sqlite3.Connection,
    clauses: Sequence[Clause],
    sieve: Sieve,
    *,
    namespace: str,
    thread: Row | None,
    match_all: bool,
    limit: int,
) -> list[Hit]:
    """Return the best messages for ``clauses``, best first, newest first among equals."""
    scope = _Scope(connection, namespace, thread)
    words = {word for clause in clauses for word in clause.words}
    ranked = _ranked(connection, clauses, sieve, scope, match_all=match_all, limit=limit)
    hits: list[Hit] = []
    owners: dict[int, str] = {}
    while len(hits) < limit and (some := list(islice(ranked, limit))):
        entries = entries_at(connection, [place for place, _ in some])
        for (place, score), entry in zip(some, entries, strict=True):
            if sieve.accepts(entry.message):
                name = thread.name if thread else _owner(connection, place >> SEQ_BITS, owners)
                hits.append(Hit(name or "", entry, score, snippet(searchable_text(entry.message), words)))
    return hits[:limit]


class _Scope:
    """Which messages are searched: those of a thread and what it shares, or of a namespace."""

    def __init__(self, connection: sqlite3.Connection, namespace: str, thread: Row | None) -> None:
        self.spans: list[Span] | None = lineage(connection, thread) if thread else None
        self.number = 0
        """Number of the namespace, 0 if it has nothing yet."""
        self.among_others = False
        """Whether matches of other namespaces have to be left out."""
        if thread is None:
            count, number = connection.execute(
                "SELECT count(*), max(id) FILTER (WHERE name = ?) FROM namespaces", (namespace,)
            ).fetchone()
            self.number = number or 0
            # Asking each match for its namespace costs more than ranking it; mostly there is one.
            self.among_others = count > 1 or not number


def _ranked(
    connection: sqlite3.Connection,
    clauses: Sequence[Clause],
    sieve: Sieve,
    scope: _Scope,
    *,
    match_all: bool,
    limit: int,
) -> Iterator[tuple[int, float]]:
    """Yield places and scores of what may be a hit, best first: as far as the reader goes."""
    groups = [clauses[start : start + _GROUP] for start in range(0, len(clauses), _GROUP)]
    join = " AND " if match_all else " OR "
    if len(groups) == 1 and (scope.spans is None or len(scope.spans) == 1):
        query = join.join(map(_fts, groups[0]))
        # Sorting the few that are wanted is cheaper than all. What the notes rule out costs another look.
        most = limit if sieve.meta is None else -1
        yield from _matches(connection, query, sieve, scope, f"ORDER BY rank, rowid DESC LIMIT {most:d}")
        return
    # Scores add up over words, so each group has to tell all its matches.
    scores: dict[int, float] = {}
    for number, group in enumerate(groups):
        found = dict(_matches(connection, join.join(map(_fts, group)), sieve, scope, ""))
        if match_all and number:
            scores = {place: scores[place] + score for place, score in found.items() if place in scores}
        else:
            scores = scores | {place: scores.get(place, 0.0) + score for place, score in found.items()}
    yield from sorted(scores.items(), key=lambda hit: (-hit[1], -seq_at(hit[0])))


def _matches(
    connection: sqlite3.Connection, query: str, sieve: Sieve, scope: _Scope, order: str
) -> Iterator[tuple[int, float]]:
    """Yield places and scores of what the index finds."""
    conditions, values = _conditions(sieve, scope)
    for span in scope.spans if scope.spans is not None else [None]:
        within, places = ("AND rowid BETWEEN ? AND ?", span.places) if span else ("", ())
        yield from connection.execute(
            f"SELECT rowid, -rank FROM word_index WHERE word_index MATCH ? {within} {conditions} {order}",
            (query, *places, *values),
        )


def _conditions(sieve: Sieve, scope: _Scope) -> tuple[str, list[object]]:
    """Return what SQLite can sift by itself; the sieve looks at what comes through."""
    conditions, values = "", list[object]()
    if scope.among_others:
        conditions += " AND (SELECT namespace FROM threads WHERE id = word_index.rowid >> 32) = ?"
        values.append(scope.number)
    if sieve.roles is not None:
        conditions += " AND (SELECT role FROM messages WHERE place = word_index.rowid) IN (?, ?, ?, ?, ?)"
        values += five(sieve.roles)
    for moment, sign in ((sieve.since, ">="), (sieve.until, "<")):
        if moment is not None:
            conditions += f" AND (SELECT created FROM messages WHERE place = word_index.rowid) {sign} ?"
            values.append((moment - _EPOCH) // timedelta(microseconds=1))
    return conditions, values


def _owner(connection: sqlite3.Connection, number: int, known: dict[int, str]) -> str:
    if number not in known:
        found = connection.execute("SELECT name FROM threads WHERE id = ?", (number,)).fetchone()
        known[number] = found[0]
    return known[number]


def fts_term(word: str) -> str | None:
    """Return a word in the language of FTS5; None for what no message can hold."""
    return _quoted(word) if _TERM.fullmatch(word) else None


def _fts(clause: Clause) -> str:
    """Return a clause in the language of FTS5."""
    return _quoted(" ".join(clause.words)) + (" *" if clause.prefix else "")


def _quoted(word: str) -> str:
    # FTS5 has a query language; between quotes there are only words.
    return '"' + word.replace('"', '""') + '"'
