"""The contracts: of the plugin, of the policy, with and without neighbours and diversity."""

from __future__ import annotations

from memex_semantic.policy import semantic
from tiny_embedders import Words

from memex.testing import PluginContract, PolicyContract
from memex.testing.strategies import conversations  # noqa: F401 - the contract needs hypothesis


class TestPlugin(PluginContract):
    name = "semantic"


class Lighthouse(Words):
    """Words of the contract's own conversation."""

    WORDS = ("ottoline", "lighthouse", "door", "harbour", "colour")


class TestSemantic(PolicyContract):
    fresh_share = 0.8  # a quarter of every prompt is quotes, and a tiny model finds some for everything

    def make_policy(self):
        return semantic(Lighthouse())


class TestDiverse(PolicyContract):
    fresh_share = 0.8

    def make_policy(self):
        return semantic(Lighthouse(), diversity=0.5, beside=0.0, share=0.2)
