"""Threads in plain files that a person can read and grep, durable by default."""

from __future__ import annotations

from memex import Provider, hookimpl


@hookimpl
def memex_stores() -> list[Provider]:
    """Offer the store ``jsonl``."""
    return [
        Provider(
            "jsonl",
            "memex_jsonl.store:JsonlStore",
            "Threads in plain files that a person can read and grep, durable by default",
        )
    ]
