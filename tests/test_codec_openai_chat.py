"""OpenAI Chat Completions messages: what they mean, and what memex sends."""

from __future__ import annotations

from typing import Any

import pytest
from wire_examples import OPENAI

import memex
from memex import (
    Citation,
    InvalidMessage,
    LeftOut,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)

SHAPE = "openai:shape"


def sent(*messages: Message) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    encoded = memex.encode(messages, "openai")
    return encoded.payload["messages"], [(left.message, left.part) for left in encoded.left_out]


def test_the_example_means_this() -> None:
    messages = memex.decode(OPENAI, "openai")
    assert [message.role for message in messages] == [
        *("developer", "user", "assistant", "tool", "tool", "tool", "assistant", "assistant", "tool"),
        *("assistant", "assistant", "assistant", "user", "user", "system", "assistant"),
    ]
    assert [message.name for message in messages[:3]] == ["ops", "ada", None]
    picture = messages[1].parts
    assert picture[0] == Text(
        "What is on this picture?", extra={"openai": {"prompt_cache_breakpoint": {"mode": "explicit"}}}
    )
    assert picture[1:] == (
        Media(kind="image", source="url", value="https://example.org/a.png", detail="low"),
        Media(kind="image", source="base64", value="iVBORw0KGgo=", media_type="image/png"),
        Media(kind="audio", source="base64", value="UklGRg==", media_type="audio/mpeg"),
        Media(kind="file", source="file_id", value="file-abc123"),
        Media(kind="file", source="base64", value="JVBERi0=", media_type="application/pdf", name="plan.pdf"),
        Opaque(
            format="openai", data={"type": "video_url", "video_url": {"url": "https://example.org/v.mp4"}}
        ),
    )
    assert messages[2].parts == (
        ToolCall(id="call_1", name="look", arguments='{ "at": 1.50 }'),
        ToolCall(id="call_2", name="look", arguments="{oops", extra={"openai": {"index": 1}}),
        ToolCall(id="call_3", name="sql", arguments="select 1", extra={SHAPE: {"custom": True}}),
    )
    assert messages[2].extra == {"openai": {"refusal": None, "annotations": ()}}
    assert messages[3].parts == (ToolResult(call_id="call_2", parts=(Text(""),)),)
    assert messages[4].parts == (
        ToolResult(
            call_id="call_1", parts=(Text("A lighthouse."),), name="look", extra={SHAPE: {"content": "list"}}
        ),
    )
    annotation = OPENAI["messages"][6]["annotations"][0]
    assert messages[6].parts == (
        Reasoning("The tool said so.", extra={SHAPE: {"field": "reasoning_content"}}),
        Text("A lighthouse."),
        Citation(text="lighthouse", start=2, end=12, sources=(annotation,)),
    )
    assert messages[9].parts == (Refusal("I cannot say."),)
    assert messages[10].parts == (Refusal("Nor that.", extra={SHAPE: {"place": "content"}}),)
    assert messages[11].parts[0] == Media(
        kind="audio",
        source="file_id",
        value="audio_1",
        extra={"openai": {"expires_at": 1790000000, "transcript": "Hello"}},
    )
    assert [message.parts for message in messages[12:14]] == [(Text(""),), (Text("Thanks"),)]
    assert messages[14].parts == ()
    assert messages[15].extra["openai"] == {"tool_calls": (), "vendor": {"deep": (1, 1.0, True, None)}}


def test_the_deprecated_call_and_its_result_find_each_other() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{"}}
    result = {"role": "function", "name": "f", "content": "x"}
    messages = memex.decode([call, result, call, result], "openai")
    ids = [message.tool_calls[0].id for message in messages[::2]]
    assert [message.tool_results[0].call_id for message in messages[1::2]] == ids
    assert ids[0] != ids[1]
    assert memex.decode([result], "openai")[0].tool_results[0].call_id not in ids


def test_several_of_what_a_field_holds_once_are_all_sent() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    one, two = (memex.decode([call], "openai")[0].parts[0] for _ in range(2))
    [wire], left = sent(Message.assistant([Refusal("no"), Refusal("never"), one, two]))
    assert left == []
    assert wire["content"] == [{"type": "refusal", "refusal": "no"}]
    assert wire["refusal"] == "never"
    assert wire["function_call"] == {"name": "f", "arguments": "{}"}
    assert [made["function"]["name"] for made in wire["tool_calls"]] == ["f"]


@pytest.mark.parametrize(
    "content", ["hi", [{"type": "text", "text": "hi"}], None, [], "", [{"type": "text", "text": ""}]]
)
@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool"])
def test_every_spelling_of_content_is_kept(role: str, content: Any) -> None:
    item = {"role": role, "content": content} | ({"tool_call_id": "c"} if role == "tool" else {})
    assert memex.encode(memex.decode([item], "openai"), "openai").payload == {"messages": [item]}


def test_a_changed_message_is_sent_as_changed() -> None:
    item = {"role": "assistant", "content": None, "refusal": None, "x": 1}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}", "y": 2}}
    [message] = memex.decode([item | {"tool_calls": [call]}], "openai")
    changed = message.replace(parts=(Text("new"), Refusal("no"), *message.parts))
    assert sent(changed)[0] == [item | {"content": "new", "refusal": "no", "tool_calls": [call]}]


def test_what_a_program_makes_is_sent_in_the_usual_shape() -> None:
    picture = Media(kind="image", source="url", value="https://example.org/a.png")
    messages, left = sent(
        Message.system("s"),
        Message.user([Text("see"), picture], name="ada"),
        Message.assistant([Text("a"), ToolCall(id="1", name="f"), ToolCall(id="2", name="g", arguments="{")]),
        Message(role="tool", parts=(ToolResult(call_id="1", parts=(Text("x"),)), ToolResult(call_id="2"))),
        Message.assistant(Refusal("no")),
    )
    assert left == []
    assert messages == [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            ],
            "name": "ada",
        },
        {
            "role": "assistant",
            "content": "a",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "type": "function", "function": {"name": "g", "arguments": "{"}},
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": ""},
        {"role": "assistant", "content": None, "refusal": "no"},
    ]


def test_results_inside_a_user_message_become_tool_messages() -> None:
    message = Message.user([Text("a"), ToolResult(call_id="1", parts=(Text("x"),)), Text("b")])
    assert sent(message)[0] == [
        {"role": "user", "content": "a"},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "user", "content": "b"},
    ]


@pytest.mark.parametrize(
    ("part", "role"),
    [
        (Media(kind="image", source="file_id", value="file-1"), "user"),
        (Media(kind="image", source="base64", value="AAAA"), "user"),
        (Media(kind="file", source="url", value="https://example.org/a.pdf"), "user"),
        (Media(kind="audio", source="url", value="https://example.org/a.wav"), "user"),
        (Media(kind="audio", source="base64", value="AAAA", media_type="image/png"), "user"),
        (Media(kind="video", source="url", value="https://example.org/a.mp4"), "user"),
        (Media(kind="image", source="url", value="https://example.org/a.png"), "system"),
        (Citation(text="a", sources=({"type": "document"},)), "assistant"),
        (Refusal("no"), "user"),
        (ToolCall(id="1", name="f"), "user"),
    ],
)
def test_what_has_no_place_is_listed(part: Part, role: Any) -> None:
    messages, left = sent(Message(role=role, parts=(Text("hi"), part), id="m"))
    assert messages == [{"role": role, "content": "hi"}]
    assert left == [("m", str(part.__struct_config__.tag))]


def test_a_field_without_a_place_is_listed_and_the_rest_is_sent() -> None:
    failed = ToolResult(call_id="1", parts=(Text("x"),), is_error=True)
    encoded = memex.encode([Message(role="tool", parts=(failed,), id="m", name="bo")], "openai")
    assert encoded.payload["messages"] == [{"role": "tool", "tool_call_id": "1", "content": "x"}]
    assert encoded.left_out == (
        LeftOut("m", "tool_result", "openai has no field for is_error; the rest is sent"),
        LeftOut("m", "name", "openai has no field for the name of the speaker here"),
    )


def test_words_in_a_tool_message_are_listed() -> None:
    messages, left = sent(Message(role="tool", parts=(Text("hi"), ToolResult(call_id="1")), id="m"))
    assert messages == [{"role": "tool", "tool_call_id": "1", "content": ""}]
    assert left == [("m", "text")]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({}, "message 1: 'role' is missing"),
        ({"role": 5}, "message 1: 'role' is a number, not a string"),
        (
            {"role": "bot"},
            "message 1: 'role' is 'bot', not one of system, developer, user, assistant, tool, function",
        ),
        ({"role": "user"}, "message 1: 'content' is missing"),
        ({"role": "user", "content": 5}, "message 1: content is a number, not a string or a list"),
        ({"role": "user", "content": ["x"]}, "message 1: content[0] is a string, not an object"),
        ({"role": "user", "content": [{}]}, "message 1: content[0]: 'type' is missing"),
        ({"role": "user", "content": [{"type": "text"}]}, "message 1: content[0]: 'text' is missing"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
            "message 1: content[0].image_url: 'url' is missing",
        ),
        ({"role": "tool", "content": "x"}, "message 1: 'tool_call_id' is missing"),
        ({"role": "function", "content": "x"}, "message 1: 'name' is missing"),
        ({"role": "assistant", "tool_calls": {}}, "message 1: tool_calls is an object, not a list"),
        ({"role": "assistant", "tool_calls": [{}]}, "message 1: tool_calls[0]: 'function' is missing"),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {}}}]},
            "message 1: tool_calls[0].function: 'arguments' is an object, not a string",
        ),
        ({"role": "assistant", "function_call": {}}, "message 1: function_call: 'name' is missing"),
    ],
)
def test_bad_input_is_named(item: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        memex.decode([{"role": "user", "content": "hi"}, item], "openai")
    assert str(caught.value) == why


def test_an_object_of_an_sdk_gets_a_hint() -> None:
    class ChatCompletionMessage:
        def model_dump(self) -> dict[str, Any]:
            return {}

    with pytest.raises(
        InvalidMessage, match=r"message 0 is a ChatCompletionMessage, not an object; pass its model_dump"
    ):
        memex.decode([ChatCompletionMessage()], "openai")  # type: ignore[list-item]
