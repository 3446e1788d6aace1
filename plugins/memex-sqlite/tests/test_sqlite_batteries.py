"""The batteries; and two stores with a fault, which have to fail theirs."""

from __future__ import annotations

from pathlib import Path

import memex_sqlite.store
import pytest
from memex_sqlite.store import SqliteStore

from memex.testing import StoreBatteries


class TestSqliteBatteries(StoreBatteries):
    persistent = True

    def open_store(self, folder: Path, namespace: str = "default") -> SqliteStore:
        return SqliteStore(str(folder / "memex.db"), namespace=namespace)


class FastBatteries(StoreBatteries):
    """``durability="fast"`` says that a power cut may take the newest writes."""

    persistent = True
    power_cuts = 8
    synced_appends = 10

    def open_store(self, folder: Path, namespace: str = "default") -> SqliteStore:
        return SqliteStore(str(folder / "memex.db"), namespace=namespace, durability="fast")


@pytest.mark.battery
def test_a_power_cut_takes_writes_that_were_fast(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"[1-9]\d* lost, 0 unreadable, 0 duplicate, 0 half"):
        FastBatteries().test_power_cut(tmp_path, print)


@pytest.mark.battery
def test_fast_writes_are_not_synced(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="10 without a sync"):
        FastBatteries().test_sync_before_acknowledge(tmp_path, print)


@pytest.mark.battery
def test_canaries_are_found_where_nothing_is_wiped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memex_sqlite.store, "wipe", lambda connections: 1)
    with pytest.raises(AssertionError, match=r"[1-9]\d* canaries left, 0 lost"):
        TestSqliteBatteries().test_erase(tmp_path, print)
