"""Parts that are bound to one model or one format go back there and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

import memex
from memex import Encoded, LeftOut, Message, Opaque, Origin, Part, Reasoning, Text

HERE = Origin(provider="p", model="model-a")
CODECS = ["openai", "openai-responses", "anthropic", "cohere", "hf"]
KEY = {"openai-responses": "input"}


def answer(codec: str, part: Part, *, origin: Origin | None = HERE, model: str | None = None) -> Encoded:
    message = Message.assistant([part, Text("hi")], id="a", origin=origin)
    return memex.encode([message], codec, model=model)


SIGNED = [
    ("anthropic", Reasoning("hm", signature="sig")),
    ("anthropic", Reasoning(encrypted="data")),
    ("openai-responses", Reasoning("hm", encrypted="data", id="rs_1")),
    *((codec, Opaque(format=codec, data={"type": "new"})) for codec in CODECS),
]


@pytest.mark.parametrize(("codec", "part"), SIGNED)
def test_a_bound_part_goes_back_to_its_model_only(codec: str, part: Part) -> None:
    plain = memex.encode([Message.assistant("hi")], codec).payload
    for model in ("model-a", None):
        encoded = answer(codec, part, model=model)
        assert encoded.left_out == ()
        assert encoded.payload != plain
    elsewhere = answer(codec, part, model="model-b")
    assert elsewhere.payload == plain
    kind = "opaque" if isinstance(part, Opaque) else "reasoning"
    why = "bound to model-a, and this call is for model-b"
    assert elsewhere.left_out == (LeftOut("a", kind, why),)


@pytest.mark.parametrize(("codec", "part"), SIGNED)
@pytest.mark.parametrize("origin", [None, Origin(provider="p")])
def test_where_the_author_is_unknown_it_goes_back(codec: str, part: Part, origin: Origin | None) -> None:
    assert answer(codec, part, origin=origin, model="model-b").left_out == ()


def test_plain_reasoning_is_not_bound() -> None:
    encoded = answer("hf", Reasoning("hm"), model="model-b")
    assert encoded.payload["messages"][0] == {"role": "assistant", "content": "hi", "reasoning_content": "hm"}
    assert encoded.left_out == ()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("other", [*CODECS, "memex", "irc"])
def test_an_opaque_part_of_another_format_is_left_out_and_listed(codec: str, other: str) -> None:
    encoded = answer(codec, Opaque(format=other, data={"type": "new"}))
    expected = () if other == codec else (LeftOut("a", "opaque", f"only {other} understands it"),)
    assert encoded.left_out == expected


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("data", ["text", 5, None, [1]])
def test_an_opaque_part_that_is_no_object_is_left_out_and_listed(codec: str, data: Any) -> None:
    encoded = answer(codec, Opaque(format=codec, data=data))
    assert [(left.part, "not an object" in left.why) for left in encoded.left_out] == [("opaque", True)]


@pytest.mark.parametrize("codec", CODECS)
def test_a_message_of_which_nothing_is_left_is_listed_too(codec: str) -> None:
    message = Message.assistant(Opaque(format="irc", data={}), id="a")
    encoded = memex.encode([Message.user("hi"), message, Message.user("ho")], codec)
    assert [(left.message, left.part) for left in encoded.left_out] == [("a", "opaque"), ("a", "message")]
    roles = [item["role"] for item in encoded.payload[KEY.get(codec, "messages")]]
    assert set(roles) == {"user"}


@pytest.mark.parametrize(
    ("codec", "part"),
    [
        ("openai", Reasoning("hm")),
        ("openai", Reasoning("hm", signature="sig")),
        ("openai-responses", Reasoning("hm")),
        ("openai-responses", Reasoning("hm", signature="sig", id="rs_1")),
        ("anthropic", Reasoning("hm")),
        ("anthropic", Reasoning("hm", encrypted="data", id="rs_1")),
        ("cohere", Reasoning("hm", signature="sig")),
        ("hf", Reasoning("hm", signature="sig")),
        ("hf", Reasoning(encrypted="data")),
    ],
)
def test_reasoning_that_a_format_has_no_place_for_is_listed(codec: str, part: Reasoning) -> None:
    encoded = answer(codec, part)
    assert encoded.payload == memex.encode([Message.assistant("hi")], codec).payload
    assert [(left.message, left.part) for left in encoded.left_out] == [("a", "reasoning")]


def test_an_answer_without_its_reasoning_loses_the_ids_that_openai_would_refuse() -> None:
    wire = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "data"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "hi", "annotations": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    [message] = memex.decode(wire, "openai-responses")
    assert (
        memex.encode([message.replace(origin=HERE)], "openai-responses", model="model-a").payload["input"]
        == wire
    )
    other = memex.encode([message.replace(origin=HERE)], "openai-responses", model="model-b")
    assert [item.get("id") for item in other.payload["input"]] == [None, None]
    assert [left.part for left in other.left_out] == ["reasoning", "id", "id"]
