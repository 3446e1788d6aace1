"""Random histories, many of them: the store does what plain lists and dicts do."""

from __future__ import annotations

from typing import ClassVar

from memex.testing._batteries.case import BatteryCase, Figure, sized


class ModelBatteries(BatteryCase):
    """Appends, batches, forks, searches, erasures, copies, archives, reopenings and crashes, in any order."""

    model_histories: ClassVar[int] = sized(100, full=2_000)
    model_steps: ClassVar[int] = 50

    def test_model(self, figure: Figure) -> None:
        """After every step the store and a model of it show the same."""
        # Hypothesis is of no use to the processes that the other batteries start.
        from memex.testing._store.machine import compare

        size = f"model: {self.model_histories:,} histories of up to {self.model_steps} steps"
        try:
            compare(self, self.model_histories, self.model_steps)
        except BaseException:
            figure(f"{size}, falsified")
            raise
        figure(f"{size}, 0 falsified")
