"""A store that lives as long as the test, and policies that are easy to reason about."""

from __future__ import annotations

from memex import Provider, hookimpl

_STORES = {}


@hookimpl
def memex_stores():
    return [Provider("lab-scratch", "memex_lab_fake:open_store", "Threads that live as long as the test")]


@hookimpl
def memex_policies():
    return [
        Provider("by-words", "memex_lab_fake:by_words", "Quotes the newest messages that share a word"),
        Provider("evict", "memex_lab_fake:evict", "Drops the oldest"),
    ]


def open_store(name: str = "one", *, namespace: str = "default"):
    from memex.testing import ScratchStore

    return _STORES.setdefault((name, namespace), ScratchStore(namespace))


def by_words():
    from memex import terms

    def policy(window):
        words = [word for word in terms(window.query) if len(word) > 4]
        last = window.newest.seq if window.newest else 0
        found = {s for p in window.log.find(words, limit=3) for s in p.seqs if s < last}
        return window.recall(window.log.at(found))

    return policy


def evict():
    from memex.testing import evict_oldest

    return evict_oldest
