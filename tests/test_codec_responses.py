"""Items of OpenAI's Responses API: what they mean, and what memex sends."""

from __future__ import annotations

from typing import Any

import pytest
from normal_forms import shown
from wire_examples import RESPONSES

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

NAME = "openai-responses"
SHAPE = "openai-responses:shape"


def sent(*messages: Message) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    encoded = memex.encode(messages, NAME)
    return encoded.payload, [(left.message, left.part) for left in encoded.left_out]


def test_the_example_means_this() -> None:
    items = RESPONSES["input"]
    messages = memex.decode(RESPONSES, NAME)
    roles = ["system", "user", "user", "assistant", "tool", "tool", "assistant", "developer"]
    assert [message.role for message in messages] == roles
    assert messages[0].text == "Be brief."
    assert messages[2].id == "msg_u1"
    assert messages[2].extra == {NAME: {"type": "message", "status": "completed", "id": "msg_u1"}}
    assert messages[2].parts == (
        Text("See these."),
        Media(kind="image", source="url", value="https://example.org/a.png", detail="auto"),
        Media(
            kind="image",
            source="file_id",
            value="file-img",
            detail="high",
            extra={NAME: {"image_url": None}},
        ),
        Media(kind="file", source="url", value="https://example.org/p.pdf"),
        Media(kind="file", source="base64", value="JVBERi0=", media_type="application/pdf", name="p.pdf"),
        Opaque(format=NAME, data={"type": "input_of_the_future", "value": [1, {"x": None}]}),
    )
    url, file = items[4]["content"][0]["annotations"]
    item = {"type": "message", "id": "msg_1", "status": "completed", "phase": "commentary"}
    assert messages[3].id == "msg_1"
    assert messages[3].parts == (
        Reasoning(
            "**Look**\n\nthen answer",
            encrypted="gAAAAB",
            id="rs_1",
            extra={SHAPE: {"lengths": (8, 11)}, NAME: {"status": "completed"}},
        ),
        Opaque(format=NAME, data=items[3]),
        Text("Looking it up.", extra={SHAPE: {"item": item}, NAME: {"logprobs": ()}}),
        Citation(text="Looking", start=0, end=7, sources=(url,)),
        Citation(sources=(file,)),
        ToolCall(
            id="call_1", name="look", arguments='{"at":', extra={NAME: {"id": "fc_1", "status": "completed"}}
        ),
        ToolCall(
            id="call_2",
            name="sql",
            arguments="select 1",
            extra={SHAPE: {"custom": True}, NAME: {"id": "ctc_1"}},
        ),
    )
    assert messages[4].id == "fco_1"
    assert messages[4].parts == (
        ToolResult(call_id="call_1", parts=(Text("not JSON"),), extra={NAME: {"id": "fco_1"}}),
    )
    assert messages[5].parts == (
        ToolResult(
            call_id="call_2",
            parts=(
                Text("1"),
                Media(kind="image", source="file_id", value="file-2", extra={SHAPE: {"undetailed": True}}),
            ),
            extra={SHAPE: {"custom": True}},
        ),
    )
    late = messages[6].parts
    assert late[:3] == tuple(Opaque(format=NAME, data=item) for item in items[9:12])
    assert [part.text for part in late if isinstance(part, (Text, Refusal, Reasoning))] == [
        *("Hm.", "Ada.", "No more.", "And Bo.", "And Cy.")
    ]


def test_a_turn_of_a_model_is_one_message_and_its_items_keep_their_order() -> None:
    message = Message.assistant(
        [
            Reasoning("first", id="rs_1", encrypted="x"),
            ToolCall(id="a", name="f"),
            Reasoning("then", id="rs_2"),
            Text("one"),
            Text("two"),
            ToolCall(id="b", name="g", arguments="{"),
        ]
    )
    payload, left = sent(message)
    assert left == []
    assert payload["input"] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "first"}],
            "encrypted_content": "x",
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "then"}]},
        {"role": "assistant", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{"},
    ]
    [back] = memex.decode(payload, NAME)
    assert shown([back]) == shown([message])


def test_results_with_media_are_sent_as_lists() -> None:
    picture = Media(kind="image", source="url", value="https://example.org/a.png", detail="low")
    result = ToolResult(call_id="a", parts=(Text("x"), picture), name="look")
    assert sent(Message(role="tool", parts=(result,)))[0]["input"] == [
        {
            "type": "function_call_output",
            "call_id": "a",
            "output": [
                {"type": "input_text", "text": "x"},
                {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"},
            ],
            "name": "look",
        }
    ]


@pytest.mark.parametrize(
    "payload",
    [
        {"input": "hello"},
        {"input": "hello", "instructions": "x"},
        {"input": "", "instructions": ""},
        {"input": [], "instructions": None},
        {"input": "hello", "instructions": None},
        {"input": [{"role": "user", "content": "hello"}]},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}]},
        {"input": [{"role": "system", "content": "x"}, {"role": "user", "content": "hello"}]},
        {"input": [{"type": "function_call_output", "call_id": None, "output": "x"}]},
        {"input": [{"type": "function_call_output", "call_id": "a", "output": []}]},
        {"input": [{"type": "item_reference", "id": "msg_1"}, {"type": None, "id": "msg_2"}]},
        {
            "input": [
                {
                    "type": "reasoning",
                    "summary": [{"type": "summary_text", "text": ""}],
                    "encrypted_content": None,
                }
            ]
        },
        {
            "input": [
                {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "a", "new": 1}]}
            ]
        },
        {
            "input": [
                {"role": "assistant", "content": [{"type": "input_text", "text": "a"}], "phase": "commentary"}
            ]
        },
    ],
)
def test_every_spelling_of_a_payload_is_kept(payload: dict[str, Any]) -> None:
    assert memex.encode(memex.decode(payload, NAME), NAME).payload == payload


def test_instructions_and_a_lone_string_stay_so_only_while_they_can() -> None:
    messages = memex.decode({"input": "hello", "instructions": "x"}, NAME)
    assert sent(*messages, Message.assistant("hi"))[0] == {
        "instructions": "x",
        "input": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}],
    }
    assert sent(*reversed(messages))[0]["input"][1] == {"role": "system", "content": "x"}


def test_changed_reasoning_is_sent_as_changed() -> None:
    summary = [{"type": "summary_text", "text": text} for text in ("one", "two")]
    [message] = memex.decode([{"type": "reasoning", "id": "r", "summary": summary}], NAME)
    [part] = message.parts
    changed = message.replace(parts=(Reasoning("[removed]", id="r", extra=part.extra),))
    assert sent(changed)[0]["input"] == [
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "[removed]"}]}
    ]


def test_ids_of_the_wire_are_ids_of_messages_once() -> None:
    item = {"type": "message", "role": "user", "content": "hi", "id": "msg_1"}
    one, two = memex.decode([item, item], NAME)
    assert one.id == "msg_1"
    assert two.id != "msg_1"
    assert sent(one, two)[0]["input"] == [item, item]
    assert memex.decode([item | {"id": "\n"}], NAME)[0].id != "\n"


@pytest.mark.parametrize(
    ("part", "role"),
    [
        (Media(kind="image", source="url", value="https://example.org/a.png"), "assistant"),
        (Media(kind="image", source="base64", value="AAAA"), "user"),
        (Media(kind="audio", source="base64", value="AAAA", media_type="audio/wav"), "user"),
        (Media(kind="video", source="url", value="https://example.org/a.mp4"), "user"),
        (Citation(text="a", sources=({"type": "document"},)), "assistant"),
        (Citation(start=1, sources=({"type": "url_citation", "start_index": 0},)), "assistant"),
        (Citation(sources=({"type": "file_path"},)), "user"),
        (Refusal("no"), "user"),
    ],
)
def test_what_has_no_place_is_listed(part: Part, role: Any) -> None:
    payload, left = sent(Message(role=role, parts=(Text("hi"), part), id="m"))
    assert payload["input"] == [{"role": role, "content": "hi"}]
    assert left == [("m", str(part.__struct_config__.tag))]


def test_a_name_and_a_failed_result_are_listed() -> None:
    failed = Message(role="tool", parts=(ToolResult(call_id="1", is_error=True),), id="b")
    payload, left = sent(Message.user("hi", name="ada", id="a"), failed)
    assert payload["input"][1] == {"type": "function_call_output", "call_id": "1", "output": ""}
    assert left == [("a", "name"), ("b", "tool_result")]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({}, "item 1: 'role' is missing"),
        ({"type": 5}, "item 1: 'type' is a number, not a string"),
        (
            {"role": "tool", "content": "x"},
            "item 1: 'role' is 'tool', not one of user, system, developer, assistant",
        ),
        ({"role": "user", "content": [{"type": "input_text"}]}, "item 1: content[0]: 'text' is missing"),
        ({"role": "assistant"}, "item 1: 'content' is missing"),
        ({"type": "function_call", "call_id": "a", "name": "f"}, "item 1: 'arguments' is missing"),
        ({"type": "custom_tool_call", "call_id": "a", "name": "f"}, "item 1: 'input' is missing"),
        ({"type": "function_call_output", "call_id": "a"}, "item 1: 'output' is missing"),
        ({"type": "reasoning", "id": "a"}, "item 1: 'summary' is missing"),
        ({"type": "reasoning", "id": "a", "summary": ["x"]}, "item 1: summary[0] is a string, not an object"),
    ],
)
def test_bad_input_is_named(item: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        memex.decode([{"role": "user", "content": "hi"}, item], NAME)
    assert str(caught.value) == why


@pytest.mark.parametrize("instructions", [5, [], {}])
def test_bad_instructions_are_named(instructions: Any) -> None:
    with pytest.raises(InvalidMessage, match="payload: 'instructions' is "):
        memex.decode({"input": [], "instructions": instructions}, NAME)
