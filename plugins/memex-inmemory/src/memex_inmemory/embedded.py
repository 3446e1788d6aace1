"""Vectors of messages, beside the rows of the segment that has the message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from memex import Embedded, VectorSpace
from memex_inmemory.segment import Segment


def put(segment: Segment, space: VectorSpace, vectors: Mapping[str, bytes]) -> int:
    """Keep entries for messages that have none and return how many are new; the caller holds the lock."""
    new = 0
    for message_id, data in vectors.items():
        place = segment.locate(message_id)
        if place is None or place[0].row(place[1]).forgotten:
            continue
        owner, seq = place
        entries = owner.vectors.setdefault(space, {})
        if seq not in entries:
            entries[seq] = data
            new += 1
    return new


def stored(segment: Segment, space: VectorSpace, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
    """Yield the entries of a thread between two messages, in log order."""
    return (
        (seq, data)
        for owner, seqs in _stretches(segment, start, stop)
        for seq in seqs
        if (data := owner.vectors.get(space, {}).get(seq)) is not None
    )


def missing(segment: Segment, space: VectorSpace, start: int, stop: int | None) -> Iterator[int]:
    """Yield the messages without an entry, tombstones left out."""
    return (
        seq
        for owner, seqs in _stretches(segment, start, stop)
        for seq in seqs
        if seq not in owner.vectors.get(space, {}) and not owner.row(seq).forgotten
    )


def counted(segments: Iterable[Segment], *, whole: bool) -> list[Embedded]:
    """Return the spaces of segments and how many entries each has.

    Args:
        segments: The threads.
        whole: Whether what they share counts, too.
    """
    counts: Counter[VectorSpace] = Counter()
    for segment in segments:
        for owner, upto in segment.lineage() if whole else [(segment, segment.head)]:
            for space, entries in owner.vectors.items():
                counts[space] += sum(seq <= upto for seq in entries)
    return [Embedded(space, counts[space]) for space in sorted(counts) if counts[space]]


def _stretches(segment: Segment, start: int, stop: int | None) -> list[tuple[Segment, range]]:
    last = segment.head if stop is None else min(stop, segment.head)
    return [
        (owner, range(max(start, owner.forked_at + 1), min(last, upto) + 1))
        for owner, upto in reversed(list(segment.lineage()))
    ]
