"""Which store a thread lives in, for those who remember something of threads by their names."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import Final


class Home:
    """An opaque identity: that of a store object, and so of its namespace, for as long as that lives.

    Whoever remembers something of a thread keeps it under the thread's home, weakly, because threads
    of two stores may have one name.
    """

    __slots__ = ("__weakref__",)


_HOMES: Final[dict[int, tuple[weakref.ref[object], Home]]] = {}
_LOCK: Final = threading.RLock()


def home_of(store: object, otherwise: object) -> Home:
    """Return the identity of a store.

    Args:
        store: The store.
        otherwise: What is taken in place of a store that cannot be referred to weakly.
    """
    with _LOCK:
        key = id(store)  # whatever a store means by equality
        known = _HOMES.get(key)
        if known is not None and known[0]() is store:
            return known[1]
        try:
            reference = weakref.ref(store, partial(_let_go, key))
        except TypeError:
            return home_of(otherwise, otherwise)
        made = Home()
        _HOMES[key] = reference, made
        return made


def _let_go(key: int, _: object) -> None:
    _HOMES.pop(key, None)
