"""The backend against a real server at the socket: four ways to call, one answer."""

from __future__ import annotations

import pytest
from command import CITATION, MODEL, WORDS, call, response, stream
from memex_cohere.backend import Cohere
from strict_chat import check_chat

from memex import (
    Memex,
    Message,
    Request,
    Tool,
    Usage,
)
from memex.testing import ScratchStore, assembled
from memex.testing.wire import WireServer, answer
from memex.testing.wire_backend import ASK, WAYS, ask

KEY = "co-canary-0123456789abcdefghij"
FULL = response(plan="I will look.", calls=[call(1), call(2)], citations=[CITATION], finish="TOOL_CALL")


@pytest.fixture
def server():
    with WireServer() as running:
        yield running
        assert running.unexpected == []


@pytest.fixture
def backend(server):
    """Make backends that ask the server, and close them after the test."""
    made = []

    def make(**settings):
        made.append(Cohere(MODEL, base_url=server.url, **{"api_key": KEY, "attempts": 1, **settings}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def played(way, whole):
    return stream(whole) if "stream" in way else answer(whole)


def test_an_answer_has_its_id_and_all_its_parts(server, backend):
    server.play(stream(FULL))
    found = assembled(ask(backend(), "stream"))
    assert found.response_id == "c14c80c3"
    assert len(found.parts) == 5


@pytest.mark.parametrize("way", WAYS)
def test_what_is_sent_is_what_the_api_takes(server, backend, way):
    server.play(played(way, response()))
    request = Request(
        messages=(Message.system("Be brief."), *ASK.messages),
        answer_tokens=50,
        tools=(Tool("look", "Looks."),),
        settings={"temperature": 0.2, "of_the_future": True},
    )
    ask(backend(headers={"x-team": "doors"}), way, request)
    sent = server.requests[0]
    body = sent.json()
    assert sent.path == "/v2/chat"
    assert KEY in sent.headers["authorization"]
    assert sent.headers["x-team"] == "doors"
    assert body["stream"] is ("stream" in way)
    assert body.pop("of_the_future") is True
    check_chat(body)


def test_what_is_left_out_is_stored_with_the_answer(server, backend):
    server.play(answer(response()))
    made = backend(settings={"seed": 7})
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        reply = memory.thread("t").send("Is it blue?", effort="low")
    assert reply.message.extra["cohere:left_out"] == (("effort", f"{MODEL} does not take it"),)
    assert reply.message.extra["cohere:raw"]["id"] == "c14c80c3"
    assert server.requests[0].json()["seed"] == 7


def test_a_talk_goes_on_with_plans_calls_and_results(server, backend):
    server.play(answer(FULL), answer(response("It is.")))
    made = backend()
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        calls = thread.send("Is it blue?", tools=[Tool("look", "Looks.")]).tool_calls
        thread.send([Message.tool(one.id, "blue") for one in calls], tools=[Tool("look", "Looks.")])
    sent = server.requests[1].json()
    check_chat(sent)
    assert sent["messages"][1] == {**FULL["message"], "content": WORDS}


def test_an_answer_is_held_to_a_schema(server, backend):
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
    server.play(answer(response('{"colour":"blue"}')))
    made = backend()
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        assert memory.thread("t").send("Which colour?", output=schema).text == '{"colour":"blue"}'
    sent = server.requests[0].json()
    check_chat(sent)
    assert sent["response_format"]["json_schema"]["required"] == ["colour"]


def test_money():
    cost = Cohere("command-r-08-2024").cost(Usage(input_tokens=1_000_000, output_tokens=1_000_000))
    assert (cost.input, cost.output, cost.dated) == (0.15, 0.60, "2026-11-11")
    assert Cohere("command-a-reasoning-08-2025").cost(Usage(input_tokens=5)) is None
    assert Cohere("command-of-the-future").cost(Usage(input_tokens=5)) is None
