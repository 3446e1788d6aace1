"""What every plugin and every policy must be, on fifo."""

from __future__ import annotations

from typing import Any, ClassVar

from memex_fifo.policy import fifo

from memex.testing import PluginContract, PolicyContract


class TestPlugin(PluginContract):
    name = "fifo"


class TestByTokens(PolicyContract):
    settings: ClassVar[dict[str, Any]] = {}

    def make_policy(self):
        return fifo(**self.settings)


class TestPerTurn(TestByTokens):
    settings: ClassVar[dict[str, Any]] = {"low_water": 1.0}
    fresh_share = 1.0  # what a low-water mark saves


class TestByMessages(TestByTokens):
    settings: ClassVar[dict[str, Any]] = {"by": "messages", "keep": 30}


class TestByTurns(TestByTokens):
    settings: ClassVar[dict[str, Any]] = {"by": "turns", "keep": 10, "low_water": 0.3}
