"""A process that is killed: nothing acknowledged is lost, and what is retried is stored once."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import ClassVar

from memex import Message
from memex.testing._batteries.case import BatteryCase, Figure, sized
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.turns import FAULTS, THREAD, examine_order, name_of, turn
from memex.testing._batteries.workers import Worker, Workers

_TRIALS_A_FOLDER = 10


class KillBatteries(BatteryCase):
    """kill -9."""

    kill_trials: ClassVar[int] = sized(16, full=300)
    kill_sizes: ClassVar[tuple[int, ...]] = (20, 1_000_000)
    once_trials: ClassVar[int] = sized(30, full=300)

    def test_kill(self, tmp_path: Path, figure: Figure) -> None:
        """Killed at random moments, with short messages and with very long ones."""
        self.need_workers()
        tally = Tally("kill -9", *FAULTS)
        chance = random.Random(9)  # noqa: S311 - the same moments every time, as far as a clock allows
        with Workers(self) as workers:
            for trial in range(self.kill_trials):
                folder = tmp_path / f"killed-{trial // _TRIALS_A_FOLDER}"
                folder.mkdir(exist_ok=True)
                size = self.kill_sizes[trial % len(self.kill_sizes)]
                before = chance.choice([0, 0, 1, 2, 5]) if size > 1_000 else chance.randrange(40)
                arguments = {"writer": f"w{trial}", "sizes": [size], "count": 10_000}
                # Most are killed at work, some while they wait: then nothing may be left to do.
                idle = {"idle_at": before} if before and trial % 3 == 0 else {}
                worker = workers.start("append_turns", folder, **arguments, **idle)
                acknowledged = kill_somewhere(worker, before, chance, tally)
                tally.tried("trials")
                tally.tried("acknowledged", len(acknowledged))
                last = (trial + 1) % _TRIALS_A_FOLDER == 0 or trial + 1 == self.kill_trials
                examine_order(self.examine(folder, acknowledged, tally, sound=last), tally)
                if last:
                    tally.clear_away(folder)
        tally.settle(figure)

    def test_exactly_once(self, tmp_path: Path, figure: Figure) -> None:
        """Killed when it is stored and nobody was told, or a moment before; then sent again."""
        self.need_workers()
        tally = Tally("exactly once", "lost", "duplicate", "half", "unreadable")
        chance = random.Random(1)  # noqa: S311 - the same moments every time, as far as a clock allows
        folder = tmp_path / "once"
        folder.mkdir()
        usual = 0.005
        retried: list[str] = []
        with Workers(self) as workers:
            for trial in range(self.once_trials):
                random_moment = trial % 3 == 2
                arguments = {"writer": "once", "number": trial, "size": 20, "wait": random_moment}
                worker = workers.start("append_and_die", folder, **arguments)
                began = time.monotonic()
                if random_moment:
                    assert worker.hear() == ["begins"]
                    time.sleep(chance.uniform(0, 2 * usual))
                    worker.kill()
                assert list(worker.rest()) == []
                if not random_moment:
                    usual = min(0.05, time.monotonic() - began)
                self._retry(folder, turn("once", trial), tally)
                retried.append(name_of(turn("once", trial)))
        names = self.examine(folder, retried, tally)
        once = sum(names.count(name) == 1 for name in retried)
        tally.tried(f"of {self.once_trials:,} stored once", once)
        tally.settle(figure)

    def _retry(self, folder: Path, messages: list[Message], tally: Tally) -> None:
        store = self.open_store(folder)
        try:
            done = store.append(THREAD, messages)
            tally.tried("there already" if not done.new else "stored by the retry")
        finally:
            store.close()


def kill_somewhere(worker: Worker, before: int, chance: random.Random, tally: Tally) -> list[str]:
    """Kill a worker at a random moment after ``before`` acknowledgements; return all that it gave."""
    began = time.monotonic()
    heard = [said for _ in range(before) if (said := worker.hear())]
    usual = (time.monotonic() - began) / before if before else 0.02
    time.sleep(chance.uniform(0, 2 * usual))
    worker.kill()
    heard += worker.rest()
    for word, name, *why in heard:
        if word != "stored":
            tally.fault(word, f"{name}: {why[0]}")
    return [name for word, name, *_ in heard if word == "stored"]
