"""What a store promises that also keeps vectors of messages beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from memex._errors import InvalidMessage
from memex._serial import check_id
from memex._store import Store


class VectorSpace(msgspec.Struct, frozen=True, order=True):
    """Which vectors can be compared with each other. Each of the three makes another space.

    Attributes:
        embedder: Name of the embedder that made them.
        dimension: How many numbers each has.
        kind: What was embedded and how, such as ``"text"`` or ``"query"``; a plugin's own word.
    """

    embedder: str
    dimension: int
    kind: str = "text"

    def __str__(self) -> str:
        return f"{self.embedder}/{self.dimension}/{self.kind}"


class Embedded(msgspec.Struct, frozen=True):
    """How far a space reaches.

    Attributes:
        space: The space.
        messages: How many messages have an entry in it, those with no vector included.
    """

    space: VectorSpace
    messages: int


@runtime_checkable
class VectorStore(Store, Protocol):
    """A store that also keeps vectors of messages beside them, in any number of spaces.

    The entry of a message holds all its vectors in a space, one after the other as little-endian
    float32: several where a long message was embedded in pieces, none where it has nothing to embed.
    A fork sees what it shares, and what is put through a fork is seen by all who share the message.

    Vectors are derived: forgetting a message erases them with it, in every space, and counts the
    entries as ``vectors`` in the receipt; :meth:`Store.image` and archives leave them out, since they can
    be made again. Concurrency and durability are those of :meth:`Store.append`, but for one thing: what
    a power cut takes may be made again, so a store need not sync them.

    :func:`memex.vector_store` is the question whether a store is one.
    """

    def put_vectors(self, thread: str, space: VectorSpace, vectors: Mapping[str, bytes]) -> int:
        """Keep entries for messages that have none in this space; all of them or none.

        One that is there stays as it is, whatever it holds: what was ranked with it can be ranked again.
        A message that is not there, or was forgotten, is left out: it may have gone since it was read.

        Args:
            thread: The thread's id.
            space: Where they belong; it is made if it is new.
            vectors: The vectors of each message, by its id.

        Returns:
            How many entries are new.

        Raises:
            UnknownThread: If there is no such thread.
            InvalidMessage: If the bytes of an entry are no vectors of the space. Nothing is kept.
        """

    def vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """Yield ``(seq, vectors)`` of the messages ``start <= seq <= stop`` that have an entry, in log order.

        Reads as it goes; costs what it yields. A space that is not there has no entries.

        Raises:
            UnknownThread: If there is no such thread.
        """

    def without_vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[int]:
        """Yield the messages ``start <= seq <= stop`` that have no entry yet, in log order.

        Tombstones are left out. Reads no message that has an entry.

        Raises:
            UnknownThread: If there is no such thread.
        """

    def vector_spaces(self, thread: str | None = None) -> list[Embedded]:
        """Return the spaces with entries and how many, in order; of all threads, or of one.

        A fork counts what it shares, all threads together count it once.

        Raises:
            UnknownThread: If there is no such thread.
        """

    def drop_vectors(self, space: VectorSpace) -> int:
        """Erase a space in every thread and return how many entries it had."""


def vector_store(store: Store) -> VectorStore | None:
    """Return a store as one that keeps vectors, None if it does not."""
    return store if isinstance(store, VectorStore) else None


def checked_vectors(space: VectorSpace, vectors: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return entries that a store may keep; what every store calls first.

    Raises:
        InvalidMessage: If the space is none, or an entry is no whole number of its vectors.
    """
    check_id(space.embedder, "embedder")
    check_id(space.kind, "kind of vectors")
    dimension: object = space.dimension
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 0 < dimension < 1 << 20:
        raise InvalidMessage(f"{dimension!r} is no dimension; nothing was kept")
    kept: dict[str, bytes] = {}
    for message_id, data in vectors.items():
        if not isinstance(data, (bytes, bytearray, memoryview)) or len(data) % (4 * dimension):
            size = len(data) if hasattr(data, "__len__") else "no"
            raise InvalidMessage(
                f"message {message_id!r}: {size} bytes are no vectors of {dimension} numbers; "
                "nothing was kept"
            )
        kept[message_id] = bytes(data)
    return kept
