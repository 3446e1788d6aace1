"""A clock that goes back: the order is the log's all the same."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from memex.testing._batteries.case import BatteryCase, Figure, need_linux, need_program, sized
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.turns import THREAD
from memex.testing._batteries.workers import Workers


class ClockBatteries(BatteryCase):
    """Time that goes back in mid-run."""

    clock_appends: ClassVar[int] = sized(40, full=400)
    clock_back: ClassVar[str] = "-1d"

    def test_clock(self, tmp_path: Path, figure: Figure) -> None:
        """A day back, half way: whatever is read is in the order in which it was appended."""
        need_linux()
        faketime = need_program("faketime", "faketime")
        tally = Tally("clock a day back", "out of order")
        folder = tmp_path / "store"
        folder.mkdir()
        environment = {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with Workers(self, [faketime, "-f", "+0"], environment) as workers:
            worker = workers.start(
                "append_back_in_time", folder, count=self.clock_appends, back=self.clock_back
            )
            heard = {word: rest for word, *rest in worker.rest()}
        assert heard["clock"][0] < -3600, f"the clock was not put back: {heard['clock'][0]} s"
        appended = heard["appended"]
        tally.tried("appended", len(appended))
        read = {"read": heard["read"], "read in reverse": heard["reversed"][::-1]}
        if self.persistent:
            store = self.open_store(folder)
            read["read by another process"] = [entry.message.id for entry in store.entries(THREAD)]
            store.close()
        for how, ids in read.items():
            if ids != appended:
                tally.fault("out of order", how)
        if heard["fork"] != appended[: len(appended) // 2 + 1]:
            tally.fault("out of order", "read from a fork")
        tally.settle(figure)
