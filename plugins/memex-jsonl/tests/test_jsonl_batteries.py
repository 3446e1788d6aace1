"""The batteries; and a store with a fault, which has to fail one."""

from __future__ import annotations

from pathlib import Path

import pytest
from memex_jsonl.store import JsonlStore

from memex.testing import StoreBatteries


class TestJsonlBatteries(StoreBatteries):
    persistent = True

    def open_store(self, folder: Path, namespace: str = "default") -> JsonlStore:
        return JsonlStore(str(folder / "threads"), namespace=namespace)


class FastBatteries(StoreBatteries):
    """``durability="fast"`` says that a power cut may take the newest writes."""

    persistent = True
    power_cuts = 8

    def open_store(self, folder: Path, namespace: str = "default") -> JsonlStore:
        return JsonlStore(str(folder / "threads"), namespace=namespace, durability="fast")


@pytest.mark.battery
def test_a_power_cut_takes_writes_that_were_fast(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"[1-9]\d* lost, 0 unreadable, 0 duplicate, 0 half"):
        FastBatteries().test_power_cut(tmp_path, print)
