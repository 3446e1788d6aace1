"""What a backend owes to its wire, in the words of the Messages API."""

from __future__ import annotations

from typing import ClassVar

from claude import CITED, FOUND, MODEL, SEARCH, error, events, message, text, thinking, tool_use
from memex_anthropic.backend import Anthropic

from memex import BadRequest, Unavailable
from memex.testing import WireBackendContract
from memex.testing.wire_backend import RefusedSetting

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
}


class TestAnthropicWire(WireBackendContract):
    pieces_before_words = 2
    key_variable = "ANTHROPIC_API_KEY"
    refusals = (
        (error("overloaded_error", "Overloaded", 529), Unavailable, "try again"),
        (error("billing_error", "no credit", 402), BadRequest, "billing"),
        (error("overloaded_error", "Overloaded", 200), Unavailable, "try again"),
    )
    senseless: ClassVar = (
        *WireBackendContract.senseless,
        ({"model": ""}, "which model"),
        ({"cache": "2h"}, "cache"),
    )

    def backend_at(self, url, *, model=MODEL, **settings):
        return Anthropic(model, base_url=url, **settings)

    def says(self, words):
        return message(text(words))

    def says_all(self):
        calls = tool_use(), tool_use("toolu_2")
        return message(thinking(), CITED, text(" and blue."), SEARCH, FOUND, *calls, stop="tool_use")

    def pieces(self, said):
        return [(event["type"], event) for event in events(said)]

    def refusal(self, status, words):
        return {"type": "error", "error": {"type": KINDS[status], "message": words}, "request_id": "req_1"}

    def too_long(self):
        return "prompt is too long: 1204800 tokens > 1000000 maximum", 1_000_000

    def failure(self, words):
        told = {"type": "error", "error": {"type": "overloaded_error", "message": words}}
        return ("error", told), Unavailable

    def refused_setting(self):
        words = "output_config.effort: Extra inputs are not permitted"
        return RefusedSetting(
            settings={"effort": "low"},
            refusal=error("invalid_request_error", words, 400),
            name="effort",
            field="output_config",
        )
