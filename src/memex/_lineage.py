"""Forks share their beginnings: whose a message is that several threads hold."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from memex._errors import UnknownThread
from memex._store import Store, ThreadInfo


class Lineage:
    """What the threads of a namespace were forked from, each looked up once.

    Args:
        store: The store of the namespace.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._infos: dict[str, ThreadInfo | None] = {}

    def learn(self, infos: Iterable[ThreadInfo]) -> None:
        """Take what is known already."""
        self._infos.update((info.id, info) for info in infos)

    def origin(self, thread: str, seq: int) -> str:
        """Return the thread that a message was said in: the oldest of those that share it."""
        while (info := self._info(thread)) and info.parent is not None and seq <= (info.forked_at or 0):
            thread = info.parent
        return thread

    def _info(self, thread: str) -> ThreadInfo | None:
        if thread not in self._infos:
            self._infos[thread] = None
            with suppress(UnknownThread):
                self._infos[thread] = self._store.open_thread(thread, create=False)
        return self._infos[thread]
