"""Many at once: everything is stored, without gaps, and each writer's in its own order."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import ClassVar

import pytest

from memex import MemexError, Store
from memex.testing._batteries.case import BatteryCase, Figure, sized
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.turns import THREAD, examine, examine_order, name_of, turn
from memex.testing._batteries.workers import Workers
from memex.testing._store.together import at_once

_FAULTS = ("lost", "duplicate", "half", "gaps", "out of order", "refused")


class RaceBatteries(BatteryCase):
    """Races between processes, threads and tasks."""

    cold_starts: ClassVar[int] = sized(2, full=20)
    race_processes: ClassVar[int] = 8
    process_appends: ClassVar[int] = sized(25, full=50)
    race_threads: ClassVar[int] = 16
    thread_appends: ClassVar[int] = sized(15, full=100)
    race_tasks: ClassVar[int] = sized(40, full=100)
    task_appends: ClassVar[int] = sized(6, full=20)

    def test_race_of_processes(self, tmp_path: Path, figure: Figure) -> None:
        """All open a store that is not there yet, at the same moment, and append."""
        self.need_workers()
        if not self.processes:
            pytest.skip(f"{type(self).__name__}.processes is False: its store is for one process")
        tally = Tally("race of processes", *_FAULTS)
        with Workers(self) as workers:
            for start in range(self.cold_starts):
                folder = tmp_path / f"cold-{start}"
                folder.mkdir()
                racing = [
                    workers.start(
                        "append_turns",
                        folder,
                        writer=f"p{number}",
                        count=self.process_appends,
                        sizes=[20],
                        wait=True,
                    )
                    for number in range(self.race_processes)
                ]
                for worker in racing:
                    assert worker.hear() == ["ready"]
                for worker in racing:
                    worker.tell("go")
                acknowledged = []
                for worker in racing:
                    for word, name, *why in worker.rest():
                        if word == "stored":
                            acknowledged.append(name)
                        else:
                            tally.fault(word, f"{name}: {why[0]}")
                tally.tried("cold starts")
                names = self.examine(folder, acknowledged, tally)
                examine_order(names, tally)
                tally.tried("acknowledged", len(acknowledged))
                tally.clear_away(folder)
                expected = self.race_processes * self.process_appends
                if len(acknowledged) < expected:
                    tally.fault("refused", f"{expected - len(acknowledged)} appends of {expected}")
        tally.settle(figure)

    def test_race_of_threads(self, store: Store, figure: Figure) -> None:
        """Threads on one store object."""
        tally = Tally("race of threads", *_FAULTS)
        acknowledged: list[str] = []

        def write(writer: int) -> None:
            for number in range(self.thread_appends):
                messages = turn(f"t{writer}", number)
                try:
                    store.append(THREAD, messages)
                except MemexError as error:
                    tally.fault("refused", f"{name_of(messages)}: {type(error).__name__}: {error}")
                else:
                    acknowledged.append(name_of(messages))

        at_once(self.race_threads, write)
        _examine(store, acknowledged, tally)
        tally.settle(figure)

    def test_race_of_tasks(self, store: Store, figure: Figure) -> None:
        """Tasks on one event loop, whose waiting is cancelled now and then: then all of a turn or nothing."""
        tally = Tally("race of tasks", *_FAULTS)
        chance = random.Random(2)  # noqa: S311 - a game, not a secret
        acknowledged: list[str] = []
        cancelled = asyncio.run(self._tasks(store, chance, acknowledged, tally))
        tally.tried("cancelled", cancelled)
        _examine(store, acknowledged, tally)
        tally.settle(figure)

    async def _tasks(self, store: Store, chance: random.Random, acknowledged: list[str], tally: Tally) -> int:
        cancelled = 0

        async def write(writer: int) -> None:
            nonlocal cancelled
            for number in range(self.task_appends):
                messages = turn(f"a{writer}", number)
                appending = asyncio.ensure_future(asyncio.to_thread(store.append, THREAD, messages))
                if chance.random() < 0.2:
                    await asyncio.sleep(chance.choice([0, chance.uniform(0, 0.05)]))
                    appending.cancel()
                try:
                    await appending
                except asyncio.CancelledError:
                    cancelled += 1
                except MemexError as error:
                    tally.fault("refused", f"{name_of(messages)}: {type(error).__name__}: {error}")
                else:
                    acknowledged.append(name_of(messages))

        await asyncio.gather(*(write(number) for number in range(self.race_tasks)))
        return cancelled


def _examine(store: Store, acknowledged: list[str], tally: Tally) -> None:
    tally.tried("acknowledged", len(acknowledged))
    names = examine(store, tally, acknowledged)
    examine_order(names, tally, among=set(acknowledged))
