"""A power cut: what was acknowledged is on the disk, not only in the system's memory."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import ClassVar

from memex.testing._batteries.case import BatteryCase, Figure, sized
from memex.testing._batteries.killing import kill_somewhere
from memex.testing._batteries.lossy_mount import LossyMount
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.turns import FAULTS
from memex.testing._batteries.workers import Workers

_CUTS_A_STORE = 4


class PowerBatteries(BatteryCase):
    """Power cuts, on a file system that drops what was not synced."""

    power_cuts: ClassVar[int] = sized(24, full=200)
    power_sizes: ClassVar[tuple[int, ...]] = (20, 20, 4_000, 300_000)
    names_last: ClassVar[bool] = False

    def test_power_cut(self, tmp_path: Path, figure: Figure) -> None:
        """At random moments, from the first opening on; a store lives through several cuts."""
        self.need_files()
        tally = Tally("power cut", *FAULTS)
        chance = random.Random(5)  # noqa: S311 - the same moments every time, as far as a clock allows
        (tmp_path / "disk").mkdir()
        with LossyMount(tmp_path / "disk", names_last=self.names_last) as disk, Workers(self) as workers:
            acknowledged: list[str] = []
            for cut in range(self.power_cuts):
                folder, left = disk.folder / "store", tmp_path / f"left-{cut}"
                before = tmp_path / f"left-{cut - 1}"
                if cut % _CUTS_A_STORE:
                    shutil.copytree(before, folder)
                else:
                    folder.mkdir()
                    acknowledged = []
                if cut:
                    tally.clear_away(before)
                disk.settle()
                sizes = chance.sample(self.power_sizes, len(self.power_sizes))
                worker = workers.start("append_turns", folder, writer=f"w{cut}", count=10_000, sizes=sizes)
                fresh = kill_somewhere(worker, chance.choice([0, 1, 2, 5, 12]), chance, tally)
                # Every other cut leaves some of what was not synced, in no order.
                disk.cut("store", left, cut if cut % 2 else None)
                acknowledged += fresh
                tally.tried("cuts")
                tally.tried("acknowledged", len(fresh))
                there = set(self.examine(left, acknowledged, tally))
                acknowledged = [name for name in acknowledged if name in there]  # lost once is enough
        tally.settle(figure)
