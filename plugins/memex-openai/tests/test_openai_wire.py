"""What a backend owes to its wire, in the words of both of OpenAI's APIs."""

from __future__ import annotations

from typing import ClassVar

from memex_openai.backend import openai
from openai_play import MODEL, Said, chat_chunks, chat_whole, response_events, response_whole

from memex import BackendError, BadRequest, RateLimited, Unavailable
from memex.testing import WireBackendContract
from memex.testing.wire import answer
from memex.testing.wire_backend import RefusedSetting

CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded", 500: "server_error"}


def told(code, words="no", kind="invalid_request_error", param=None):
    return {"error": {"message": words, "type": kind, "code": code, "param": param}}


class TestChatWire(WireBackendContract):
    api: ClassVar = "chat"
    pieces_before_words = 1
    key_variable = "OPENAI_API_KEY"
    senseless: ClassVar = (*WireBackendContract.senseless, ({"model": ""}, "names no model"))
    refusals = (
        (answer(told("insufficient_quota", "all is spent"), status=429), BadRequest, "all is spent"),
        (answer(told("rate_limit_exceeded", "go slower"), status=200), RateLimited, "go slower"),
        (answer("<html>hello</html>", headers={"content-type": "text/html"}), BackendError, "openai"),
    )

    def backend_at(self, url, *, model=MODEL, **settings):
        address = {"base_url": f"{url}/v1", **settings}
        return openai(model, preset="openai", api=self.api, **address)

    def says(self, words):
        return Said(text=words)

    def says_all(self):
        return Said(thought="A door, hm.", calls=[("call_1", "look", '{"where": "the pier"}')], reasoning=3)

    def body(self, said):
        return chat_whole(said)

    def pieces(self, said):
        return [*chat_chunks(said), "[DONE]"]

    def refusal(self, status, words):
        return told(CODES.get(status), words)

    def too_long(self):
        return "maximum context length is 8192 tokens", 8192

    def failure(self, words):
        return told("server_error", words, "server_error"), Unavailable

    def refused_setting(self):
        words = "Unsupported parameter: 'temperature' is not supported with this model."
        return RefusedSetting(
            settings={"temperature": 0.2},
            refusal=answer(told("unsupported_parameter", words, param="temperature"), status=400),
            name="temperature",
            field="temperature",
            why="not supported with this model",
            backend={"model": "new-model"},
        )


class TestResponsesWire(TestChatWire):
    api = "responses"

    def body(self, said):
        return response_whole(said)

    def pieces(self, said):
        return response_events(said)
