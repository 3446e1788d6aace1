"""Messages for chat templates of transformers: what they mean, and what memex sends."""

from __future__ import annotations

from typing import Any

import pytest
from wire_examples import HF

import memex
from memex import (
    Citation,
    InvalidMessage,
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

NAME = "hf"
SHAPE = "hf:shape"


def sent(*messages: Message) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    encoded = memex.encode(messages, NAME)
    return encoded.payload["messages"], [(left.message, left.part) for left in encoded.left_out]


def test_the_example_means_this() -> None:
    wire = HF["messages"]
    messages = memex.decode(HF, NAME)
    assert [message.role for message in messages] == [item["role"] for item in wire]
    assert messages[1].parts == (
        Media(kind="image", source="url", value="https://example.org/a.png"),
        Media(kind="image", source="base64", value="iVBORw0KGgo="),
        Media(kind="image", source="base64", value="iVBORw0KGgo=", media_type="image/png"),
        Opaque(format=NAME, data={"type": "image"}),
        Media(kind="audio", source="url", value="https://example.org/a.wav"),
        Text("What is it?"),
    )
    thought, first, second, third = messages[2].parts
    assert thought == Reasoning("Two looks.")
    assert first == ToolCall(id="c1", name="look", arguments='{"b":1,"a":"é"}')
    assert isinstance(second, ToolCall)
    assert isinstance(third, ToolCall)
    assert (second.name, second.arguments) == ("turn", "[1]")
    assert (third.name, third.arguments) == ("look", '{"raw": "text"}')
    assert len({first.id, second.id, third.id}) == 3
    answers = [message.tool_results[0] for message in messages[3:6]]
    assert [answer.call_id for answer in answers] == ["c1", third.id, second.id]
    assert [answer.name for answer in answers] == ["look", "look", None]
    assert messages[6].parts == (
        Reasoning("Both.", extra={SHAPE: {"field": "thinking"}}),
        Text("A lighthouse with a door."),
    )
    assert messages[7].name == "ada"
    assert messages[8].parts == ()


def test_results_without_ids_answer_the_open_calls_in_order() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": {}}}
    result = {"role": "tool", "content": "x"}
    wire = [{"role": "assistant", "tool_calls": [call, call]}, result, result, result]
    asked, *answers = memex.decode(wire, NAME)
    ids = [answer.tool_results[0].call_id for answer in answers]
    assert ids[:2] == [made.id for made in asked.tool_calls]
    assert ids[2] not in ids[:2]


def test_what_a_program_makes_is_sent_in_the_usual_shape() -> None:
    messages, left = sent(
        Message.of("developer", "s"),
        Message.user([Text("see"), Media(kind="image", source="url", value="u"), Text("and say")]),
        Message.assistant(
            [
                Reasoning("one"),
                Text("a"),
                Reasoning("two"),
                ToolCall(id="1", name="f", arguments='{ "a": 1.50 }'),
            ]
        ),
        Message(
            role="tool",
            parts=(ToolResult(call_id="1", parts=(Text("x"),), name="f"), ToolResult(call_id="2")),
        ),
        Message.assistant([ToolCall(id="3", name="f", arguments="{")]),
        Message.assistant(Refusal("no")),
    )
    assert left == []
    assert messages == [
        {"role": "developer", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image", "url": "u"},
                {"type": "text", "text": "and say"},
            ],
        },
        {
            "role": "assistant",
            "content": "a",
            "reasoning_content": "one\n\ntwo",
            "tool_calls": [
                {"type": "function", "id": "1", "function": {"name": "f", "arguments": {"a": 1.5}}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "name": "f", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": ""},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "type": "function",
                    "id": "3",
                    "function": {"name": "f", "arguments": {"memex_exact_arguments": "{"}},
                }
            ],
        },
        {"role": "assistant", "content": "no"},
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": None, "tool_calls": None, "reasoning_content": None},
        {"role": "assistant", "content": "", "reasoning_content": "", "reasoning": "b", "tool_calls": []},
        {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {}, "id": None, "new": 1}]},
        {
            "role": "assistant",
            "tool_calls": [{"type": "new", "function": {"name": "f", "arguments": "", "new": 1}}],
        },
        {"role": "tool", "content": "x", "tool_call_id": None, "name": None},
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {
            "role": "user",
            "content": [{"type": "video", "url": "u", "fps": 2}, {"type": "image", "path": "p"}],
        },
        {"role": "user", "content": [{"type": "audio", "url": "data:audio/wav;base64,AAAA"}]},
        {"role": "user", "content": [{"type": "image", "url": "u", "base64": "AAAA"}]},
    ],
)
def test_every_spelling_is_kept(item: dict[str, Any]) -> None:
    encoded = memex.encode(memex.decode([item], NAME), NAME)
    assert encoded.payload == {"messages": [item]}
    assert encoded.left_out == ()


@pytest.mark.parametrize(
    ("part", "role"),
    [
        (Media(kind="file", source="url", value="u"), "user"),
        (Media(kind="image", source="file_id", value="f"), "user"),
        (Citation(text="a", sources=({"type": "document"},)), "assistant"),
        (Reasoning("hm", signature="s"), "assistant"),
        (Reasoning("hm"), "user"),
        (ToolCall(id="1", name="f"), "user"),
    ],
)
def test_what_has_no_place_is_listed(part: Part, role: Any) -> None:
    messages, left = sent(Message(role=role, parts=(Text("hi"), part), id="m"))
    assert messages == [{"role": role, "content": "hi"}]
    assert left == [("m", str(part.__struct_config__.tag))]


def test_a_field_without_a_place_is_listed_and_the_rest_is_sent() -> None:
    sound = Media(kind="audio", source="base64", value="AAAA", media_type="audio/wav")
    messages, left = sent(
        Message.user(sound, id="a", name="ada"),
        Message(role="tool", parts=(ToolResult(call_id="1", is_error=True),), id="b"),
    )
    assert messages == [
        {"role": "user", "content": [{"type": "audio", "base64": "AAAA"}], "name": "ada"},
        {"role": "tool", "tool_call_id": "1", "content": ""},
    ]
    assert left == [("a", "media"), ("b", "tool_result")]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({"role": "ipython", "content": "x"}, "message 0: 'role' is 'ipython', not one of "),
        ({"role": "user"}, "message 0: 'content' is missing"),
        (
            {"role": "tool", "content": "x", "tool_call_id": 5},
            "message 0: 'tool_call_id' is a number, not a string",
        ),
        (
            {"role": "assistant", "tool_calls": [{"name": "f"}]},
            "message 0: tool_calls[0]: 'arguments' is missing",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]},
            "message 0: tool_calls[0].function: 'arguments' is a list, not an object or a string",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"arguments": {}}}]},
            "message 0: tool_calls[0].function: 'name' is missing",
        ),
    ],
)
def test_bad_input_is_named(item: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        memex.decode([item], NAME)
    assert str(caught.value).startswith(why)
