"""Breakpoints of the prompt cache: where a prefix ends that will be there again."""

from __future__ import annotations

import pytest
from claude import FOUND, MODEL, SEARCH, thinking
from hypothesis import given
from hypothesis import strategies as st
from memex_anthropic.caching import MOST
from memex_anthropic.requesting import build
from strict_params import check_params

from memex import Capabilities, Message, Origin, Request, Text, Tool, ToolCall, decode

LONG = "The lighthouse door is blue. " * 200
LOOK = Tool("look", "Looks.")


def marked(messages, *, stable=0, floor=None, tools=(), lifetime="5m"):
    """Return where the breakpoints are, and the parameters."""
    request = Request(messages=tuple(messages), answer_tokens=10, stable=stable, tools=tuple(tools))
    params = build(
        request, model=MODEL, capabilities=Capabilities(cache_floor=floor), lifetime=lifetime
    ).params
    check_params(params)
    places = [f"tool {n}" for n, tool in enumerate(params.get("tools", ())) if "cache_control" in tool]
    if isinstance(params.get("system"), list):
        places += [f"system {n}" for n, block in enumerate(params["system"]) if "cache_control" in block]
    for n, message in enumerate(params["messages"]):
        if isinstance(message["content"], list):
            places += [f"{n}.{m}" for m, block in enumerate(message["content"]) if "cache_control" in block]
    return places, params


def talk(turns: int) -> list[Message]:
    said = [Message.system("Be brief.")]
    for number in range(turns):
        said += [Message.user(f"Question {number}."), Message.assistant(f"Answer {number}.")]
    return [*said, Message.user("And now?")]


def test_tools_system_the_shared_prefix_and_the_end_are_marked():
    places, params = marked(talk(2), stable=4, tools=[LOOK])
    assert places == ["tool 0", "system 0", "2.0", "4.0"]
    assert params["messages"][2]["content"] == [
        {"type": "text", "text": "Question 1.", "cache_control": {"type": "ephemeral"}}
    ]


def test_the_first_call_writes_what_the_second_will_read():
    first = talk(1)
    second = [*first, Message.assistant("Well."), Message.user("More?")]
    end_of_first = marked(first)[0][-1]
    assert end_of_first in marked(second, stable=len(first))[0]


def test_what_was_recalled_for_this_question_is_not_written():
    recalled = Message.user([Text("Earlier: ...", meta={"quotes": ((1, 0, 3),)})])
    said = talk(2)
    places, params = marked([*said[:-1], recalled, said[-1]], stable=4)
    assert places[-1] == "3.0"
    assert params["messages"][3]["role"] == "assistant"


def test_messages_that_became_one_are_marked_at_the_right_block():
    said = [Message.user("a"), Message.user("b"), Message.user("c")]
    assert marked(said, stable=2)[0] == ["0.1", "0.2"]


@pytest.mark.parametrize(("floor", "places"), [(512, ["system 0", "0.0"]), (100_000, [])])
def test_what_is_surely_too_short_is_not_marked(floor, places):
    said = [Message.system(LONG), Message.user("Is it blue?")]
    assert marked(said, floor=floor)[0] == places


def test_a_short_beginning_is_left_out_and_the_long_whole_is_marked():
    said = [Message.system("Be brief."), Message.user("Hello."), Message.assistant("Hi."), Message.user(LONG)]
    assert marked(said, floor=512, stable=2, tools=[LOOK])[0] == ["2.0"]


def test_thinking_is_never_marked():
    own = Origin("anthropic", MODEL)
    thought = decode([{"role": "assistant", "content": [thinking()]}], "anthropic")[0].replace(origin=own)
    words = decode(
        [{"role": "assistant", "content": [{"type": "text", "text": "A."}, thinking()]}], "anthropic"
    )
    said = [Message.user("a"), thought, Message.user("b"), words[0].replace(origin=own), Message.user("c")]
    assert marked(said, stable=2)[0] == ["4.0"]
    assert marked(said, stable=4)[0] == ["3.0", "4.0"]


def test_results_of_tools_can_be_marked():
    call = Message.assistant([ToolCall("1", "look", "{}")])
    said = [Message.user("a"), call, Message.tool("1", "blue")]
    assert marked(said, tools=[LOOK])[0] == ["tool 0", "2.0"]


def test_blocks_of_server_tools_can_be_marked_and_keep_what_is_in_them():
    searched = decode([{"role": "assistant", "content": [SEARCH, FOUND]}], "anthropic")[0]
    places, params = marked([Message.user("a"), searched])
    assert places == ["1.1"]
    assert params["messages"][1]["content"][1]["content"] == FOUND["content"]


def own_marks(count: int) -> list[Message]:
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    wire = [{"role": ("user", "assistant")[n % 2], "content": [block]} for n in range(count)]
    return [*decode(wire, "anthropic"), Message.user("And?")]


def test_breakpoints_that_messages_bring_along_do_not_pile_up():
    assert marked(own_marks(8), stable=3)[0] == ["2.0", "8.0"]


def test_own_breakpoints_are_kept_if_wanted_as_many_as_there_may_be():
    assert marked(own_marks(8), lifetime="own")[0] == ["4.0", "5.0", "6.0", "7.0"]
    assert marked(own_marks(8), lifetime="off")[0] == []


def test_an_hour_is_said():
    _, params = marked(talk(1), lifetime="1h")
    assert params["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


@given(st.integers(0, 9), st.data())
def test_there_are_never_more_breakpoints_than_allowed(turns, data):
    said = [*own_marks(3), *talk(turns)[1:]]
    stable = data.draw(st.integers(0, len(said)))
    lifetime = data.draw(st.sampled_from(["5m", "1h", "own", "off"]))
    assert len(marked(said, stable=stable, tools=[LOOK], lifetime=lifetime)[0]) <= MOST
