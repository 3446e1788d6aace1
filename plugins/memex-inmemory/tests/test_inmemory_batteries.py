from __future__ import annotations

from pathlib import Path

from memex_inmemory.store import InMemoryStore

from memex.testing import StoreBatteries


class TestInMemoryBatteries(StoreBatteries):
    def open_store(self, folder: Path, namespace: str = "default") -> InMemoryStore:
        return InMemoryStore(namespace=namespace)
