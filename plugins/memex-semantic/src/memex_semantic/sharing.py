"""One set of vectors for each memory and embedder, whichever policies and commands ask for it."""

from __future__ import annotations

import json
import os
import threading
import weakref
from typing import Any, Final

from memex import BadSetting, Embedder, Home, Log, Memex, StoreUnavailable
from memex_semantic.embeddings import Embeddings
from memex_semantic.following import watch
from memex_semantic.places import Reader, place_in

DEFAULT: Final = "sentence-transformers"


def embeddings_for(embedder: Any, piece: int, host: Memex) -> Embeddings:
    """Return the vectors by an embedder that are a memory's, made now if nobody asked before.

    Args:
        embedder: Name of an embedder with or without settings, a mapping with ``use``, or an embedder.
        piece: About how many tokens of a long message make a vector.
        host: The memory.

    Raises:
        PluginError: If the embedder cannot be made.
    """
    key = f"{_key(embedder)} {piece}"
    with _LOCK:
        known = _OF.setdefault(host, {})
        if key not in known:
            chosen = embedder if isinstance(embedder, Embedder) else host.provide("embedders", embedder)
            memory = weakref.ref(host)
            known[key] = Embeddings(
                chosen,
                lambda: place_in(_there(memory).store),
                piece=piece,
                home=lambda: None if (there := memory()) is None else there.home,
            )
            watch(known[key])
        return known[key]


class HeldByHome:
    """Vectors in memory, apart for each store that has threads: those of policies that belong to no memory.

    Args:
        embedder: The embedder.
        piece: About how many tokens of a long message make a vector.

    Raises:
        BadSetting: If it is no embedder but the name of one.
    """

    def __init__(self, embedder: Any, piece: int) -> None:
        if not isinstance(embedder, Embedder):
            raise BadSetting(
                f"semantic: {embedder!r} can be found by a memory only: name the policy in the chain, as in "
                '{"use": "semantic", "embedder": ...}, or give an embedder'
            )
        self._embedder = embedder
        self._piece = piece
        self._of: weakref.WeakKeyDictionary[Home, Embeddings] = weakref.WeakKeyDictionary()

    def of(self, home: Home) -> Embeddings:
        """Return the vectors of the threads of one home; they end with it."""
        with _LOCK:
            known = self._of.get(home)
            if known is None:
                known = Embeddings(
                    self._embedder, lambda: place_in(None), piece=self._piece, home=weakref.ref(home)
                )
                self._of[home] = known
                watch(known)
            return known


def reader_of(thread: str, source: Memex | Log) -> Reader:
    """Return how the messages of a thread are read, from a memory or from what a policy sees of it."""
    if isinstance(source, Log):
        return source.entries
    store = source.store
    return lambda start, stop: store.entries(thread, start, stop)


_OF: weakref.WeakKeyDictionary[Memex, dict[str, Embeddings]] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()


def _key(embedder: Any) -> str:
    if isinstance(embedder, str):
        return embedder
    if isinstance(embedder, Embedder):
        return f"an object, {id(embedder)}"  # which lives as long as the vectors do
    return json.dumps(embedder, sort_keys=True, default=repr)


def _there(memory: weakref.ref[Memex]) -> Memex:
    # Asked late: the store is not open yet when a memory makes its chain.
    host = memory()
    if host is None:
        raise StoreUnavailable("the memory that these vectors belong to is gone")
    return host


def _after_fork() -> None:
    global _LOCK  # noqa: PLW0603 - a thread that this process lacks may have held it
    _LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
