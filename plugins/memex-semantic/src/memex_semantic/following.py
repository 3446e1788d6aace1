"""Embedding in the background: what is stored is embedded while nobody waits for it.

A hook is told of a thread and not of the memory that stored it, so every memory that ranks by meaning
looks in its own store; one that has no such thread finds nothing to do.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

from memex import Memex, MemexError, PluginError, Receipt, UnknownThread

if TYPE_CHECKING:
    from memex_semantic.embeddings import Embeddings


class Following:
    """Embeds what is stored in one memory, in a thread that ends when nothing is left to do.

    The thread is no daemon: a program that ends waits for it, so that it is never torn down in the
    middle of a computation.

    Args:
        embeddings: Whose vectors.
        host: The memory.
    """

    def __init__(self, embeddings: Embeddings, host: Memex) -> None:
        self.embeddings = embeddings
        self._host = weakref.ref(host)
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._worker: threading.Thread | None = None
        self._closed = False
        _ALL.add(self)

    def notice(self, thread: str) -> None:
        """Have a thread embedded as far as it goes; returns at once."""
        with self._changed:
            if self._closed:
                return
            self._waiting[thread] = None
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="memex-semantic")
                self._worker.start()

    def flush(self) -> None:
        """Return when everything that was stored is embedded, or could not be."""
        with self._changed:
            self._changed.wait_for(lambda: self._worker is None)

    def close(self) -> None:
        """Finish what is waiting, then take no more."""
        self.flush()
        with self._changed:
            self._closed = True

    def start_anew(self) -> None:
        """Go on in a forked child, which has none of its parent's threads and must not wait for them."""
        self._changed = threading.Condition()
        self._worker = None
        self.embeddings.start_anew()

    def _work(self) -> None:
        while (thread := self._next()) is not None:
            host = self._host()
            if host is None:
                continue
            try:
                store = host.store
                head = store.open_thread(thread, create=False).head
                self.embeddings.embed(thread, lambda a, b: store.entries(thread, a, b), head)  # noqa: B023
            except UnknownThread:
                continue  # of another memory, or forgotten by now
            except Exception as error:  # noqa: BLE001 - else whoever waits for this thread waits for ever
                # The message is stored. Whoever needs its vector tries again, and is told what is wrong.
                what = str(error) if isinstance(error, MemexError) else f"{type(error).__name__}: {error}"
                host.report(PluginError(f"embedding: {what}", plugin="semantic"), "listener")

    def _next(self) -> str | None:
        with self._changed:
            if not self._waiting:
                self._worker = None
                self._changed.notify_all()
                return None
            thread = next(iter(self._waiting))
            del self._waiting[thread]
            return thread


_ALL: weakref.WeakSet[Following] = weakref.WeakSet()
_EMBEDDINGS: weakref.WeakSet[Embeddings] = weakref.WeakSet()


def notice(thread: str) -> None:
    """Tell every memory that ranks by meaning that a thread has grown."""
    for following in list(_ALL):
        following.notice(thread)


def watch(embeddings: Embeddings) -> None:
    """Have these forget what is forgotten."""
    _EMBEDDINGS.add(embeddings)


def forget(receipt: Receipt) -> int:
    """Erase from memory what was forgotten; return how many entries were kept in no store."""
    return sum(embeddings.forget(receipt) for embeddings in list(_EMBEDDINGS))


def _after_fork() -> None:
    for following in list(_ALL):
        following.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
