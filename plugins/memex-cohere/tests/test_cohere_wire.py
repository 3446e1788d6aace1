"""What a backend owes to its wire, in the words of v2 chat."""

from __future__ import annotations

from typing import ClassVar

from command import CITATION, MODEL, call, error, events, response
from memex_cohere.backend import Cohere

from memex import BadRequest, Unavailable
from memex.testing import WireBackendContract
from memex.testing.wire_backend import RefusedSetting


class TestCohereWire(WireBackendContract):
    pieces_before_words = 2
    key_variable = "CO_API_KEY"
    senseless: ClassVar = (*WireBackendContract.senseless, ({"model": ""}, "which model"))
    refusals = (
        (error("tools: wrong", 422), BadRequest, "tools: wrong"),
        (error("something broke", 200), Unavailable, "something broke|not one of Cohere's"),
    )

    def backend_at(self, url, *, model=MODEL, **settings):
        return Cohere(model, base_url=url, **settings)

    def says(self, words):
        return response(words)

    def says_all(self):
        return response(
            plan="I will look.", calls=[call(1), call(2)], citations=[CITATION], finish="TOOL_CALL"
        )

    def pieces(self, said):
        return [(event["type"], event) for event in events(said)]

    def refusal(self, status, words):
        return {"id": "e1", "message": words}

    def too_long(self):
        return "too many tokens: the total number of tokens in the prompt cannot exceed 4081", 4081

    def failure(self, words):
        failed = {"type": "message-end", "delta": {"error": words, "finish_reason": "ERROR"}}
        return ("message-end", failed), Unavailable

    def refused_setting(self):
        words = "invalid request: thinking is not supported by the specified model"
        return RefusedSetting(
            settings={"thinking": {"type": "disabled"}},
            refusal=error(words, 400),
            name="thinking",
            field="thinking",
        )
