"""What every backend and every plugin promises, against a server that speaks the wire format."""

from __future__ import annotations

import pytest
from claude import MODEL, error, message, stream, text
from memex_anthropic.backend import Anthropic

from memex.testing import BackendContract, PluginContract
from memex.testing.wire import WireServer, answer

WORDS = "The lighthouse door is blue, as it was painted in the year of the great storm."


class TestPlugin(PluginContract):
    name = "anthropic"


def play(request):
    body = request.json()
    most = body["max_tokens"]
    said = WORDS if most > 20 else WORDS[: 4 * most]
    usage = {"input_tokens": 100, "output_tokens": min(most, 20)}
    whole = message(text(said), stop="end_turn" if most > 20 else "max_tokens", usage=usage)
    return stream(whole) if body.get("stream") else answer(whole)


class TestBackend(BackendContract):
    """Against a scripted server, at the socket."""

    @pytest.fixture(autouse=True)
    def _server(self):
        with WireServer() as server:
            self.server = server.always(play)
            yield

    def make_backend(self):
        return Anthropic(MODEL, base_url=self.server.url, api_key="sk-ant-contract", attempts=1)

    def make_failing_backend(self):
        self.server.always(error("authentication_error", "invalid x-api-key", 401))
        return self.make_backend()

    def sent_by(self, backend):
        return "".join(request.body.decode() for request in self.server.requests)
