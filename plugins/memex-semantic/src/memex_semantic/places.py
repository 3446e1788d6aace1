"""Where vectors are kept: in a store that can, else in memory, by each process for itself."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from memex import Entry, Receipt, Store, VectorSpace, VectorStore, to_ranges, vector_store

Reader = Callable[[int, int], Iterable[Entry]]
"""Gives the messages of a thread between two, both inside; tombstones may be left out."""


_STRETCH: Final = 256  # messages


class Place(Protocol):
    """What is asked of a place for vectors; entries are as :class:`memex.VectorStore` has them."""

    def put(self, thread: str, space: VectorSpace, entries: Sequence[tuple[Entry, bytes]]) -> None:
        """Keep entries for messages that have none."""

    def vectors(self, thread: str, space: VectorSpace, start: int, stop: int) -> Iterable[tuple[int, bytes]]:
        """Yield the entries between two messages, in log order."""

    def missing(
        self, thread: str, space: VectorSpace, start: int, stop: int, read: Reader
    ) -> Iterator[Entry]:
        """Yield the messages between two that have no entry, in log order; it may change meanwhile."""

    def count_missing(self, thread: str, space: VectorSpace, start: int, stop: int, read: Reader) -> int:
        """Return how many these are."""

    def let_go(self, thread: str) -> None:
        """Forget what is kept of a thread in memory: its messages are not what they were."""

    def forget(self, receipt: Receipt) -> int:
        """Erase what a store does not erase itself, and return how many entries that were."""


def place_in(store: Store | None) -> Place:
    """Return the place that fits a store."""
    able = None if store is None else vector_store(store)
    return HeldVectors() if able is None else StoredVectors(able)


class StoredVectors:
    """Vectors in the store itself.

    Args:
        store: The store.
    """

    def __init__(self, store: VectorStore) -> None:
        self._store = store

    def put(self, thread: str, space: VectorSpace, entries: Sequence[tuple[Entry, bytes]]) -> None:
        """Keep entries for messages that have none."""
        self._store.put_vectors(thread, space, {entry.message.id: data for entry, data in entries})

    def vectors(self, thread: str, space: VectorSpace, start: int, stop: int) -> Iterable[tuple[int, bytes]]:
        """Yield the entries between two messages, in log order."""
        return self._store.vectors(thread, space, start, stop)

    def missing(
        self, thread: str, space: VectorSpace, start: int, stop: int, read: Reader
    ) -> Iterator[Entry]:
        """Yield the messages between two that have no entry."""
        # A stretch at a time: whoever takes a few must not pay for all that are missing.
        for first in range(start, stop + 1, _STRETCH):
            last = min(first + _STRETCH - 1, stop)
            for one, other in to_ranges(self._store.without_vectors(thread, space, first, last)):
                yield from read(one, other)

    def count_missing(
        self,
        thread: str,
        space: VectorSpace,
        start: int,
        stop: int,
        read: Reader,  # noqa: ARG002
    ) -> int:
        """Return how many messages between two have no entry, without reading them."""
        return sum(1 for _ in self._store.without_vectors(thread, space, start, stop))

    def let_go(self, thread: str) -> None:
        """Do nothing: the store knows which messages it has."""

    def forget(self, receipt: Receipt) -> int:  # noqa: ARG002 - the store has erased them already
        """Erase nothing."""
        return 0


class _Held:
    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.entries: dict[int, bytes] = {}


class HeldVectors:
    """Vectors in memory. A fork has its own, and what is held ends with the process."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, VectorSpace], _Held] = {}
        self._lock = threading.Lock()

    def put(self, thread: str, space: VectorSpace, entries: Sequence[tuple[Entry, bytes]]) -> None:
        """Keep entries for messages that have none."""
        with self._lock:
            held = self._held.setdefault((thread, space), _Held())
            for entry, data in entries:
                if entry.seq not in held.entries:
                    insort(held.seqs, entry.seq)
                    held.entries[entry.seq] = data

    def vectors(self, thread: str, space: VectorSpace, start: int, stop: int) -> Iterable[tuple[int, bytes]]:
        """Return the entries between two messages, in log order."""
        with self._lock:
            held = self._held.get((thread, space), _Held())
            seqs = held.seqs[bisect_left(held.seqs, start) : bisect_right(held.seqs, stop)]
            return [(seq, held.entries[seq]) for seq in seqs]

    def missing(
        self, thread: str, space: VectorSpace, start: int, stop: int, read: Reader
    ) -> Iterator[Entry]:
        """Yield the messages between two that have no entry."""
        known = {seq for seq, _ in self.vectors(thread, space, start, stop)}
        for entry in read(start, stop):
            if entry.seq not in known and entry.message.status != "forgotten":
                yield entry

    def count_missing(self, thread: str, space: VectorSpace, start: int, stop: int, read: Reader) -> int:
        """Return how many messages between two have no entry."""
        return sum(1 for _ in self.missing(thread, space, start, stop, read))

    def let_go(self, thread: str) -> None:
        """Forget a thread's entries; they are made again."""
        with self._lock:
            for key in [key for key in self._held if key[0] == thread]:
                del self._held[key]

    def forget(self, receipt: Receipt) -> int:
        """Erase the entries of what was forgotten, in each thread that had it."""
        erased = 0
        with self._lock:
            for (thread, space), held in list(self._held.items()):
                if thread == receipt.thread and receipt.whole_thread:
                    erased += len(self._held.pop((thread, space)).entries)
                elif thread == receipt.thread or thread in receipt.forks:
                    gone = [seq for seq in receipt.messages if held.entries.pop(seq, None) is not None]
                    held.seqs = sorted(held.entries)
                    erased += len(gone)
        return erased
