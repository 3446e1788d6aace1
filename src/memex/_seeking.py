"""What a store promises that also reads messages at many places at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast, runtime_checkable

from memex._entry import Entry
from memex._store import Store


@runtime_checkable
class SeekingStore(Store, Protocol):
    """A store that also reads messages at many places in one look.

    A ranking reads some hundred messages from all over a thread. Without this ability each stretch of
    them is read by itself, with :meth:`Store.entries`.

    :func:`memex.seeking` is the question whether a store is one.
    """

    def entries_at(self, thread: str, seqs: Sequence[int]) -> list[Entry]:
        """Return the entries at these places as they are at one moment, in log order, each once.

        Places that are not in the thread are left out; tombstones come as :meth:`Store.entries`
        gives them. Costs what it returns.

        Raises:
            UnknownThread: If there is no such thread.
        """


def seeking(store: Store) -> SeekingStore | None:
    """Return a store as one that reads many places at once, None if it does not."""
    # Not isinstance(): a protocol of twenty methods takes longer to ask than the messages to read.
    return cast("SeekingStore", store) if hasattr(store, "entries_at") else None
