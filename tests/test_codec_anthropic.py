"""Anthropic messages: what they mean, and what memex sends."""

from __future__ import annotations

from typing import Any

import pytest
from wire_examples import ANTHROPIC

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

NAME = "anthropic"
SHAPE = "anthropic:shape"
PICTURE = Media(kind="image", source="url", value="https://example.org/a.png")


def sent(*messages: Message) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    encoded = memex.encode(messages, NAME)
    return encoded.payload, [(left.message, left.part) for left in encoded.left_out]


def test_the_example_means_this() -> None:
    wire = ANTHROPIC["messages"]
    messages = memex.decode(ANTHROPIC, NAME)
    assert [message.role for message in messages] == [
        *("system", "user", "assistant", "tool", "tool", "user", "user", "system", "assistant", "assistant")
    ]
    cache = {"cache_control": {"type": "ephemeral"}}
    assert messages[0].parts == (
        Text("You are terse.", extra={NAME: {"cache_control": {"type": "ephemeral", "ttl": "1h"}}}),
    )
    assert messages[1].parts == (
        PICTURE,
        Media(kind="image", source="base64", value="iVBORw0KGgo=", media_type="image/png"),
        Media(
            kind="file",
            source="file_id",
            value="file_011",
            name="Minutes",
            extra={NAME: {"context": None, "citations": {"enabled": True}}},
        ),
        Opaque(format=NAME, data=wire[0]["content"][3]),
        Text("Which colour?", extra={NAME: cache}),
    )
    said = "The minutes say vermilion."
    assert messages[2].parts == (
        Reasoning("Two tools.", signature="EqQBCgIYAhIM"),
        Reasoning(encrypted="EmwKAhgBEgy3"),
        Text(said),
        Citation(text=said, start=0, end=26, sources=tuple(wire[1]["content"][2]["citations"])),
        Opaque(format=NAME, data=wire[1]["content"][3]),
        Opaque(format=NAME, data=wire[1]["content"][4]),
        ToolCall(id="toolu_1", name="look", arguments='{"b":1.0,"a":[null,true]}'),
        ToolCall(id="toolu_2", name="look", arguments="{oops"),
    )
    assert messages[3].parts == (
        ToolResult(call_id="toolu_2", parts=(Text("invalid input"),), is_error=True),
    )
    assert messages[4].parts == (
        ToolResult(
            call_id="toolu_1",
            parts=(
                Text("A door."),
                Media(kind="image", source="url", value="https://example.org/d.png"),
                Opaque(format=NAME, data={"type": "tool_reference", "tool_name": "paint"}),
            ),
            extra={NAME: {"is_error": False, **cache}},
        ),
    )
    assert [message.text for message in messages[5:]] == [
        *("Go on.", "Please.", "The user is in a hurry.", "Vermilion.", "")
    ]
    assert messages[6].extra == {SHAPE: {"apart": True}}


def test_parallel_results_and_the_words_after_them_are_one_user_message() -> None:
    calls = [ToolCall(id="1", name="f", arguments='{"a": 1}'), ToolCall(id="2", name="f", arguments="[1]")]
    picture = ToolResult(call_id="2", parts=(Text("x"), PICTURE), is_error=True, name="f")
    said = [
        Message.user("go"),
        Message.assistant(calls),
        Message.tool("1", "one"),
        Message(role="tool", parts=(picture, ToolResult(call_id="3"))),
        Message.user("and?"),
        Message.user("well?"),
        Message.assistant("a"),
        Message.assistant("b"),
    ]
    payload, left = sent(*said)
    assert left == []
    assert payload == {
        "messages": [
            {"role": "user", "content": "go"},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "2", "name": "f", "input": {"memex_exact_arguments": "[1]"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "1", "content": "one"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "2",
                        "content": [
                            {"type": "text", "text": "x"},
                            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                        ],
                        "is_error": True,
                    },
                    {"type": "tool_result", "tool_use_id": "3"},
                    {"type": "text", "text": "and?"},
                    {"type": "text", "text": "well?"},
                ],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        ]
    }
    assert [message.role for message in memex.decode(payload, NAME)] == [
        *("user", "assistant", "tool", "tool", "tool", "user", "assistant")
    ]


def test_messages_that_the_wire_kept_apart_stay_apart() -> None:
    wire = [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    one, two, three = memex.decode(wire, NAME)
    assert sent(one, two, three)[0]["messages"] == wire
    assert sent(two, three)[0]["messages"] == wire[1:]


def test_a_message_with_fields_of_its_own_is_never_merged() -> None:
    one = Message.user("a")
    two = Message.user("b", extra={NAME: {"new": 1}})
    assert sent(one, two)[0]["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b", "new": 1},
    ]


def test_only_leading_system_messages_go_into_system() -> None:
    said = [Message.system("a"), Message.of("developer", "b"), Message.user("c"), Message.system("d")]
    assert sent(*said)[0] == {
        "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "messages": [{"role": "user", "content": "c"}, {"role": "system", "content": "d"}],
    }
    assert sent(said[0], said[2])[0]["system"] == "a"
    own = Message.system("e", extra={NAME: {"new": 1}})
    assert sent(own)[0] == {"messages": [{"role": "system", "content": "e", "new": 1}]}


@pytest.mark.parametrize(
    "payload",
    [
        {"system": "a", "messages": []},
        {"system": [{"type": "text", "text": "a"}], "messages": []},
        {"system": [], "messages": []},
        {"system": "", "messages": []},
        {
            "system": [{"type": "new"}, {"type": "image", "source": {"type": "url", "url": "u"}}],
            "messages": [],
        },
        {"messages": [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}]},
        {"system": "a", "messages": [{"role": "system", "content": "b"}, {"role": "user", "content": "c"}]},
        {"messages": [{"role": "assistant", "content": []}, {"role": "user", "content": []}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "thinking", "thinking": "a", "signature": "s"}]}
            ]
        },
        {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "a"}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": []}]}
            ]
        },
        {
            "messages": [
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": None}]}
            ]
        },
        {
            "messages": [
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": ""}]}
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "new": 1,
                    "content": [
                        {"type": "text", "text": "a"},
                        {"type": "tool_result", "tool_use_id": "a"},
                        {"type": "text", "text": "b"},
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "a", "citations": [{"type": "new"}]}],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": "\ud800", "y": {"z": 1}}}
                    ],
                }
            ]
        },
    ],
)
def test_every_spelling_of_a_payload_is_kept(payload: dict[str, Any]) -> None:
    encoded = memex.encode(memex.decode(payload, NAME), NAME)
    assert encoded.payload == payload
    assert encoded.left_out == ()


def test_the_id_of_a_response_is_the_id_of_the_message() -> None:
    response = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 1},
    }
    [message] = memex.decode([response], NAME)
    assert message.id == "msg_01"
    assert message.origin is None
    assert sent(message)[0]["messages"] == [response]


def test_citations_go_into_the_text_before_them() -> None:
    source = {
        "type": "page_location",
        "cited_text": "a",
        "document_index": 0,
        "start_page_number": 1,
        "end_page_number": 2,
    }
    other = {"type": "document", "id": "0"}
    message = Message.assistant(
        [
            Citation(sources=(source,)),
            Text("one"),
            Citation(sources=(source,)),
            Citation(sources=(other,)),
            Citation(sources=(source,)),
        ],
        id="m",
    )
    payload, left = sent(message)
    assert payload["messages"][0]["content"] == [
        {"type": "text", "text": "one", "citations": [source, source]}
    ]
    assert left == [("m", "citation"), ("m", "citation")]
    [back] = memex.decode(payload, NAME)
    assert back.parts == (Text("one"), Citation(text="one", start=0, end=3, sources=(source, source)))


@pytest.mark.parametrize(
    ("part", "role"),
    [
        (Text(""), "user"),
        (Media(kind="audio", source="base64", value="AAAA", media_type="audio/wav"), "user"),
        (Media(kind="video", source="url", value="https://example.org/a.mp4"), "user"),
        (Media(kind="image", source="base64", value="AAAA"), "user"),
        (PICTURE, "assistant"),
        (PICTURE, "system"),
        (Reasoning("hm", signature="s"), "user"),
        (ToolCall(id="1", name="f"), "user"),
    ],
)
def test_what_has_no_place_is_listed(part: Part, role: Any) -> None:
    payload, left = sent(Message.user("go"), Message(role=role, parts=(Text("hi"), part), id="m"))
    assert "hi" in str(payload["messages"][-1]["content"])
    assert "AAAA" not in str(payload)
    assert len(payload["messages"]) == (1 if role == "user" else 2)
    assert left == [("m", str(part.__struct_config__.tag))]


def test_a_refusal_is_sent_as_text_and_a_field_without_a_place_is_listed() -> None:
    picture = Media(
        kind="image", source="url", value="u", detail="low", name="a.png", width=3, media_type="image/png"
    )
    encoded = memex.encode(
        [Message.user(picture, id="m", name="ada"), Message.assistant(Refusal("no"))], NAME
    )
    assert encoded.payload["messages"] == [
        {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]},
        {"role": "assistant", "content": "no"},
    ]
    assert set(encoded.left_out) == {
        LeftOut("m", "media", "anthropic has no field for its name; the rest is sent"),
        LeftOut("m", "media", "anthropic has no field for its detail; the rest is sent"),
        LeftOut("m", "name", "anthropic has no field for the name of the speaker here"),
    }


def test_changed_arguments_are_sent_as_changed() -> None:
    block = {
        "type": "tool_use",
        "id": "a",
        "name": "f",
        "input": {"x": "\ud800"},
        "caller": {"type": "direct"},
    }
    [message] = memex.decode([{"role": "assistant", "content": [block]}], NAME)
    [call] = message.tool_calls
    changed = message.replace(
        parts=(ToolCall(id=call.id, name=call.name, arguments='{"x":1}', extra=call.extra),)
    )
    assert sent(changed)[0]["messages"][0]["content"] == [block | {"input": {"x": 1}}]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({}, "message 1: 'role' is missing"),
        ({"role": "tool", "content": "x"}, "message 1: 'role' is 'tool', not one of user, assistant, system"),
        ({"role": "user"}, "message 1: 'content' is missing"),
        ({"role": "user", "content": None}, "message 1: content is null, not a string or a list"),
        ({"role": "user", "content": [{"text": "x"}]}, "message 1: content[0]: 'type' is missing"),
        ({"role": "user", "content": [{"type": "image"}]}, "message 1: content[0]: 'source' is missing"),
        (
            {"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]},
            "message 1: content[0].source: 'url' is missing",
        ),
        (
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "{}"}]},
            "message 1: content[0]: 'input' is a string, not an object",
        ),
        (
            {"role": "assistant", "content": [{"type": "thinking"}]},
            "message 1: content[0]: 'thinking' is missing",
        ),
        (
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]}],
            },
            "message 1: content[0].content[0]: 'text' is missing",
        ),
    ],
)
def test_bad_input_is_named(item: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        memex.decode([{"role": "user", "content": "hi"}, item], NAME)
    assert str(caught.value) == why


@pytest.mark.parametrize("system", [5, None, {}, ["x"], [{"type": "text"}]])
def test_a_bad_system_is_named(system: Any) -> None:
    with pytest.raises(InvalidMessage, match="payload: 'system'"):
        memex.decode({"system": system, "messages": []}, NAME)
