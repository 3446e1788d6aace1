"""Syncing: an append is on the disk before it is acknowledged, and not at a higher price than that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from memex.testing._batteries.case import BatteryCase, Figure, need_program, sized
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.workers import Workers

_SYNCS = "fsync,fdatasync,msync,sync,syncfs,sync_file_range"
_DONE = re.compile(rf"(?:{_SYNCS.replace(',', '|')})\b.*= 0$")
_SAID = "sendto("


class SyncBatteries(BatteryCase):
    """fsync, counted from outside by strace."""

    synced_appends: ClassVar[int] = sized(40, full=400)
    most_syncs: ClassVar[float] = 2.0

    def test_sync_before_acknowledge(self, tmp_path: Path, figure: Figure) -> None:
        """At least one for every append, and on average not more than ``most_syncs``.

        A sync is a call; a file that is opened with ``O_SYNC`` syncs without one, and is not seen.
        """
        self.need_files()
        strace = need_program("strace", "strace")
        trace = tmp_path / "trace"
        # --seccomp-bpf: only what is traced costs anything.
        wrapper = [strace, "-f", "-qq", "--seccomp-bpf", "-s", "40", "-e", f"trace={_SYNCS},sendto"]
        folder = tmp_path / "store"
        folder.mkdir()
        with Workers(self, [*wrapper, "-e", "signal=none", "-o", str(trace)]) as workers:
            worker = workers.start(
                "append_turns", folder, writer="w", count=self.synced_appends + 1, sizes=[20]
            )
            said = list(worker.rest())
        assert [word for word, *_ in said] == ["stored"] * (self.synced_appends + 1), said[-1]
        # The first one also pays for the opening.
        counts = syncs_before_each(trace.read_text(errors="replace").splitlines())[1:]
        assert len(counts) == self.synced_appends
        tally = Tally("fsync", "without a sync", "above the limit")
        tally.tried("acknowledged", len(counts))
        tally.tried("syncs", sum(counts))
        for number, count in enumerate(counts, 2):
            if not count:
                tally.fault("without a sync", f"append {number}")
        if sum(counts) > self.most_syncs * len(counts):
            tally.fault(
                "above the limit",
                f"{sum(counts) / len(counts):.2f} for an append, {self.most_syncs:g} allowed",
            )
        tally.settle(figure)


def syncs_before_each(trace: Iterable[str]) -> list[int]:
    """Return how many syncs ended before each acknowledgement and after the one before it."""
    counts: list[int] = []
    count = 0
    for line in trace:
        if _SAID in line and '\\"stored\\"' in line:
            counts.append(count)
            count = 0
        elif _DONE.search(line):
            count += 1
    return counts
