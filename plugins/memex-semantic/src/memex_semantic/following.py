"""Embedding in the background: what is stored is embedded while nobody waits for it."""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final

from memex import Memex, MemexError, PluginError, Receipt, Thread, UnknownThread, vector_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memex import Entry, Window
    from memex_semantic.embeddings import Embeddings

    Policy = Callable[[Window], Window]

MANY: Final = 64
"""So many messages are begun with where nobody has ranked by meaning yet; fewer are left to the first
question, which loads the model anyway: a program that stores a line and ends does not wait for torch."""
PATIENCE: Final = 5.0
"""Seconds that closing a memory waits for what is not embedded yet."""
LAST_CALL: Final = 30.0
"""Seconds that it waits then for the call of the embedder that is under way."""
REST: Final = 60.0
"""Seconds in which an embedder that failed is left alone in the background."""


class Following:
    """Embeds what is stored in one memory, in a thread that ends when nothing is left to do.

    It is a :class:`memex.Work`. Its thread is no daemon, so that it is never torn down in the middle of a
    computation; it leaves the rest when the program's main thread has ended.

    Args:
        host: The memory.
    """

    name = "embedding"
    later = "'memex embed' embeds the rest, or the next question does"

    def __init__(self, host: Memex) -> None:
        self._host = weakref.ref(host)
        self._changed = threading.Condition()
        self._waiting: dict[str, Thread] = {}
        self._new = 0
        self._worker: threading.Thread | None = None
        self._ranked = False
        self._stopped = False
        self._idle_until = 0.0
        self._done = self._total = 0
        _ALL.add(self)

    # -- beginning -----------------------------------------------------------------------------

    def notice(self, handle: Thread) -> None:
        """Have a thread embedded as far as it goes, if a policy of its chain ranks by meaning.

        Returns at once, and reads nothing.
        """
        with self._changed:
            if self._stopped or (self._idle_until and time.monotonic() < self._idle_until):
                return  # whoever needs it embeds it
            self._waiting[handle.id] = handle
            self._new += 1
            if self._worker is None and (self._ranked or self._new >= MANY):
                self._new = 0
                self._worker = threading.Thread(target=self._work, name="memex-semantic")
                self._worker.start()

    def expect(self) -> None:
        """Begin with the first message from now on: this memory has a policy that ranks by meaning."""
        with self._changed:
            self._ranked = True
            if self._idle_until == float("inf"):
                self._idle_until = 0.0

    # -- as others see it ----------------------------------------------------------------------

    @property
    def lasting(self) -> bool:
        """Whether the store keeps vectors."""
        host = self._host()
        return host is not None and vector_store(host.store) is not None

    def progress(self) -> tuple[int, int]:
        """Return how many messages are embedded, and how many there were to embed."""
        with self._changed:
            return self._done, self._total

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until everything that was stored is embedded, or could not be."""
        with self._changed:
            return self._changed.wait_for(lambda: self._worker is None, seconds)

    def stop(self) -> None:
        """Embed nothing more in the background; end between two calls of the embedder."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()

    def close(self) -> None:
        """Finish what is soon finished and leave the rest, so that no thread is left running."""
        if self.lasting:  # else it would be gone in a moment
            self.wait(PATIENCE)
        self.stop()
        worker = self._worker
        if worker is not None:
            worker.join(LAST_CALL)
            if worker.is_alive():
                self._report(f"the embedder has not answered for {LAST_CALL:g} s; it is waited for no longer")

    def start_anew(self) -> None:
        """Go on in a forked child, which has none of its parent's threads and must not wait for them."""
        self._changed = threading.Condition()
        self._waiting = {}  # the parent's to embed
        self._worker = None

    # -- in its thread -------------------------------------------------------------------------

    def _work(self) -> None:
        while (handle := self._next()) is not None:
            try:
                self._embed(handle)
            except UnknownThread:
                continue  # forgotten by now
            except BaseException as error:  # noqa: BLE001 - else who waits for this thread waits for ever
                # The message is stored. Whoever needs its vector tries again, and is told what is wrong.
                self._rest(REST)
                what = str(error) if isinstance(error, MemexError) else f"{type(error).__name__}: {error}"
                self._report(f"embedding: {what}")

    def _next(self) -> Thread | None:
        with self._changed:
            if not self._waiting:
                self._worker = None
                self._changed.notify_all()
                return None
            return self._waiting.pop(next(iter(self._waiting)))

    def _embed(self, handle: Thread) -> None:
        if not self._ranked and not _may_rank():
            self._rest(float("inf"))  # until a policy is made for this memory after all
            return
        found = list(dict.fromkeys(_RANKING[one.policy] for one in handle.chain if one.policy in _RANKING))
        if not found:
            return
        store, thread = handle.memex.store, handle.id
        info = store.open_thread(thread, create=False)

        def read(start: int, stop: int) -> Iterator[Entry]:
            return store.entries(thread, start, stop)

        def head() -> int:
            return store.open_thread(thread, create=False).head

        for embeddings in found:
            embeddings.opened(info)
        expected = [embeddings.left(thread, read, info.head) for embeddings in found]
        with self._changed:
            self._total += sum(expected)
        for embeddings, count in zip(found, expected, strict=True):
            before = self._done
            embeddings.embed(thread, read, info.head, self._advance, self._must_stop, head)
            if not self._must_stop():
                self._done = before + count  # a question may have embedded some of them

    def _advance(self, count: int) -> None:
        with self._changed:
            self._done += count

    def _must_stop(self) -> bool:
        return self._stopped or not threading.main_thread().is_alive()

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._idle_until = time.monotonic() + seconds
            self._waiting.clear()

    def _report(self, what: str) -> None:
        host = self._host()
        if host is not None:
            host.report(PluginError(what, plugin="semantic"), "listener")


_ALL: weakref.WeakSet[Following] = weakref.WeakSet()
_EMBEDDINGS: weakref.WeakSet[Embeddings] = weakref.WeakSet()
_RANKING: weakref.WeakKeyDictionary[Policy, Embeddings] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def notice(handle: Thread) -> None:
    """Tell a memory's follower that a thread has grown."""
    following_of(handle.memex).notice(handle)


def ranks(policy: Policy, embeddings: Embeddings, host: Memex) -> None:
    """Have what is stored embedded for a policy, in the threads whose chains it is in."""
    _RANKING[policy] = embeddings
    following_of(host).expect()


def following_of(host: Memex) -> Following:
    """Return what embeds in the background for a memory."""
    known = _known(host)
    if known is None:
        with _LOCK:
            known = _known(host)
            if known is None:
                known = Following(host)
                host.add_work(known)
                host.on_close(known.close)
    return known


def _known(host: Memex) -> Following | None:
    return next((work for work in host.work if isinstance(work, Following)), None)


def watch(embeddings: Embeddings) -> None:
    """Have these forget what is forgotten."""
    with _LOCK:
        _EMBEDDINGS.add(embeddings)


def forget(receipt: Receipt, host: Memex | None) -> int:
    """Erase from memory what was forgotten.

    That is done in all memories, since another one may have the same store open; a thread that only has the
    same name is embedded again.

    Args:
        receipt: What was forgotten.
        host: The memory that forgot it, where that is known.

    Returns:
        How many entries of that memory were kept in no store.
    """
    with _LOCK:
        watched = list(_EMBEDDINGS)
    erased = [(embeddings, embeddings.forget(receipt)) for embeddings in watched]
    return sum(count for embeddings, count in erased if host is None or embeddings.is_of(host))


def _may_rank() -> bool:
    """Tell whether a default chain would rank by meaning, without a word to the network."""
    from memex_semantic.models import MODEL, need_at_hand

    try:
        need_at_hand(MODEL)
    except PluginError:
        return False
    return True


def _after_fork() -> None:
    global _LOCK  # noqa: PLW0603 - a thread that this process lacks may have held it
    _LOCK = threading.Lock()
    for following in list(_ALL):
        following.start_anew()
    for embeddings in list(_EMBEDDINGS):
        embeddings.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
