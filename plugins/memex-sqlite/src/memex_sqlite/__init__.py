"""Threads in one SQLite file, durable by default."""

from __future__ import annotations

from memex import Provider, hookimpl


@hookimpl
def memex_stores() -> list[Provider]:
    """Offer the store ``sqlite``."""
    return [
        Provider("sqlite", "memex_sqlite.store:SqliteStore", "Threads in one SQLite file, durable by default")
    ]
