"""What every part of the store contract stands on: how a store is opened, and small words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from memex import (
    Entry,
    Message,
    SearchableStore,
    SeekingStore,
    SpanningStore,
    Store,
    VectorStore,
    searchable,
    seeking,
    spanning,
    vector_store,
)


class StoreCase:
    """A store under test."""

    persistent: ClassVar[bool] = False
    processes: ClassVar[bool] = True
    kills: ClassVar[int] = 3
    examples: ClassVar[int] = 25
    steps: ClassVar[int] = 30

    def open_store(self, folder: Path, namespace: str = "default") -> Store:
        """Open the store under test.

        Args:
            folder: An empty folder, or one that an earlier store was opened on.
            namespace: Whose threads.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how its store is opened: open_store()")

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Give an empty folder for the store."""
        folder = tmp_path / "store"
        folder.mkdir()
        return folder

    @pytest.fixture
    def store(self, folder: Path) -> Iterator[Store]:
        """Give an empty store, which must be sound when the test is over."""
        store = self.open_store(folder)
        try:
            yield store
            assert store.check() == []
        finally:
            store.close()

    @pytest.fixture
    def searchable(self, store: Store) -> SearchableStore:
        """Give an empty store that can search."""
        if (able := searchable(store)) is None:
            pytest.skip(f"{type(store).__name__} offers no search() and find()")
        return able

    @pytest.fixture
    def seekable(self, store: Store) -> SeekingStore:
        """Give an empty store that reads many places at once."""
        if (able := seeking(store)) is None:
            pytest.skip(f"{type(store).__name__} offers no entries_at()")
        return able

    @pytest.fixture
    def spannable(self, store: Store) -> SpanningStore:
        """Give an empty store that looks into many threads at once."""
        if (able := spanning(store)) is None or searchable(store) is None:
            pytest.skip(f"{type(store).__name__} offers no find_in() and entries_in()")
        return able

    @pytest.fixture
    def vectors(self, store: Store) -> VectorStore:
        """Give an empty store that keeps vectors."""
        if (able := vector_store(store)) is None:
            pytest.skip(f"{type(store).__name__} offers no put_vectors() and vectors()")
        return able

    def need_persistence(self) -> None:
        """Skip a test that is about data which outlives the store object."""
        if not self.persistent:
            pytest.skip(f"{type(self).__name__}.persistent is False: the data ends with the store")


def user(text: str, message_id: str | None = None) -> Message:
    """Return a user message."""
    return Message.user(text) if message_id is None else Message.user(text, id=message_id)


def fill(store: Store, thread: str, count: int) -> list[Message]:
    """Append ``count`` messages, users' and assistants' in turn, and return them."""
    messages = [
        Message.of("assistant" if number % 2 else "user", f"message {number + 1}") for number in range(count)
    ]
    store.append(thread, messages)
    return messages


def log_of(store: Store, thread: str) -> list[Entry]:
    """Return the whole thread; its numbers must be gapless and its head the last of them."""
    entries = list(store.entries(thread))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert store.open_thread(thread, create=False).head == len(entries)
    return entries


def messages_of(store: Store, thread: str) -> list[Message]:
    """Return the messages of the whole thread."""
    return [entry.message for entry in log_of(store, thread)]


def texts_of(entries: Sequence[Entry]) -> list[str]:
    """Return the texts of entries."""
    return [entry.message.text for entry in entries]
