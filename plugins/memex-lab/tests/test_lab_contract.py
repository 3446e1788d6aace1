"""What every plugin must be, on memex-lab."""

from __future__ import annotations

from memex.testing import PluginContract


class TestPlugin(PluginContract):
    name = "lab"
