"""What a store promises that also looks into many threads at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

from memex._entry import Entry
from memex._store import Postings, Store


@runtime_checkable
class SpanningStore(Store, Protocol):
    """A store that also finds words, and reads messages, in many threads at one look.

    A policy may look into a thousand other threads, most of which hold nothing of what it is after. Without
    this ability each of them is asked by itself, with :meth:`SearchableStore.find` and :meth:`Store.entries`.

    A thread that is not there is left out of either answer: that one of many was forgotten meanwhile
    takes nothing from the others. :func:`memex.spanning` is the question whether a store is one.
    """

    def find_in(
        self, heads: Mapping[str, int], terms: Sequence[str], *, limit: int
    ) -> Mapping[str, list[Postings]]:
        """Return where terms occur in several threads, at one moment.

        Of each thread the answer is that of :meth:`SearchableStore.find`, without the terms that do not occur
        in it; a thread that holds none of them is left out. So a thread without a hit costs next to nothing.
        As with :class:`SearchableStore`, it is not called where ``indexed`` is false.

        Args:
            heads: The threads, each with the last message that counts.
            terms: Terms as :func:`memex.terms` gives them.
            limit: At most this many places per term and thread.
        """

    def entries_in(self, places: Mapping[str, Collection[int]]) -> Mapping[str, list[Entry]]:
        """Return the entries at places of several threads, at one moment.

        Of each thread the answer is that of :meth:`SeekingStore.entries_at`. Costs what it returns.

        Args:
            places: Sequence numbers by thread.
        """


def spanning(store: Store) -> SpanningStore | None:
    """Return a store as one that looks into many threads at once, None if it does not."""
    # Not isinstance(): a protocol of twenty methods takes longer to ask than the words to find.
    able = hasattr(store, "find_in") and hasattr(store, "entries_in")
    return cast("SpanningStore", store) if able else None
