"""What every plugin and every policy must be, on recall."""

from __future__ import annotations

from memex_recall.policy import recall

from memex.testing import PluginContract, PolicyContract


class TestPlugin(PluginContract):
    name = "recall"


class TestPolicy(PolicyContract):
    def make_policy(self):
        return recall()


class TestGreedy(PolicyContract):
    fresh_share = 0.8  # half of every prompt is quotes

    def make_policy(self):
        return recall(share=0.5)
