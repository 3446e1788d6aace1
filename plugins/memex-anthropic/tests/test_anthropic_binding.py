"""Thoughts that are bound to the conversation they were thought in."""

from __future__ import annotations

import pytest
from claude import error, message, text, thinking, tool_use
from memex_anthropic.backend import Anthropic
from memex_anthropic.binding import PREFIX, binds_thoughts

from memex import Memex, Message, Tool
from memex.testing import ScratchStore
from memex.testing.wire import WireServer, answer

BINDING, FREE = "claude-fable-5-2", "claude-opus-5"
LOOK = Tool("look", "Looks.")


@pytest.fixture
def server():
    with WireServer() as running:
        running.always(lambda request: answer(message(thinking(), text(), model=request.json()["model"])))
        yield running


def memory(server, model, chain):
    backend = Anthropic(model, base_url=server.url, api_key="sk-ant-binding", attempts=1)
    return Memex(ScratchStore(), backend=backend, chain=chain)


def thoughts(request) -> list[int]:
    """Return which messages of a request hold thoughts."""
    messages = request.json()["messages"]
    return [
        number
        for number, one in enumerate(messages)
        if isinstance(one["content"], list) and any(block["type"] == "thinking" for block in one["content"])
    ]


@pytest.mark.parametrize(
    ("model", "binds"),
    [("claude-fable-5-1", True), (BINDING, True), ("claude-mythos-5-2", True), ("claude-fable-5", False)],
)
def test_it_is_known_which_models_bind_their_thoughts(model, binds):
    assert binds_thoughts(model) is binds


def test_thoughts_go_back_while_the_window_only_grows(server):
    with memory(server, BINDING, []) as opened:
        thread = opened.thread("t")
        thread.append(Message.system("Be brief."))
        for question in ("Is it blue?", "Is it old?", "Is it open?"):
            thread.send(question)
    assert [thoughts(request) for request in server.requests] == [[], [1], [1, 3]]


def last_three(window):
    return window.drop(window.droppable[:-3], reason="over-count")


def test_thoughts_stay_out_after_another_beginning_and_that_is_told(server):
    with memory(server, BINDING, [last_three]) as opened:
        thread = opened.thread("t")
        replies = [thread.send(question) for question in ("One?", "Two?", "Three?", "Four?")]
    assert [thoughts(request) for request in server.requests] == [[], [1], [], []]
    assert [name for name, _ in replies[2].message.extra["anthropic:left_out"]] == ["reasoning"]
    assert len({reply.message.extra[PREFIX] for reply in replies}) == 4


def test_models_that_do_not_bind_get_all_their_thoughts(server):
    with memory(server, FREE, [last_three]) as opened:
        thread = opened.thread("t")
        replies = [thread.send(question) for question in ("One?", "Two?", "Three?")]
    assert [thoughts(request) for request in server.requests] == [[], [1], [0, 2]]
    assert PREFIX not in replies[2].message.extra


def test_within_a_turn_with_tools_thoughts_go_back(server):
    server.play(answer(message(thinking(), tool_use(), stop="tool_use")))
    with memory(server, BINDING, []) as opened:
        thread = opened.thread("t")
        call = thread.send("Is it blue?", tools=[LOOK]).tool_calls[0]
        thread.send([Message.tool(call.id, "blue")], tools=[LOOK])
        thread.send("Sure?", tools=[LOOK])
        thread.send("Without tools?")
    assert [thoughts(request) for request in server.requests] == [[], [1], [1, 3], []]


def test_other_models_that_turn_out_to_bind_are_learned_of(server):
    words = (
        "messages.1.content.0: Invalid `signature` in `thinking` block. "
        "The block is bound to a different conversation. Remove the block."
    )
    with memory(server, FREE, []) as opened:
        thread = opened.thread("t")
        thread.send("One?")
        server.play(error("invalid_request_error", words, 400))
        told = thread.send("Two?").message.extra["anthropic:left_out"]
        thread.send("Three?")
    assert [thoughts(request) for request in server.requests] == [[], [1], [], []]
    assert [name for name, _ in told] == ["thoughts"]
