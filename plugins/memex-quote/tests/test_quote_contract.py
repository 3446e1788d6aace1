"""What every plugin and every backend must be, on quote."""

from __future__ import annotations

from memex_quote.backend import Quote

from memex.testing import BackendContract, PluginContract


class TestPlugin(PluginContract):
    name = "quote"


class TestBackend(BackendContract):
    def make_backend(self):
        return Quote()
