"""What every backend and every plugin promises, against a server that speaks the wire format."""

from __future__ import annotations

import pytest
from command import MODEL, USAGE, error, response, stream
from memex_cohere.backend import Cohere

from memex.testing import BackendContract, PluginContract
from memex.testing.wire import WireServer, answer

WORDS = "The lighthouse door is blue, as it was painted in the year of the great storm."


class TestPlugin(PluginContract):
    name = "cohere"


def play(request):
    body = request.json()
    most = body["max_tokens"]
    said = WORDS if most > 20 else WORDS[: 4 * most]
    whole = response(said, finish="COMPLETE" if most > 20 else "MAX_TOKENS")
    whole["usage"] = {**USAGE, "tokens": {"input_tokens": 512.0, "output_tokens": float(min(most, 20))}}
    return stream(whole) if body.get("stream") else answer(whole)


class TestBackend(BackendContract):
    """Against a scripted server, at the socket."""

    @pytest.fixture(autouse=True)
    def _server(self):
        with WireServer() as server:
            self.server = server.always(play)
            yield

    def make_backend(self):
        return Cohere(MODEL, base_url=self.server.url, api_key="co-contract", attempts=1)

    def make_failing_backend(self):
        self.server.always(error("invalid api token", 401))
        return self.make_backend()

    def sent_by(self, backend):
        return "".join(request.body.decode() for request in self.server.requests)
