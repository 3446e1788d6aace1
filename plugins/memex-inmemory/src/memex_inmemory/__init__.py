"""Threads in this process's memory: for tests, notebooks and short-lived programs."""

from __future__ import annotations

from memex import Provider, hookimpl


@hookimpl
def memex_stores() -> list[Provider]:
    """Offer the store ``inmemory``."""
    return [
        Provider(
            "inmemory",
            "memex_inmemory.store:InMemoryStore",
            "Threads in this process's memory; gone when it ends",
        )
    ]
