"""One set of vectors for each memory and embedder, whichever policies and commands ask for it."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

from memex import BadSetting, Embedder, Log, Memex, StoreUnavailable
from memex_semantic.embeddings import Embeddings
from memex_semantic.following import Following, watch
from memex_semantic.places import Place, Reader, place_in

DEFAULT: Final = "sentence-transformers"


def embeddings_for(embedder: Any, piece: int, host: Memex | None) -> Embeddings:
    """Return the vectors by an embedder that are a memory's, made now if nobody asked before.

    Args:
        embedder: Name of an embedder with or without settings, a mapping with ``use``, or an embedder.
        piece: About how many tokens of a long message make a vector.
        host: The memory. Without one the vectors are held in memory, and nothing follows what is stored.

    Raises:
        BadSetting: If there is no memory that could make an embedder by its name.
        PluginError: If it cannot be made.
    """
    if host is None:
        if not isinstance(embedder, Embedder):
            raise BadSetting(
                f"semantic: {embedder!r} can be found by a memory only: name the policy in the chain, as in "
                '{"use": "semantic", "embedder": ...}, or give an embedder'
            )
        made = Embeddings(embedder, lambda: place_in(None), piece=piece)
        watch(made)
        return made
    key = f"{_key(embedder)} {piece}"
    with _LOCK:
        known = _OF.setdefault(host, {})
        if key not in known:
            chosen = embedder if isinstance(embedder, Embedder) else host.provide("embedders", embedder)
            known[key] = made = Embeddings(chosen, _place_of(host), piece=piece)
            watch(made)
            host.on_close(Following(made, host).close)
        return known[key]


def reader_of(thread: str, source: Memex | Log | None) -> Reader:
    """Return how the messages of a thread are read, from a memory or from what a policy sees of it."""
    if source is None:
        raise StoreUnavailable("the memory that this policy belongs to is gone")
    if isinstance(source, Log):
        return source.entries
    store = source.store
    return lambda start, stop: store.entries(thread, start, stop)


_OF: weakref.WeakKeyDictionary[Memex, dict[str, Embeddings]] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def _key(embedder: Any) -> str:
    if isinstance(embedder, str):
        return embedder
    if isinstance(embedder, Embedder):
        return f"an object, {id(embedder)}"  # which lives as long as the vectors do
    return json.dumps(embedder, sort_keys=True, default=repr)


def _place_of(host: Memex) -> Callable[[], Place]:
    # The store is not open yet when a memory makes its chain.
    memory = weakref.ref(host)

    def place() -> Place:
        there = memory()
        if there is None:
            raise StoreUnavailable("the memory that these vectors belong to is gone")
        return place_in(there.store)

    return place
