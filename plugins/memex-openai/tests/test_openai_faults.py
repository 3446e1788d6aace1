"""What goes wrong in the ways of OpenAI and of servers like it, at the socket, through the real SDK."""

from __future__ import annotations

import re
import socket

import pytest
from openai_play import Said, backend_at, chat_chunks, chat_whole, response_events, response_whole

from memex import (
    BadRequest,
    BadSetting,
    Message,
    Request,
    Unavailable,
)
from memex.testing import assembled
from memex.testing.wire import Pause, answer, sse
from memex.testing.wire_backend import WAYS, ask

APIS = ("chat", "responses")


def whole(api, way, said=None):
    """Return a good answer, as that way gets it."""
    said = said or Said()
    if way in ("generate", "agenerate"):
        return answer(chat_whole(said) if api == "chat" else response_whole(said))
    return sse(*stream_of(api, said))


def stream_of(api, said=None):
    said = said or Said()
    return [*chat_chunks(said), "[DONE]"] if api == "chat" else response_events(said)


def told(code, words="no", kind="invalid_request_error", param=None):
    return {"error": {"message": words, "type": kind, "code": code, "param": param}}


both = pytest.mark.parametrize("api", APIS)


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_whole_answer_to_who_asked_for_a_stream_is_an_answer(server, api, way):
    server.play(whole(api, "generate"))
    assert assembled(ask(backend_at(server, api), way)).finish == "stop"


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("when", ["before the first word", "in the middle", "in a call"])
def test_a_server_that_says_that_it_still_thinks_is_waited_for(server, api, way, when):
    """By comments, as OpenRouter does, or by pieces of a call, which make no event."""
    said = Said(calls=[("call_1", "look", '{"where": "the pier"}')])
    pieces = stream_of(api, said)
    long = [step for _ in range(12) for step in (b": PROCESSING\n\n", Pause(0.1))]
    middle = 1 if when == "before the first word" else len(pieces) // 2 if when == "in the middle" else -4
    server.play(sse(*pieces[:middle], *long, *pieces[middle:]))
    got = assembled(ask(backend_at(server, api, idle_timeout=0.9), way))
    assert got.finish == "tool_calls"


@both
def test_nobody_listens_and_the_address_is_named(api):
    from memex_openai.backend import openai

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # so that nobody else begins to listen there
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        backend = openai(f"m@http://{address}/v1", api=api, attempts=1)
        for way in WAYS:
            with pytest.raises(Unavailable, match=re.escape(address)):
                ask(backend, way)
        backend.close()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Unrecognized request argument supplied: prompt_cache_key", "prompt_cache_key"),
        ("Unknown parameter: 'stream_options.include_usage'.", "stream_options"),
        ("property 'seed' is unsupported", "seed"),
        ("Unsupported value: 'temperature' does not support 0.2 with this model.", "temperature"),
        ('Invalid JSON payload received. Unknown name "seed": Cannot find field.', "seed"),
    ],
)
def test_servers_say_in_many_words_what_they_do_not_take(server, words, name):
    server.play(answer({"error": {"message": words}}, status=400), whole("chat", "stream"))
    wishes = {"temperature": 0.2, "seed": 1}
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, thread="t", settings=wishes)
    got = assembled(ask(backend_at(server, "chat", model="new-model"), "stream", request))
    assert [told for told, _ in got.extra["openai:left_out"]] == [name]


@pytest.mark.parametrize(
    ("words", "code", "param"),
    [
        ("max_tokens is too large: 10. This model supports at most 5.", "invalid_value", "max_tokens"),
        ("Invalid 'temperature': decimal above maximum value.", "decimal_above_max_value", "temperature"),
        ("Unsupported value: 'minimal' is not supported.", "unsupported_value", "reasoning_effort"),
        ("Invalid schema for response_format", "invalid_json_schema", "response_format"),
    ],
)
def test_a_value_that_is_wrong_is_told_and_not_left_out(server, words, code, param):
    server.play(answer(told(code, words, param=param), status=400))
    wishes = {"temperature": 7, "reasoning_effort": "minimal"}
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings=wishes)
    with pytest.raises(BadRequest):
        ask(backend_at(server, "chat", model="new-model"), "stream", request)
    assert len(server.requests) == 1


def test_mistral_and_vllm_list_what_they_do_not_take(server):
    body = {
        "detail": [
            {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}
        ]
    }
    server.play(answer(body, status=422), whole("chat", "stream"))
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings={"seed": 1})
    got = assembled(ask(backend_at(server, "chat", model="new-model"), "stream", request))
    assert [told for told, _ in got.extra["openai:left_out"]] == ["seed"]


def test_what_is_known_to_be_refused_is_never_sent(played):
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings={"temperature": 0.2})
    got = assembled(ask(played.backend("chat", "gpt-5"), "stream", request))
    assert "temperature" not in played.body
    assert [name for name, _ in got.extra["openai:left_out"]] == ["temperature"]
    quick = Request(
        messages=(Message.user("Hi"),),
        answer_tokens=400,
        settings={"temperature": 0.2, "reasoning_effort": "none"},
    )
    ask(played.backend("chat", "gpt-5"), "stream", quick)
    assert played.body["temperature"] == 0.2


@both
def test_what_makes_the_request_is_not_left_out(server, api):
    server.play(answer(told("unsupported_parameter", "no tools", param="tools"), status=400))
    with pytest.raises(BadRequest):
        ask(backend_at(server, api), "stream")
    assert len(server.requests) == 1


def test_several_answers_are_refused(server):
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings={"n": 3})
    for way in WAYS:
        with pytest.raises(BadSetting, match="one answer"):
            ask(backend_at(server), way, request)
    assert server.requests == []
