from __future__ import annotations

from pathlib import Path

from memex_jsonl.store import JsonlStore

from memex.testing import PluginContract, StoreContract


class TestJsonlPlugin(PluginContract):
    name = "jsonl"


class TestJsonlStore(StoreContract):
    persistent = True
    kills = 10

    def open_store(self, folder: Path, namespace: str = "default") -> JsonlStore:
        return JsonlStore(str(folder / "threads"), namespace=namespace)

    def test_processes_on_a_new_folder(self, folder: Path) -> None:
        super().test_processes_on_a_new_folder(folder)
        assert list(folder.rglob("*.tmp")) == []
