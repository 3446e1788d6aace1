"""The counter: an endpoint that plays Anthropic's, one call for each new message."""

from __future__ import annotations

import json

import pytest
from claude import MODEL, error
from hypothesis import HealthCheck, given, settings
from memex_anthropic.counter import AnthropicCounter
from strict_params import check_count_params

from memex import AuthFailed, Memex, Message, PluginError, Text, Tool, ToolCall, encode
from memex.testing import ScratchStore
from memex.testing.strategies import conversations, messages
from memex.testing.wire import WireServer, answer


def cost(body):
    """Count as an endpoint might: by length, with something for each message and each tool."""
    contents = [body.get("system", []), *(message["content"] for message in body["messages"])]
    lists = [[{"type": "text", "text": one}] if isinstance(one, str) else one for one in contents]
    blocks = sum(len(json.dumps(block)) for blocks in lists for block in blocks)
    return blocks + 4 * len(body["messages"]) + 30 * len(body.get("tools", ()))


def counted(request):
    return answer({"input_tokens": cost(request.json())})


@pytest.fixture
def server():
    with WireServer() as running:
        yield running.always(counted)


@pytest.fixture
def counter(server):
    made = AnthropicCounter(MODEL, base_url=server.url, api_key="sk-ant-counting", attempts=1)
    yield made
    made.close()


def check(server):
    for request in server.requests:
        assert request.path == "/v1/messages/count_tokens"
        check_count_params(request.json())


def test_each_message_costs_one_call(server, counter):
    hello = Message.user("Is the door blue?")
    tokens = counter.count_message(hello)
    assert counter.count_message(hello.replace(id="x" * 24)) == tokens > 0
    assert len(server.requests) == 1
    counter.count_message(Message.user("And old?"))
    assert len(server.requests) == 2
    check(server)


@pytest.mark.parametrize(
    "message",
    [
        Message.system("Be brief."),
        Message.user("Is it?"),
        Message.assistant("It is."),
        Message.assistant([Text("Let me look."), ToolCall("1", "look", "{}"), ToolCall("2", "look", "{}")]),
        Message.tool("1", "blue"),
    ],
)
def test_every_kind_of_message_is_asked_for_as_the_api_takes_it(server, counter, message):
    assert counter.count_message(message) > 0
    check(server)
    for body in (request.json() for request in server.requests):
        said = body["messages"]
        assert said[-1]["role"] == said[0]["role"] == "user"
        uses = {
            b["id"] for m in said for b in m["content"] if isinstance(b, dict) and b["type"] == "tool_use"
        }
        results = {
            b["tool_use_id"]
            for m in said
            for b in m["content"]
            if isinstance(b, dict) and b["type"] == "tool_result"
        }
        assert uses == results
        assert bool(uses) <= bool(body.get("tools"))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(messages())
def test_any_message_has_a_count(counter, message):
    assert counter.count_message(message) >= 1


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(conversations(max_turns=2))
def test_a_sum_of_messages_is_not_below_what_the_conversation_costs(server, counter, talk):
    payload = encode(talk, "anthropic", model=MODEL).payload
    assert sum(counter.count_message(message) for message in talk) >= cost(payload)


def test_tools_and_texts(server, counter):
    assert counter.count_tools([]) == 0
    assert counter.count_tools([Tool("look", "Looks.")]) == 30
    assert counter.count_text("") == 0
    assert counter.count_text("blue") >= 4
    check(server)


def test_a_window_is_built_with_it(counter):
    with Memex(ScratchStore(), counter=counter, chain=[]) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("Is the door blue?"), Message.assistant("It is.")])
        assert thread.window("Sure?").tokens > 10


def test_it_is_offered_by_name(server, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-counting")
    spec = {"use": f"anthropic:{MODEL}", "base_url": server.url}
    with Memex(ScratchStore(), counter=spec, chain=[]) as memory:
        assert memory.thread("t").window("Is it?").tokens > 0


def test_a_failure_is_named_and_typed():
    with WireServer() as server:
        server.play(error("authentication_error", "no", 401), error("authentication_error", "no", 401))
        counter = AnthropicCounter(MODEL, base_url=server.url, api_key="sk-ant-counting", attempts=1)
        with pytest.raises(AuthFailed):
            counter.count_message(Message.user("Is it?"))
        with (
            Memex(ScratchStore(), counter=counter, chain=[]) as memory,
            pytest.raises(PluginError, match="AuthFailed"),
        ):
            memory.thread("t").window("Is it?")
        counter.close()
