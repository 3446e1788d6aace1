"""A battery that nothing can fail proves nothing: stores with one fault each have to fail it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_stores import FAULTY, SoundBatteries, StripsText
from journal_store import JournalStore
from memex_inmemory.store import InMemoryStore

from memex import Hit, Store
from memex.testing import StoreBatteries

BITES = [
    ("AcknowledgesEarly", "test_kill", "lost"),
    ("AcknowledgesEarly", "test_power_cut", "lost"),
    ("SplitsBatches", "test_kill", "half"),
    ("StoresAgain", "test_exactly_once", "duplicate"),
    ("NeverSyncs", "test_power_cut", "lost"),
    ("ForgetsTheFolder", "test_power_cut", "lost"),
    ("NeverSyncs", "test_sync_before_acknowledge", "without a sync"),
    ("SyncsTooMuch", "test_sync_before_acknowledge", "above the limit"),
    ("LeaksErrors", "test_full_disk", "leaked"),
    ("LeaksErrors", "test_failing_disk", "leaked"),
    ("SwallowsErrors", "test_full_disk", "lost"),
    ("SwallowsErrors", "test_failing_disk", "lost"),
    ("NeverRecovers", "test_full_disk", "refused with room"),
    ("NeverRecovers", "test_failing_disk", "refused when well"),
    ("LocksNothing", "test_race_of_processes", "lost"),
    ("GivesUp", "test_race_of_threads", "refused"),
    ("GivesUp", "test_race_of_tasks", "refused"),
    ("SplitsBatches", "test_race_of_threads", "half"),
    ("SplitsBatches", "test_race_of_tasks", "half"),
    ("FileByName", "test_hostile_text", "outside the folder"),
    ("FileByName", "test_hostile_text", "leaked"),
    ("StripsText", "test_hostile_text", "changed"),
    ("RefusesMore", "test_hostile_text", "wrong answers"),
    ("OrdersByClock", "test_clock", "out of order"),
    ("ForgetsWithoutWiping", "test_erase", "canaries left"),
]


def run(
    batteries: type[SoundBatteries], battery: str, folder: Path, request: pytest.FixtureRequest
) -> list[str]:
    """Run one battery by hand and return its line."""
    lines: list[str] = []
    case = batteries()
    if battery.startswith("test_race_of_t"):
        store = case.open_store(folder)
        try:
            getattr(case, battery)(store, lines.append)
        finally:
            store.close()
    elif battery == "test_hostile_text":
        case.test_hostile_text(folder, request.getfixturevalue("monkeypatch"), lines.append)
    else:
        getattr(case, battery)(folder, lines.append)
    return lines


def test_names_that_last_at_once_are_enough_for_some(tmp_path: Path) -> None:
    case = FAULTY["ForgetsTheFolder"]()
    case.names_last = True  # type: ignore[misc]
    case.test_power_cut(tmp_path, print)


class FindsNothing(InMemoryStore):
    def search(self, query: str, **options: Any) -> list[Hit]:
        return []


class QuerySyntax(InMemoryStore):
    def search(self, query: str, **options: Any) -> list[Hit]:
        if query.count('"') % 2:
            raise ValueError("unterminated string")
        return super().search(query, **options)


class Searching(StoreBatteries):
    long_text = 1_000
    long_thread = 10
    kind: type[InMemoryStore] = InMemoryStore
    copied: type[JournalStore] | None = None

    def open_store(self, folder: Path, namespace: str = "default") -> InMemoryStore:
        return self.kind(namespace=namespace)

    def copies(self, store: Store, folder: Path) -> Iterator[Store]:
        if self.copied is not None:
            copy = self.copied(folder)
            for info in store.threads():
                copy.append(info.id, [entry.message for entry in store.entries(info.id)])
            yield copy


@pytest.mark.parametrize(("kind", "fault"), [(FindsNothing, "not found"), (QuerySyntax, "leaked")])
def test_a_search_that_is_broken_fails(
    kind: type[InMemoryStore], fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = type("Broken", (Searching,), {"kind": kind})()
    with pytest.raises(AssertionError, match=rf"[1-9]\d* {fault}"):
        case.test_hostile_text(tmp_path, monkeypatch, print)


def test_a_copy_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    sound = type("Copied", (Searching,), {"copied": JournalStore})()
    sound.test_hostile_text(tmp_path / "1", monkeypatch, lines.append)
    assert "1 copies" in lines[0]
    broken = type("Stripped", (Searching,), {"copied": StripsText})()
    with pytest.raises(AssertionError, match=r"in a copy: message 1 of"):
        broken.test_hostile_text(tmp_path / "2", monkeypatch, print)


@pytest.mark.parametrize("battery", sorted({battery for _, battery, _ in BITES}))
def test_the_sound_store_passes(battery: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (line,) = run(SoundBatteries, battery, tmp_path, request)
    assert re.search(r"\b0 ", line)


@pytest.mark.parametrize(("store", "battery", "fault"), BITES)
def test_the_broken_store_fails(
    store: str, battery: str, fault: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(AssertionError) as failed:
        run(FAULTY[store], battery, tmp_path, request)
    assert re.search(rf"\b[1-9][\d,]* {fault}\b", str(failed.value)), str(failed.value)
