"""Searching: indexes of words in this process's memory, built on first use and then kept up."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from memex import Clause, Hit, Postings, Sieve, TermIndex, searchable_text, snippet, terms
from memex_jsonl.lines import entry_in
from memex_jsonl.log import Log
from memex_jsonl.space import Space

_PAGE = 256
_FEW = 64


class _Indexed:
    """How much of one log an index holds."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.upto = log.header.forked_at
        self.words = TermIndex()


class Words:
    """The words of a namespace's messages.

    There are two kinds of index: one for each log, which :meth:`find` reads so that an answer never
    depends on other threads, and one for all, which ranks. Each is built when it is first asked.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_log: dict[str, _Indexed] = {}
        self._start_anew()

    def _start_anew(self) -> None:
        self._all = TermIndex()
        self._reached: dict[str, tuple[Log, int]] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._owners: list[tuple[str, int]] = []

    def find(
        self, space: Space, thread: str, words: Sequence[str], *, upto: int, limit: int
    ) -> list[Postings]:
        """Return the newest places of each word in a thread, its parents' included."""
        places: list[list[int]] = [[] for _ in words]
        for log, last in space.lineage(space.found(thread)):
            with self._lock:
                index = self._indexed(log)
                found = index.find(words, upto=min(upto, last), limit=limit)
            for mine, postings in zip(places, found, strict=True):
                mine.extend(postings.seqs[: limit - len(mine)])
        return [Postings(word, tuple(mine)) for word, mine in zip(words, places, strict=True)]

    def search(
        self,
        space: Space,
        clauses: Sequence[Clause],
        sieve: Sieve,
        *,
        thread: str | None,
        all_of: bool,
        limit: int,
    ) -> list[Hit]:
        """Return the best messages, best first; all threads are brought up to date before."""
        within = None if thread is None else space.found(thread)
        if limit < 1 or not clauses:
            return []
        words = {word for clause in clauses for word in clause.words}
        hits: list[Hit] = []
        with self._lock:
            for score, log, seq in self._ranked(space, clauses, within, all_of=all_of):
                entry = log.entry(seq)
                if sieve.accepts(entry.message):
                    text = snippet(searchable_text(entry.message), words)
                    hits.append(Hit((within or log).header.thread, entry, score, text))
                    if len(hits) >= limit:
                        break
        return hits

    def _ranked(
        self, space: Space, clauses: Sequence[Clause], within: Log | None, *, all_of: bool
    ) -> Iterator[tuple[float, Log, int]]:
        """Yield the places that match, best first. A thread that shares nothing needs no other's words."""
        if within is not None and within.header.parent is None:
            for score, seq in self._indexed(within).rank(clauses, match_all=all_of):
                yield score, within, seq
            return
        spans = None
        if within is not None:
            spans = {log.header.log: upto for log, upto in space.lineage(within)}
        logs = self._catch_up(space)
        for score, number in self._all.rank(clauses, match_all=all_of):
            name, seq = self._owners[number]
            if spans is None or seq <= spans.get(name, 0):
                yield score, logs[name], seq

    def _catch_up(self, space: Space) -> dict[str, Log]:
        """Index what is new in every thread, and take out what was forgotten."""
        logs = {log.header.log: log for log in space.logs(ghosts=True)}
        gone: list[tuple[str, int]] = []
        for name, (known, upto) in self._reached.items():
            log = logs.get(name)
            if log is None:
                gone += [(name, seq) for seq in range(known.first, upto + 1)]
            elif log.header.rewritten != known.header.rewritten:
                gone += [
                    (name, seq)
                    for seq in range(known.first, upto + 1)
                    if seq > log.head or log.is_forgotten(seq)
                ]
        gone = [place for place in gone if place in self._numbers]
        if len(gone) > _FEW:
            self._start_anew()
        for place in gone:
            number = self._numbers.pop(place, None)
            if number is not None:
                self._all.remove(number)
        for name in self._by_log.keys() - logs.keys():
            del self._by_log[name]
        self._reached = {name: reached for name, reached in self._reached.items() if name in logs}
        for name, log in logs.items():
            upto = self._reached[name][1] if name in self._reached else log.header.forked_at
            head = log.head
            for seq, said in _texts(log, upto + 1, head):
                number = len(self._owners)
                self._owners.append((name, seq))
                self._numbers[name, seq] = number
                self._all.add(number, said)
                self._reached[name] = (log, seq)  # so that a failure half way leaves no message twice
            self._reached[name] = (log, max(head, upto))
        return logs

    def _indexed(self, log: Log) -> TermIndex:
        name = log.header.log
        known = self._by_log.get(name)
        if known is not None and known.log.header.rewritten != log.header.rewritten:
            gone = [
                seq
                for seq in range(log.first, min(known.upto, log.head) + 1)
                if log.is_forgotten(seq) and not known.log.is_forgotten(seq)
            ]
            if len(gone) > _FEW or log.head < known.upto:
                known = None
            else:
                for seq in gone:
                    known.words.remove(seq)
                known.log = log
        if known is None:
            known = self._by_log[name] = _Indexed(log)
        head = log.head
        for seq, said in _texts(log, known.upto + 1, head):
            known.words.add(seq, said)
            known.upto = seq
        known.upto = max(head, known.upto)
        return known.words


def _texts(log: Log, first: int, last: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of a log's own messages between two, without its tombstones."""
    for start in range(first, last + 1, _PAGE):
        seqs = [seq for seq in range(start, min(start + _PAGE, last + 1)) if not log.is_forgotten(seq)]
        for seq, line in zip(seqs, log.lines(seqs), strict=True):
            yield seq, terms(searchable_text(entry_in(line).message))
