"""What goes out: held against the SDK's own models, and what could not go is told."""

from __future__ import annotations

import msgspec
import pytest
from command import CITATION, MODEL, call, response
from hypothesis import given
from memex_cohere.backend import Cohere
from memex_cohere.requesting import build
from strict_chat import check_chat, missing_parameters

from memex import (
    BadRequest,
    Capabilities,
    Media,
    Message,
    Opaque,
    Origin,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    decode,
)
from memex.testing.strategies import conversations

ABLE = Capabilities(tools=True, schema=True, output_tokens=8_000)
LOOK = Tool("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})
TALK = (Message.system("Be brief."), Message.user("Is the door blue?"))


def asked(*messages, model=MODEL, capabilities=ABLE, dropped=None, **request):
    request = {"answer_tokens": 500, **request}
    found = build(
        Request(messages=messages or TALK, **request), model=model, capabilities=capabilities, dropped=dropped
    )
    check_chat(found.params)
    return found


def test_the_check_knows_every_parameter_and_bites():
    assert missing_parameters() == set()
    for wrong in (
        {"max_tokens": "a"},
        {"n": 3},
        {"messages": [{"role": "user", "content": "a", "name": "b"}]},
    ):
        with pytest.raises(AssertionError):
            check_chat({"model": MODEL, "messages": [{"role": "user", "content": "a"}], **wrong})


def test_a_request_is_what_the_sdk_takes():
    params = asked().params
    assert params["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is the door blue?"},
    ]
    assert params["max_tokens"] == 500


@given(conversations())
def test_no_conversation_makes_a_request_that_the_sdk_does_not_know(talk):
    asked(
        Message.user("Go on."), *(m.replace(parts=plain(m.parts), extra={}) for m in talk), Message.user("?")
    )


def plain(parts):
    """Return the parts without what only a wire of the future understands."""
    kept = []
    for part in parts:
        if isinstance(part, ToolResult):
            kept.append(msgspec.structs.replace(part, parts=plain(part.parts), extra={}))
        elif not isinstance(part, Opaque):
            kept.append(msgspec.structs.replace(part, extra={}))
    return tuple(kept)


def test_all_that_a_model_says_goes_back_as_it_came():
    wire = response(thought="Hm.", plan="I will look.", calls=[call()], citations=[CITATION])["message"]
    said = decode([wire], "cohere")
    sent = asked(TALK[1], *said, Message.tool("look_1", "It is."), tools=[LOOK]).params["messages"]
    assert {**sent[1], "content": sent[1]["content"]} == wire
    assert sent[2] == {"role": "tool", "tool_call_id": "look_1", "content": "It is."}


def test_what_cohere_has_no_place_for_is_told_once_for_each_kind():
    thought = Message.assistant(
        [Reasoning("Hm.", signature="s"), Text("a")], origin=Origin("anthropic", "claude")
    )
    sound = Media(kind="audio", source="url", value="https://example.org/a.wav")
    found = asked(Message.user([Text("a"), sound]), thought, Message.user([Text("b"), sound]))
    assert [part for part, _ in found.left_out] == ["media", "reasoning"]
    assert found.left_out[0][1].endswith("(2 times)")


def test_images_go_along():
    image = Media(kind="image", source="base64", value="aWJt", media_type="image/png")
    content = asked(Message.user([Text("What is it?"), image])).params["messages"][0]["content"]
    assert content[1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWJt"}}


def test_settings_go_through():
    settings = {
        "temperature": 0.3,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "stop": "END",
        "thinking": False,
        "safety_mode": "STRICT",
        "documents": [{"id": "d", "data": {"text": "The door is blue."}}, "The door is old."],
        "citation_options": {"mode": "FAST"},
        "of_the_future": 3,
    }
    found = asked(settings=settings)
    assert (found.params["p"], found.params["k"], found.params["stop_sequences"]) == (0.9, 40, ["END"])
    assert found.params["thinking"] == {"type": "disabled"}
    assert found.body == {"of_the_future": 3}


def test_settings_that_the_model_refuses_are_left_out_and_told():
    able = Cohere(MODEL).capabilities
    found = asked(settings={"logit_bias": {}, "effort": "low", "temperature": 0.2}, capabilities=able)
    assert [name for name, _ in found.left_out] == ["logit_bias", "effort"]
    assert found.params["temperature"] == 0.2


@pytest.mark.parametrize(("choice", "sent"), [("required", "REQUIRED"), ("none", "NONE"), ("auto", None)])
def test_the_choice_of_tools_in_the_words_of_others(choice, sent):
    assert asked(tools=[LOOK], settings={"tool_choice": choice}).params.get("tool_choice") == sent
    assert ("tool_choice", "no tools are offered") in asked(settings={"tool_choice": choice}).left_out


def test_tools_are_functions():
    tools = asked(tools=[LOOK, Tool("wait")]).params["tools"]
    assert [tool["function"]["name"] for tool in tools] == ["look", "wait"]
    assert tools[1]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_several_results_are_a_message_each():
    calls = Message.assistant([ToolCall("1", "look", "{}"), ToolCall("2", "look", "{}")])
    results = Message(role="tool", parts=(ToolResult("1", (Text("a"),)), ToolResult("2", (Text("b"),))))
    sent = asked(TALK[1], calls, results, tools=[LOOK]).params["messages"]
    assert [message.get("tool_call_id") for message in sent[2:]] == ["1", "2"]


def test_a_schema_holds_the_answer_where_it_can():
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    form = asked(schema=schema).params["response_format"]
    assert form == {"type": "json_object", "json_schema": schema}
    for found, why in (
        (asked(schema=schema, tools=[LOOK]), "Cohere takes none beside tools"),
        (asked(schema=schema, settings={"documents": ["a"]}), "Cohere takes none beside documents"),
        (asked(schema=schema, capabilities=Capabilities()), f"{MODEL} cannot be held to one"),
    ):
        assert "response_format" not in found.params
        assert ("schema", why) in found.left_out


@pytest.mark.parametrize("name", ["n", "num_generations"])
def test_several_answers_are_refused_clearly(name):
    with pytest.raises(BadRequest, match="a thread has room for one"):
        asked(settings={name: 3})


@pytest.mark.parametrize("name", ["model", "messages", "stream", "tools"])
def test_what_memex_makes_is_no_setting(name):
    with pytest.raises(BadRequest, match=f"{name} is no setting"):
        asked(settings={name: "x"})


def test_the_answer_is_as_long_as_asked_and_as_the_model_can():
    assert asked(answer_tokens=50_000).params["max_tokens"] == 8_000
    assert asked(settings={"max_tokens": 9}).params["max_tokens"] == 9
    thinking = {"type": "enabled", "token_budget": 1_000}
    assert asked(settings={"thinking": thinking}).params["max_tokens"] == 1_500


def test_nothing_to_say_is_refused():
    with pytest.raises(BadRequest, match="no message to send"):
        build(Request(messages=(), answer_tokens=5), model=MODEL, capabilities=ABLE)
