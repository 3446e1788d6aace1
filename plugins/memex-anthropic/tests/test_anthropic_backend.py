"""The backend against a real server at the socket: four ways to call, one answer."""

from __future__ import annotations

import json

import pytest
from claude import CITED, FOUND, MODEL, SEARCH, error, message, stream, text, thinking, tool_use
from memex_anthropic.backend import Anthropic
from strict_params import check_params

from memex import (
    Memex,
    Message,
    Request,
    Tool,
    ToolCall,
    Usage,
)
from memex.testing import ScratchStore, assembled
from memex.testing.wire import WireServer, answer, sse
from memex.testing.wire_backend import ASK, WAYS, ask

KEY = "sk-ant-canary-0123456789abcdef"


@pytest.fixture
def server():
    with WireServer() as running:
        yield running
        assert running.unexpected == []


@pytest.fixture
def backend(server):
    """Make backends that ask the server, and close them after the test."""
    made = []

    def make(model=MODEL, **settings):
        made.append(Anthropic(model, base_url=server.url, **{"api_key": KEY, "attempts": 1, **settings}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def played(way, whole, **how):
    return stream(whole, **how) if "stream" in way else answer(whole)


FULL = message(
    thinking(), CITED, text(" and blue."), SEARCH, FOUND, tool_use(), tool_use("toolu_2"), stop="tool_use"
)


def test_an_answer_has_its_id_its_model_and_all_its_parts(server, backend):
    server.play(stream(FULL))
    found = assembled(ask(backend(), "stream"))
    assert (found.response_id, found.model) == ("msg_1", MODEL)
    assert len(found.parts) == 8


@pytest.mark.parametrize("way", WAYS)
def test_what_is_sent_is_what_the_api_takes(server, backend, way):
    server.play(played(way, message()))
    request = Request(
        messages=(Message.system("Be brief."), *ASK.messages),
        answer_tokens=50,
        tools=(Tool("look", "Looks."),),
    )
    ask(backend(headers={"x-team": "doors"}), way, request)
    sent = server.requests[0]
    assert sent.path == "/v1/messages"
    assert KEY in sent.headers["authorization"]
    assert sent.headers["x-team"] == "doors"
    assert sent.json().get("stream", False) is ("stream" in way)
    check_params({name: value for name, value in sent.json().items() if name != "stream"})


def test_a_long_answer_is_streamed_even_if_nobody_reads_along(server, backend):
    server.play(stream(message()), stream(message()))
    for way in ("generate", "agenerate"):
        ask(backend(), way, Request(messages=ASK.messages, answer_tokens=60_000))
    assert [request.json()["stream"] for request in server.requests] == [True, True]


def test_an_error_before_the_first_word_is_tried_again(server, backend):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    server.play(sse(("error", overloaded)), error("overloaded_error", "Overloaded", 529), stream(message()))
    found = assembled(ask(backend(attempts=3), "stream"))
    assert (found.finish, len(server.requests)) == ("stop", 3)


@pytest.mark.parametrize(
    ("words", "talk", "look"),
    [
        (
            "Requests which include `tool_use` or `tool_result` blocks must define tools",
            [
                Message.user("Look."),
                Message.assistant([ToolCall("1", "look", "{}")]),
                Message.tool("1", "blue"),
            ],
            lambda body: bool(body.get("tools")),
        ),
        (
            'messages: first message must use the "user" role',
            [Message.assistant("It was blue."), Message.user("And now?")],
            lambda body: body["messages"][0]["role"] == "user",
        ),
    ],
)
def test_what_a_server_turns_out_to_want_it_gets(server, backend, words, talk, look):
    server.play(error("invalid_request_error", words, 400)).always(answer(message()))
    request = Request(messages=tuple(talk), answer_tokens=5)
    for _ in range(2):
        assert assembled(ask(backend(), "generate", request)).finish == "stop"
    assert [look(sent.json()) for sent in server.requests] == [False, True, True]


def test_diagnostics_that_a_server_does_not_know_are_left_out(server, backend):
    server.play(error("invalid_request_error", "diagnostics: Extra inputs are not permitted", 400))
    server.play(answer(message()))
    assert assembled(ask(backend(), "generate")).finish == "stop"
    assert "diagnostics" not in server.requests[1].json()


def test_what_is_left_out_is_stored_with_the_answer(server, backend):
    server.play(answer(message()))
    with Memex(ScratchStore(), backend=backend(), chain=[]) as memory:
        reply = memory.thread("t").send("Is it blue?", temperature=0.3)
    assert reply.message.extra["anthropic:left_out"] == (("temperature", f"{MODEL} does not take it"),)
    assert reply.message.extra["anthropic:raw"]["id"] == "msg_1"


def test_settings_of_the_backend_and_of_the_call(server, backend):
    server.always(answer(message()))
    made = backend(settings={"effort": "high", "service_tier": "auto"})
    ask(made, "generate", Request(messages=ASK.messages, answer_tokens=5, settings={"effort": "low"}))
    sent = server.requests[0].json()
    assert (sent["output_config"], sent["service_tier"]) == ({"effort": "low"}, "auto")


def test_a_model_on_another_server_is_named_with_its_address(server, backend):
    server.play(answer(message()))
    made = Anthropic(f"kimi-k3@{server.url}", api_key=KEY)
    assert made.model == "kimi-k3"
    assert ask(made, "generate")
    made.close()


def test_a_talk_goes_on_with_thoughts_calls_and_results(server, backend):
    server.play(answer(FULL), answer(message(text("It is."))))
    with Memex(ScratchStore(), backend=backend(), chain=[]) as memory:
        thread = memory.thread("t")
        calls = thread.send("Is it blue?", tools=[Tool("look", "Looks.")]).tool_calls
        thread.send([Message.tool(call.id, "blue") for call in calls], tools=[Tool("look", "Looks.")])
    sent = server.requests[1].json()
    check_params(sent)
    assert [block["type"] for block in sent["messages"][1]["content"]] == [b["type"] for b in FULL["content"]]
    assert sent["diagnostics"] == {"previous_message_id": "msg_1"}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_pauses_is_one_answer(server, backend, way):
    server.play(played(way, message(SEARCH, stop="pause_turn")), played(way, message(FOUND, text("Blue."))))
    found = assembled(ask(backend(), way))
    assert (found.finish, len(found.parts), found.usage.output_tokens) == ("stop", 3, 50)
    sent = server.requests[1].json()
    check_params({name: value for name, value in sent.items() if name != "stream"})
    assert sent["messages"][-1] == {"role": "assistant", "content": [SEARCH]}


def test_an_answer_is_held_to_a_schema_and_functions_are_run(server, backend):
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
    server.play(
        answer(message(text('{"colour":"blue"}'))),
        stream(message(tool_use(), tool_use("toolu_2"), stop="tool_use")),
        stream(message(text("It is."))),
    )

    def look(at: str) -> str:
        """Look at a thing."""
        return f"{at}: blue"

    made = backend()
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        reply = thread.send("Which colour?", output=schema)
        assert "".join(event.text for event in thread.stream("Look.", tools=[look])) == "It is."
    assert reply.cost.total > 0
    bodies = [sent.json() for sent in server.requests]
    assert bodies[0]["output_config"]["format"]["schema"]["required"] == ["colour"]
    assert [block["content"] for block in bodies[2]["messages"][-1]["content"]] == ["door: blue"] * 2
    for body in bodies:
        check_params({name: value for name, value in body.items() if name != "stream"})


@pytest.mark.parametrize("value", [[1, 2], "door", None], ids=repr)
def test_a_call_whose_input_is_no_object_is_answered_with_an_error(server, backend, value):
    broken = {**tool_use(), "input": value}
    server.play(answer(message(broken, stop="tool_use")), answer(message(text("I see."))))
    looked = []

    def look(at: str) -> str:
        """Look at a thing."""
        looked.append(at)
        return "blue"

    with Memex(ScratchStore(), backend=backend(), chain=[]) as memory:
        assert memory.thread("t").send("Look.", tools=[look]).text == "I see."
        call, result = [part for m in memory.thread("t").messages() for part in m.parts][1:3]
    assert (call.arguments, looked) == (json.dumps(value, separators=(",", ":")), [])
    sent = server.requests[1].json()
    check_params({name: value for name, value in sent.items() if name != "stream"})
    (told,) = sent["messages"][-1]["content"]
    assert told["is_error"] is True
    assert told["content"].startswith("the arguments do not fit: Expected `object`")
    assert result.is_error


def test_an_answer_with_citations_reads_as_it_was_streamed(server, backend):
    server.play(stream(message(text("We know: "), CITED, text(" in spring."))))
    made = backend()
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        words = "".join(event.text for event in thread.stream("What is green?"))
        assert next(thread.messages(reverse=True)).text == words == "We know: The grass is green in spring."


def test_money():
    kinds = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    usage = Usage(**dict.fromkeys(kinds, 1_000_000))
    cost = Anthropic("claude-opus-5").cost(usage)
    assert (cost.input, cost.cache_read, cost.cache_write, cost.output) == (5.0, 0.5, 6.25, 25.0)
    assert Anthropic("claude-opus-5", cache="1h").cost(usage).cache_write == 10.0
    assert Anthropic("claude-of-the-future").cost(usage) is None
    small = Usage(input_tokens=100_000)
    assert Anthropic("claude-haiku-5-5").cost(small).input == pytest.approx(0.01)
    assert Anthropic("claude-haiku-5-5").cost(Usage(input_tokens=200_000)).input == pytest.approx(0.10)
