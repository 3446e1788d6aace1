"""What goes out: held against the SDK's own types, and what could not go is told."""

from __future__ import annotations

import copy

import msgspec
import pytest
from claude import CITED, FOUND, MODEL, SEARCH, message, thinking, tool_use
from hypothesis import given
from memex_anthropic.backend import Anthropic
from memex_anthropic.requesting import LEADING, UNDEFINED, build
from strict_params import check_params

from memex import (
    BadRequest,
    Capabilities,
    Media,
    Message,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    decode,
)
from memex.testing.strategies import conversations

ABLE = Capabilities(tools=True, schema=True, output_tokens=64_000, cache_floor=512)
LOOK = Tool("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})
TALK = (Message.system("Be brief."), Message.user("Is the door blue?"))


def asked(*messages, model=MODEL, capabilities=ABLE, how=None, **request):
    request = {"answer_tokens": 500, **request}
    found = build(
        Request(messages=messages or TALK, **request), model=model, capabilities=capabilities, **(how or {})
    )
    check_params(found.params)
    return found


def test_a_request_is_what_the_sdk_takes():
    params = asked().params
    assert params["system"] == "Be brief."
    assert params["messages"] == [{"role": "user", "content": "Is the door blue?"}]
    assert params["max_tokens"] == 500


@given(conversations())
def test_no_conversation_makes_a_request_that_the_sdk_does_not_know(talk):
    talk = [message.replace(parts=plain(message.parts), extra={}) for message in talk]
    asked(Message.user("Go on."), *talk, Message.user("Well?"))


def plain(parts):
    """Return the parts without what only a wire of the future understands."""
    kept = []
    for part in parts:
        if isinstance(part, ToolResult):
            kept.append(msgspec.structs.replace(part, parts=plain(part.parts), extra={}))
        elif not isinstance(part, Opaque):
            kept.append(msgspec.structs.replace(part, extra={}))
    return tuple(kept)


def test_all_that_claude_says_goes_back_as_it_came():
    blocks = [thinking(), CITED, SEARCH, FOUND, tool_use()]
    said = decode([{"role": "assistant", "content": blocks}], "anthropic")[0]
    said = said.replace(origin=Origin("anthropic", MODEL, "msg_1"))
    params = asked(TALK[1], said, Message.tool("toolu_1", "It is."), tools=[LOOK]).params
    assert params["messages"][1] == {"role": "assistant", "content": blocks}


def test_what_was_thought_by_another_model_stays_out():
    thought = Message.assistant(
        [Reasoning("Hm.", signature="s"), Text("Blue.")], origin=Origin("anthropic", "claude-sonnet-5")
    )
    found = asked(TALK[1], thought, Message.user("Sure?"))
    assert found.params["messages"][1] == {"role": "assistant", "content": "Blue."}
    assert found.left_out == [("reasoning", f"bound to claude-sonnet-5, and this call is for {MODEL}")]


def test_images_and_documents_go_along():
    shown = [
        Text("What is this?"),
        Media(kind="image", source="base64", value="aWJt", media_type="image/png"),
        Media(kind="image", source="url", value="https://example.org/a.png"),
        Media(kind="file", source="base64", value="JVBERg==", media_type="application/pdf", name="a.pdf"),
    ]
    content = asked(Message.user(shown)).params["messages"][0]["content"]
    assert [block["type"] for block in content] == ["text", "image", "image", "document"]


def test_what_has_no_place_is_told_once_for_each_kind():
    sound = Media(kind="audio", source="url", value="https://example.org/a.wav")
    found = asked(Message.user([Text("a"), sound]), Message.user([Text("b"), sound]))
    assert found.left_out == [("media", "anthropic takes no audio (2 times)")]


def test_results_of_parallel_calls_stand_in_one_message():
    calls = Message.assistant([ToolCall("1", "look", "{}"), ToolCall("2", "look", "{}")])
    params = asked(TALK[1], calls, Message.tool("1", "blue"), Message.tool("2", "red"), tools=[LOOK]).params
    assert [m["role"] for m in params["messages"]] == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in params["messages"][2]["content"]] == ["1", "2"]


def test_tools_are_defined_for_calls_in_the_history_where_the_server_wants_it():
    calls = Message.assistant([ToolCall("1", "look", "{}")])
    talk = (TALK[1], calls, Message.tool("1", "blue"))
    assert not asked(*talk).params.keys() & {"tools", "tool_choice"}
    params = asked(*talk, how={"dropped": {UNDEFINED: "no"}}).params
    assert [tool["name"] for tool in params["tools"]] == ["look"]
    assert params["tool_choice"] == {"type": "none"}


def test_the_user_speaks_first_where_the_server_wants_it():
    talk = (Message.assistant("It was blue."), Message.user("And now?"))
    assert [m["role"] for m in asked(*talk).params["messages"]] == ["assistant", "user"]
    sent = asked(*talk, how={"dropped": {LEADING: "no"}}).params["messages"]
    assert [m["role"] for m in sent] == ["user", "assistant", "user"]


def test_tools_of_the_server_stand_beside_ours():
    search = {"type": "web_search_20260209", "name": "web_search"}
    params = asked(tools=[LOOK], settings={"server_tools": [search], "tool_choice": "required"}).params
    assert [tool["name"] for tool in params["tools"]] == ["look", "web_search"]
    assert params["tool_choice"] == {"type": "any"}


def test_settings_go_through():
    settings = {
        "stop": "END",
        "effort": "low",
        "thinking": {"type": "adaptive"},
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "betas": ["one", "two"],
        "of_the_future": 3,
    }
    params = asked(settings=settings).params
    assert params["stop_sequences"] == ["END"]
    assert params["output_config"] == {"effort": "low"}
    assert params["extra_headers"] == {"anthropic-beta": "one,two"}
    assert params["extra_body"] == {"of_the_future": 3}


def test_settings_that_the_model_refuses_are_left_out_and_told():
    able = Anthropic(MODEL).capabilities
    found = asked(settings={"temperature": 0.2, "top_p": 0.9, "seed": 4}, capabilities=able)
    assert not found.params.keys() & {"temperature", "top_p", "extra_body"}
    assert [name for name, _ in found.left_out] == ["temperature", "top_p", "seed"]


def test_sampling_goes_to_a_server_that_takes_it():
    able = Anthropic("kimi-k3").capabilities
    found = asked(settings={"temperature": 0.2}, capabilities=able)
    assert (found.params["extra_body"], found.left_out) == ({"temperature": 0.2}, [])


def test_what_was_learned_is_left_out_and_told_by_who_learned_it():
    found = asked(settings={"effort": "low"}, how={"dropped": {"effort": "no", "diagnostics": "no"}})
    assert not found.params.keys() & {"output_config", "diagnostics"}
    assert found.left_out == []


@pytest.mark.parametrize("name", ["n", "best_of", "candidate_count"])
def test_several_answers_are_refused_clearly(name):
    with pytest.raises(BadRequest, match="a thread has room for one"):
        asked(settings={name: 3})
    assert name not in asked(settings={name: 1}).params


@pytest.mark.parametrize("name", ["model", "messages", "system", "stream", "tools"])
def test_what_memex_makes_is_no_setting(name):
    with pytest.raises(BadRequest, match=f"{name} is no setting"):
        asked(settings={name: "x"})


@pytest.mark.parametrize(
    ("settings", "limit", "room", "most"),
    [
        ({}, None, 0, 500),
        ({}, 300, 0, 300),
        ({"max_tokens": 900}, None, 0, 900),
        ({"max_tokens": 900}, 700, 0, 700),
        ({}, None, 2_000, 2_500),
        ({"thinking": {"type": "enabled", "budget_tokens": 1_024}}, None, 0, 1_524),
    ],
)
def test_the_answer_is_as_long_as_asked_and_as_the_model_can(settings, limit, room, most):
    able = Capabilities(output_tokens=limit)
    found = asked(settings=settings, capabilities=able, how={"thinking_room": room})
    assert found.params["max_tokens"] == most


def test_a_schema_holds_the_answer():
    schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}
    form = asked(schema=schema, settings={"effort": "low"}).params["output_config"]
    assert form["effort"] == "low"
    assert form["format"]["schema"]["additionalProperties"] is False
    assert schema["properties"]["age"] == {"type": "integer", "minimum": 0}


def test_a_schema_is_left_out_where_the_model_has_none():
    found = asked(schema={"type": "object"}, capabilities=Capabilities())
    assert ("schema", f"{MODEL} cannot be held to one") in found.left_out
    assert "output_config" not in found.params


def test_an_answer_that_was_begun_is_refused_before_the_call_by_models_that_would():
    begun = (*TALK, Message.assistant("The door is "))
    with pytest.raises(BadRequest, match="begun for it"):
        asked(*begun)
    able = Capabilities(prefill=True)
    sent = asked(*begun, capabilities=able).params["messages"][-1]["content"]
    assert sent == [{"type": "text", "text": "The door is", "cache_control": {"type": "ephemeral"}}]


def test_a_paused_turn_goes_on():
    paused = decode([{"role": "assistant", "content": [SEARCH, FOUND]}], "anthropic")[0]
    assert asked(*TALK, paused).params["messages"][-1]["role"] == "assistant"


def test_nothing_to_say_is_refused():
    with pytest.raises(BadRequest, match="no message to send"):
        asked(Message.system("Be brief."))


def test_the_cache_is_asked_about_this_models_last_answer():
    talk = [
        Message.user("a"),
        Message.assistant("b", origin=Origin("anthropic", MODEL, "msg_1")),
        Message.user("c"),
        Message.assistant("d", origin=Origin("openai", "gpt", "resp_1")),
        Message.user("e"),
    ]
    assert asked(*talk).params["diagnostics"] == {"previous_message_id": "msg_1"}
    assert asked(*talk[:1]).params["diagnostics"] == {"previous_message_id": None}
    assert "diagnostics" not in asked(*talk, how={"diagnostics": False}).params
    assert "diagnostics" not in asked(*talk, how={"lifetime": "off"}).params


def test_a_refusal_goes_back_as_text():
    params = asked(TALK[1], Message.assistant([Refusal("No.")]), Message.user("Why?")).params
    assert params["messages"][1] == {"role": "assistant", "content": "No."}


def test_texts_of_white_space_stay_out():
    said = Message.assistant([Text("\n\n"), ToolCall("1", "look", "{}")])
    params = asked(TALK[1], Message.user(" "), said, Message.tool("1", "blue"), tools=[LOOK]).params
    assert [m["role"] for m in params["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in params["messages"][1]["content"]] == ["tool_use"]


def test_building_changes_nothing_of_the_request():
    request = Request(messages=TALK, answer_tokens=5, settings={"output_config": {"effort": "low"}})
    before = copy.deepcopy(request)
    build(request, model=MODEL, capabilities=ABLE)
    assert request == before


def test_the_check_bites():
    with pytest.raises(AssertionError):
        check_params(
            {"model": MODEL, "max_tokens": 1, "messages": [{"role": "user", "content": "a", "x": 1}]}
        )
    with pytest.raises(AssertionError):
        check_params({"model": MODEL, "max_tokens": 1, "messages": [], "temperature": 1})


def test_a_whole_message_of_claude_fits_the_check():
    said = decode([{"role": "assistant", "content": message(thinking(), tool_use())["content"]}], "anthropic")
    result = Message(role="tool", parts=(ToolResult("toolu_1", (Text("x"),), is_error=True),))
    assert asked(TALK[1], *said, result, tools=[LOOK]).params["messages"][2]["content"][0]["is_error"] is True
