"""The threads of one namespace, and the index over all of their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from memex import (
    Clause,
    Conflict,
    Entry,
    Hit,
    Message,
    Postings,
    Receipt,
    Sieve,
    TermIndex,
    decode_message,
    encode_message,
    searchable_text,
    snippet,
    terms,
)
from memex_inmemory.segment import Row, Segment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Namespace:
    """Threads by id. The caller holds the lock."""

    def __init__(self) -> None:
        self.threads: dict[str, Segment] = {}
        self._index = TermIndex()
        self._owners: list[tuple[Segment, int]] = []

    def add(self, segment: Segment, message: Message, body: bytes, tokens: int, counter: str | None) -> int:
        """Append a message that is not there yet and return its sequence number."""
        number = len(self._owners)
        gone = message.status == "forgotten"
        seq = segment.add(Row(message.id, message.role, body, tokens, counter, number, gone))
        if not gone:
            words = terms(searchable_text(message))
            segment.index.add(seq, words)
            self._index.add(number, words)
        self._owners.append((segment, seq))
        return seq

    def search(
        self,
        clauses: Sequence[Clause],
        sieve: Sieve,
        *,
        within: Segment | None,
        match_all: bool,
        limit: int,
    ) -> list[Hit]:
        """Return the best messages for ``clauses``, best first."""
        spans = {id(segment): upto for segment, upto in within.lineage()} if within else None
        words = {word for clause in clauses for word in clause.words}
        hits: list[Hit] = []
        for score, number in self._index.rank(clauses, match_all=match_all) if limit > 0 else ():
            segment, seq = self._owners[number]
            if spans is not None and seq > spans.get(id(segment), 0):
                continue
            entry = segment.row(seq).entry(seq)
            if sieve.accepts(entry.message):
                text = snippet(searchable_text(entry.message), words)
                hits.append(Hit((within or segment).name or "", entry, score, text))
            if len(hits) >= limit:
                break
        return hits

    def forget(self, segment: Segment, seq: int) -> int | None:
        """Make one message a tombstone; return how many entries of vectors it had, None if it was one."""
        row = segment.row(seq)
        if row.forgotten:
            return None
        role = decode_message(row.body).role
        tombstone = Message(role=role, id=row.id, status="forgotten", created=_EPOCH)
        blank = row._replace(body=encode_message(tombstone), tokens=0, counter=None, forgotten=True)
        segment.replace(seq, blank)
        segment.index.remove(seq)
        self._index.remove(row.number)
        return sum(entries.pop(seq, None) is not None for entries in segment.vectors.values())

    def erase(
        self, places: Iterable[tuple[Segment, int]]
    ) -> tuple[list[tuple[Segment, int]], dict[str, int]]:
        """Make messages tombstones; return which were none before, and how many things are gone where."""
        lost = {place: count for place in places if (count := self.forget(*place)) is not None}
        counts = {"messages": len(lost), "index": len(lost)}
        embedded = sum(lost.values())
        return list(lost), counts | ({"vectors": embedded} if embedded else {})

    def forget_thread(self, segment: Segment) -> Receipt:
        """Take a thread out; its forks keep looking at the tombstones it leaves."""
        name = segment.name or ""
        seqs = range(segment.origin[1] + 1, segment.head + 1)
        own = range(segment.forked_at + 1, segment.head + 1)
        left = [seq for seq in own if not segment.row(seq).forgotten]
        forks = self.sharers([(segment, left[0])] if left else [], but=name)
        _, erased = self.erase((segment, seq) for seq in own)
        places = erased | {"state": len(segment.state), "plans": len(segment.plans)}
        del self.threads[name]
        segment.name = None
        segment.state.clear()
        segment.plans.clear()
        return Receipt(thread=name, messages=tuple(seqs), whole_thread=True, places=places, forks=forks)

    def sharers(self, places: Iterable[tuple[Segment, int]], *, but: str) -> tuple[str, ...]:
        """Return the ids of the threads that share any of ``places``, without ``but``."""
        first: dict[int, tuple[Segment, int]] = {}
        for owner, seq in places:
            known = first.get(id(owner))
            if known is None or seq < known[1]:
                first[id(owner)] = (owner, seq)
        return tuple(
            sorted(
                name
                for name, segment in self.threads.items()
                if name != but and any(segment.shares(owner, seq) for owner, seq in first.values())
            )
        )


def already_there(segment: Segment, message: Message, body: bytes) -> Entry | None:
    """Return the entry that holds ``message`` already, None if the thread has none of its id.

    Raises:
        Conflict: If it has one, with other content.
    """
    place = segment.locate(message.id)
    if place is None:
        return None
    owner, seq = place
    row = owner.row(seq)
    if row.body == body:
        return row.entry(seq)
    why = "was forgotten" if row.forgotten else "has other content"
    raise Conflict(f"message {message.id!r} of thread {segment.name!r} {why}; nothing was appended")


def find(segment: Segment, words: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
    """Return the newest places of each word in the thread, its parents' included."""
    places: list[list[int]] = [[] for _ in words]
    for part, last in segment.lineage():
        for found, postings in zip(
            places, part.index.find(words, upto=min(upto, last), limit=limit), strict=True
        ):
            found.extend(postings.seqs[: limit - len(found)])
    return [Postings(word, tuple(found)) for word, found in zip(words, places, strict=True)]


def find_in(
    segments: Iterable[tuple[Segment, int]], words: Sequence[str], *, limit: int
) -> dict[str, list[Postings]]:
    """Return the newest places of words in several threads, each up to a message, where there are any."""
    found: dict[str, list[Postings]] = {}
    for segment, upto in segments:
        held = {word for part, _ in segment.lineage() for word in part.index.held(words)}
        if held:
            there = find(segment, [word for word in words if word in held], upto=upto, limit=limit)
            if some := [postings for postings in there if postings.seqs]:
                found[segment.name or ""] = some
    return found
