"""What every plugin and every backend must be, on openai."""

from __future__ import annotations

import pytest
from openai_play import PlayedModel, Said, backend_at, sent_text

from memex.testing import BackendContract, PluginContract
from memex.testing.wire import WireServer


class TestPlugin(PluginContract):
    name = "openai"


class TestChat(BackendContract):
    api = "chat"
    said = Said(thought="A door, hm.", reasoning=3)

    @pytest.fixture(autouse=True)
    def _server(self):
        with WireServer() as self.server:
            self.server.always(PlayedModel(self.said))
            yield

    def make_backend(self):
        return backend_at(self.server, self.api)

    def make_failing_backend(self):
        return backend_at(self.server, self.api, base_url="http://127.0.0.1:9/v1")

    def sent_by(self, backend):
        return sent_text(self.server)


class TestResponses(TestChat):
    api = "responses"
    said = Said(thought="A door, hm.", encrypted="gAAAA-secret", reasoning=3)
