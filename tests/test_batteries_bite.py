"""A battery that nothing can fail proves nothing: stores with one fault each have to fail it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from faulty_stores import FAULTY, SoundBatteries

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
