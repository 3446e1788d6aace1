"""Looking into many threads at once: one walk for each word, and one read for all messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Final

from memex import Entry, Postings
from memex_sqlite.reading import entries_at
from memex_sqlite.search import MATCHES, fts_term
from memex_sqlite.threads import MOST, lineage, look_up_some, places_of, spans

_PASSED: Final = 64
"""So many matches in a row that nobody wants are passed by: asking anew, for those behind, costs as much."""


def find_in(
    connection: sqlite3.Connection,
    namespace: str,
    heads: Mapping[str, int],
    words: Sequence[str],
    *,
    limit: int,
) -> dict[str, list[Postings]]:
    """Return the newest places of words in several threads, each up to a message."""
    stretches = _stretches(connection, namespace, heads)
    found: dict[str, list[Postings]] = {}
    for word in words if limit > 0 and stretches else ():
        if (term := fts_term(word)) is not None:
            for name, seqs in _walk(connection, term, stretches, limit).items():
                found.setdefault(name, []).append(Postings(word, tuple(seqs)))
    return found


def entries_in(
    connection: sqlite3.Connection,
    namespace: str,
    wanted: Mapping[str, Collection[int]],
    counters: dict[int, str],
) -> dict[str, list[Entry]]:
    """Return the messages at places of several threads; ``counters`` are names that are known already."""
    places = {
        row.name or "": places_of(spans(connection, row, 1, head), wanted[row.name or ""])
        for row, head in look_up_some(connection, namespace, wanted)
    }
    read = iter(entries_at(connection, [at for some in places.values() for at in some], counters))
    return {name: list(islice(read, len(some))) for name, some in places.items()}


class _Stretch:
    """Messages that one thread has of its own, as far as threads that were asked for have them.

    Attributes:
        first: The first place.
        readers: The last place for each of those threads, and its name; the last of all comes first.
    """

    __slots__ = ("first", "readers")

    def __init__(self, first: int, readers: Sequence[tuple[int, str]]) -> None:
        self.first = first
        self.readers = readers

    def give(self, match: int, found: dict[str, list[int]], limit: int) -> bool:
        """Give a match to the threads that have it and want more; tell whether any did."""
        given = False
        for last, name in self.readers:
            if match > last:
                break
            seqs = found.setdefault(name, [])
            if len(seqs) < limit:
                seqs.append(match & MOST)
                given = True
        return given

    def wanted(self, below: int, found: Mapping[str, list[int]], limit: int) -> int | None:
        """Return the last place below another where a thread wants more to be found."""
        lasts = (last for last, name in self.readers if len(found.get(name, ())) < limit)
        return next((last for last in lasts if last < below), None)


def _stretches(connection: sqlite3.Connection, namespace: str, heads: Mapping[str, int]) -> list[_Stretch]:
    """Return where the messages of threads lie, in falling order: what a fork shares comes after its own."""
    readers: dict[int, list[tuple[int, str]]] = {}
    for row, _ in look_up_some(connection, namespace, heads):
        name = row.name or ""
        for span in lineage(connection, row, max(0, min(heads[name], MOST))):
            first, last = span.places
            readers.setdefault(first, []).append((last, name))
    return [
        _Stretch(first, sorted(some, reverse=True)) for first, some in sorted(readers.items(), reverse=True)
    ]


def _walk(
    connection: sqlite3.Connection, term: str, stretches: Sequence[_Stretch], limit: int
) -> dict[str, list[int]]:
    """Return in which messages of the threads a term stands, newest first."""
    found: dict[str, list[int]] = {}
    at, begin = 0, stretches[0].readers[0][0]
    while at < len(stretches):
        passed = 0
        for (match,) in connection.execute(MATCHES, (term, stretches[-1].first, begin)):
            while match < stretches[at].first:
                at += 1
            passed = 0 if stretches[at].give(match, found, limit) else passed + 1
            if passed > _PASSED:
                break
        else:
            break
        at, begin = _behind(match, stretches, at, found, limit)
    return found


def _behind(
    match: int, stretches: Sequence[_Stretch], at: int, found: Mapping[str, list[int]], limit: int
) -> tuple[int, int]:
    """Return the next stretch in which a thread wants more to be found below a match, and where to begin."""
    for number in range(at, len(stretches)):
        if (begin := stretches[number].wanted(match, found, limit)) is not None:
            return number, begin
    return len(stretches), 0
