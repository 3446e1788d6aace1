"""What every plugin and every backend must be, on hf."""

from __future__ import annotations

from hf_talks import backend

from memex.testing import BackendContract, PluginContract


class TestPlugin(PluginContract):
    name = "hf"


class TestBackend(BackendContract):
    model = "llama"

    def make_backend(self):
        return backend(self.model, many_ends=True)

    def make_failing_backend(self):
        made = self.make_backend()
        made.close()
        return made


class TestLinearBackend(TestBackend):
    model = "linear"
