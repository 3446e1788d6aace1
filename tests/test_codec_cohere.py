"""Cohere v2 chat messages: what they mean, and what memex sends."""

from __future__ import annotations

from typing import Any

import pytest
from wire_examples import COHERE

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

NAME = "cohere"
SHAPE = "cohere:shape"


def sent(*messages: Message) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    encoded = memex.encode(messages, NAME)
    return encoded.payload["messages"], [(left.message, left.part) for left in encoded.left_out]


def test_the_example_means_this() -> None:
    wire = COHERE["messages"]
    messages = memex.decode(COHERE, NAME)
    assert [message.role for message in messages] == [item["role"] for item in wire]
    assert messages[1].parts[1] == Media(
        kind="image", source="base64", value="/9j/4A==", media_type="image/jpeg", detail="high"
    )
    assert messages[2].parts == (
        Reasoning("I will look twice.", extra={SHAPE: {"field": "tool_plan"}}),
        ToolCall(id="look_1", name="look", arguments='{"at":1}'),
        ToolCall(id="look_2", name="look", arguments="{"),
        Opaque(format=NAME, data=wire[2]["tool_calls"][2], extra={SHAPE: {"place": "tool_calls"}}),
    )
    assert messages[3].parts == (
        ToolResult(
            call_id="look_1",
            parts=(
                Text(
                    '{"title":"Door","colour":"vermilion"}',
                    extra={SHAPE: {"document": "object"}, NAME: {"document": {"id": "0"}}},
                ),
                Text('{"title": "Quay"}', extra={SHAPE: {"document": "text"}}),
                Text("That is all."),
            ),
        ),
    )
    assert messages[5].parts == (
        Reasoning("Clear."),
        Text("It is vermilion."),
        Citation(
            text="vermilion",
            start=6,
            end=15,
            sources=({"type": "tool", "id": "look_1:0", "tool_output": {"colour": "vermilion"}},),
            extra={NAME: {"type": "TEXT_CONTENT", "content_index": 1}},
        ),
    )


def test_what_a_program_makes_is_sent_in_the_usual_shape() -> None:
    source = {"type": "document", "id": "doc:0"}
    messages, left = sent(
        Message.of("developer", "s"),
        Message.user([Text("see"), Media(kind="image", source="url", value="u", detail="low")]),
        Message.assistant([Reasoning("hm"), ToolCall(id="1", name="f", arguments="{")]),
        Message(
            role="tool",
            parts=(ToolResult(call_id="1", parts=(Text("x"),), name="f"), ToolResult(call_id="2")),
        ),
        Message.assistant([Text("a"), Citation(text="a", start=0, end=1, sources=(source,)), Refusal("no")]),
    )
    assert left == []
    assert messages == [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "u", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}],
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": ""},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "no"}],
            "citations": [{"start": 0, "end": 1, "text": "a", "sources": [source]}],
        },
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": None, "citations": None, "tool_calls": None, "tool_plan": None},
        {"role": "assistant", "content": [], "citations": [], "tool_calls": []},
        {"role": "assistant", "content": "a", "citations": [{}]},
        {"role": "assistant", "content": "a", "citations": [{"text": "", "sources": [], "start": 1.0}]},
        {"role": "assistant", "content": "a", "citations": [{"sources": [{"type": "new"}]}]},
        {
            "role": "assistant",
            "tool_plan": "",
            "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": ""}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": []},
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": [{"type": "document", "document": {"data": {"a": -0.0}}}],
        },
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": [{"type": "document", "document": {"id": "no data"}}],
        },
        {"role": "user", "content": [{"type": "document", "document": {"data": {}}}], "name": "ada"},
        {"role": "user", "content": [{"type": "thinking", "thinking": "a"}]},
    ],
)
def test_every_spelling_is_kept(item: dict[str, Any]) -> None:
    encoded = memex.encode(memex.decode([item], NAME), NAME)
    assert encoded.payload == {"messages": [item]}
    assert encoded.left_out == ()


def test_a_document_whose_text_is_no_json_any_more_is_sent_as_text() -> None:
    wire = {
        "role": "tool",
        "tool_call_id": "a",
        "content": [{"type": "document", "document": {"data": {"a": 1}}}],
    }
    [message] = memex.decode([wire], NAME)
    [result] = message.tool_results
    inner = Text("[removed]", extra=result.parts[0].extra)
    changed = message.replace(parts=(ToolResult(call_id="a", parts=(inner,), extra=result.extra),))
    assert sent(changed)[0][0]["content"] == "[removed]"


@pytest.mark.parametrize(
    ("part", "role"),
    [
        (Media(kind="image", source="file_id", value="f"), "user"),
        (Media(kind="file", source="url", value="u"), "user"),
        (Media(kind="image", source="url", value="u"), "assistant"),
        (Citation(text="a", sources=({"type": "url_citation"},)), "assistant"),
        (Reasoning("hm", signature="s"), "assistant"),
        (ToolCall(id="1", name="f"), "user"),
    ],
)
def test_what_has_no_place_is_listed(part: Part, role: Any) -> None:
    messages, left = sent(Message(role=role, parts=(Text("hi"), part), id="m"))
    assert messages == [{"role": role, "content": "hi"}]
    assert left == [("m", str(part.__struct_config__.tag))]


def test_names_ids_of_thoughts_and_failures_are_listed() -> None:
    _, left = sent(
        Message.user("hi", name="ada", id="a"),
        Message.assistant(Reasoning("hm", id="rs_1"), id="b"),
        Message(role="tool", parts=(ToolResult(call_id="1", is_error=True),), id="c"),
    )
    assert left == [("a", "name"), ("b", "reasoning"), ("c", "tool_result")]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (
            {"role": "developer", "content": "x"},
            "message 0: 'role' is 'developer', not one of system, user, assistant, tool",
        ),
        ({"role": "user"}, "message 0: 'content' is missing"),
        ({"role": "tool", "content": "x"}, "message 0: 'tool_call_id' is missing"),
        (
            {"role": "assistant", "content": [{"type": "thinking"}]},
            "message 0: content[0]: 'thinking' is missing",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": ""}}]},
            "message 0: tool_calls[0]: 'id' is missing",
        ),
        (
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "document"}]},
            "message 0: content[0]: 'document' is missing",
        ),
    ],
)
def test_bad_input_is_named(item: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        memex.decode([item], NAME)
    assert str(caught.value) == why
