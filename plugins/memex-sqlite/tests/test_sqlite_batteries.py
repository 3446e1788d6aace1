from __future__ import annotations

from pathlib import Path

from memex_sqlite.store import SqliteStore

from memex.testing import StoreBatteries


class TestSqliteBatteries(StoreBatteries):
    persistent = True

    def open_store(self, folder: Path, namespace: str = "default") -> SqliteStore:
        return SqliteStore(str(folder / "memex.db"), namespace=namespace)
