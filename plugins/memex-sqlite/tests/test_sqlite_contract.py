from __future__ import annotations

from pathlib import Path

from memex_sqlite.store import SqliteStore

from memex.testing import PluginContract, StoreContract


class TestSqlitePlugin(PluginContract):
    name = "sqlite"


class TestSqliteStore(StoreContract):
    persistent = True
    kills = 10

    def open_store(self, folder: Path, namespace: str = "default") -> SqliteStore:
        return SqliteStore(str(folder / "memex.db"), namespace=namespace)


class TestSqliteStoreWithoutAnIndex(StoreContract):
    persistent = True
    examples = 10

    def open_store(self, folder: Path, namespace: str = "default") -> SqliteStore:
        return SqliteStore(str(folder / "memex.db"), namespace=namespace, index="none")
