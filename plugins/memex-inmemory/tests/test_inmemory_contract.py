from __future__ import annotations

from pathlib import Path

from memex_inmemory.store import InMemoryStore

from memex.testing import PluginContract, StoreContract


class TestInMemoryPlugin(PluginContract):
    name = "inmemory"


class TestInMemoryStore(StoreContract):
    def open_store(self, folder: Path, namespace: str = "default") -> InMemoryStore:
        return InMemoryStore(namespace=namespace)
