"""Every format in both directions: nothing changes, and what cannot go is listed."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from normal_forms import normal, shown
from wire_examples import EXAMPLES, messages_of

import memex
from memex import InvalidMessage, Message, decode_message, encode_message
from memex.testing.strategies import conversations, json_values, messages

CODECS = sorted(EXAMPLES)
QUICK = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def spelt(value: Any) -> str:
    """Tell 1 from 1.0 and true, which Python holds equal."""
    return json.dumps(value, sort_keys=True)


def exact(payload: Any, codec: str) -> None:
    """Check that a payload comes back as it was, also through a store."""
    decoded = memex.decode(payload, codec)
    encoded = memex.encode(decoded, codec)
    assert spelt(encoded.payload) == spelt(payload)
    assert encoded.left_out == ()
    kept = [decode_message(encode_message(message)) for message in decoded]
    assert spelt(memex.encode(kept, codec).payload) == spelt(payload)
    ids = [message.id for message in decoded]
    assert len(set(ids)) == len(ids)


def is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(map(is_plain, value.values()))
    if type(value) is list:
        return all(map(is_plain, value))
    return value is None or type(value) in {str, int, float, bool}


@pytest.mark.parametrize("codec", CODECS)
def test_an_example_comes_back_exactly(codec: str) -> None:
    exact(EXAMPLES[codec], codec)


@pytest.mark.parametrize("codec", CODECS)
def test_each_message_of_an_example_comes_back_alone(codec: str) -> None:
    key = "input" if codec == "openai-responses" else "messages"
    for item in messages_of(codec):
        exact({key: [item]}, codec)


@pytest.mark.parametrize("codec", CODECS)
def test_a_bare_list_and_a_generator_are_accepted(codec: str) -> None:
    key = "input" if codec == "openai-responses" else "messages"
    items = messages_of(codec)
    assert memex.encode(memex.decode(items, codec), codec).payload == {key: items}
    assert memex.encode(memex.decode(iter(items), codec), codec).payload == {key: items}


@pytest.mark.parametrize("codec", CODECS)
def test_an_empty_conversation(codec: str) -> None:
    key = "input" if codec == "openai-responses" else "messages"
    assert memex.decode([], codec) == []
    assert memex.encode([], codec).payload == {key: []}


@pytest.mark.parametrize("codec", CODECS)
def test_a_payload_is_plain_and_nobodys_else(codec: str) -> None:
    before = copy.deepcopy(EXAMPLES[codec])
    decoded = memex.decode(EXAMPLES[codec], codec)
    payload = memex.encode(decoded, codec).payload
    assert is_plain(payload)
    items = payload["input" if codec == "openai-responses" else "messages"]
    for item in items:
        item.clear()
    assert EXAMPLES[codec] == before
    assert memex.encode(decoded, codec).payload == before


# -- arbitrary JSON, and examples with something wrong or new in them -------------------------------


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """Change one place of a JSON value: another value, a field more or less, an element twice."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(mutated(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(mutated(value[at])), *value[at + 1 :]]
    return draw(st.sampled_from(_CHANGES))(draw, value)


def _another(draw: st.DrawFn, _value: Any) -> Any:
    return draw(json_values() | st.sampled_from([None, "", [], {}, "text", "data:a/b;base64,", 0, True]))


def _one_less(draw: st.DrawFn, value: Any) -> Any:
    if not isinstance(value, (dict, list)) or not value:
        return _another(draw, value)
    at = draw(st.integers(0, len(value) - 1))
    if isinstance(value, list):
        return value[:at] + value[at + 1 :]
    return {key: value[key] for index, key in enumerate(value) if index != at}


def _one_more(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, list):
        return [*value, *value[:1], *draw(st.lists(json_values(), max_size=1))]
    if isinstance(value, dict):
        return {**value, draw(_FIELDS): draw(json_values())}
    return _another(draw, value)


_CHANGES = [_another, _one_less, _one_more, _one_more]
_FIELDS = st.sampled_from(
    [
        "id",
        "name",
        "type",
        "text",
        "content",
        "refusal",
        "annotations",
        "citations",
        "signature",
        "status",
        "new",
    ]
)


def decodes_or_refuses(payload: Any, codec: str) -> bool:
    try:
        memex.decode(payload, codec)
    except InvalidMessage as error:
        why = str(error)
    else:
        exact(payload, codec)
        return True
    assert why.startswith(("message ", "item ", "payload")), why
    return False


@st.composite
def mutated_example(draw: st.DrawFn, codec: str) -> dict[str, Any]:
    payload = EXAMPLES[codec]
    key = draw(st.sampled_from(sorted(payload)))
    for _ in range(draw(st.integers(1, 3))):
        payload = {**payload, key: draw(mutated(payload[key]))}
    return payload


@pytest.mark.parametrize("codec", CODECS)
def test_a_changed_example_comes_back_exactly_or_is_refused(codec: str) -> None:
    outcomes: Counter[bool] = Counter()

    @settings(QUICK, max_examples=150)
    @given(mutated_example(codec))
    def check(payload: Any) -> None:
        outcomes[decodes_or_refuses(payload, codec)] += 1

    check()
    assert outcomes[True] > 10, "hardly a changed example was accepted"
    assert outcomes[False] > 0, "no changed example was refused"


@pytest.mark.parametrize("codec", CODECS)
@QUICK
@given(payload=json_values() | st.lists(json_values(), max_size=3))
def test_arbitrary_json_is_refused_or_comes_back(codec: str, payload: Any) -> None:
    key = "input" if codec == "openai-responses" else "messages"
    decodes_or_refuses({key: payload}, codec)
    decodes_or_refuses({key: [{"role": "user", "content": payload}]}, codec)
    with pytest.raises(InvalidMessage):
        memex.decode({key: [], "model": payload}, codec)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_nested_too_deep_is_refused(codec: str) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    cycle: dict[str, Any] = {"role": "user", "content": "hi"}
    cycle["self"] = cycle
    for extra in ({"role": "user", "content": "hi", "x": deep}, {"role": "user", "content": deep}, cycle):
        with pytest.raises(InvalidMessage, match="0: nested deeper than 100 levels"):
            memex.decode([extra], codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", [float("nan"), {1: 2}, b"bytes", 2**70, object()])
def test_what_is_not_json_is_refused(codec: str, value: Any) -> None:
    with pytest.raises(InvalidMessage, match=r"(message|item) 0"):
        memex.decode([{"role": "user", "content": "hi", "x": value}], codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "payload", ["text", b"text", 5, None, {"messages": "text"}, {"input": 5}, {}, {"items": []}]
)
def test_what_is_no_payload_is_refused(codec: str, payload: Any) -> None:
    if codec == "openai-responses" and payload == {"input": "text"}:
        return
    with pytest.raises(InvalidMessage, match="payload"):
        memex.decode(payload, codec)


# -- conversations out and back ---------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS)
@QUICK
@given(said=conversations())
def test_a_conversation_comes_back_in_its_normal_form(codec: str, said: list[Message]) -> None:
    encoded = memex.encode(said, codec)
    back = memex.decode(encoded.payload, codec)
    expected, lost = normal(said, codec)
    assert shown(back) == expected
    whole = {"message", "name", "id"}
    gone = [
        left for left in encoded.left_out if left.part not in whole and "the rest is sent" not in left.why
    ]
    assert Counter((left.message, left.part) for left in gone) == lost


@pytest.mark.parametrize("codec", CODECS)
@QUICK
@given(said=conversations())
def test_the_normal_form_is_stable_and_complete(codec: str, said: list[Message]) -> None:
    payload = memex.encode(said, codec).payload
    exact(payload, codec)
    again = memex.decode(payload, codec)
    assert normal(again, codec) == (shown(again), Counter())


@pytest.mark.parametrize("codec", CODECS)
@QUICK
@given(message=messages())
def test_any_single_message_can_be_written(codec: str, message: Message) -> None:
    encoded = memex.encode([message], codec)
    exact(encoded.payload, codec)
    sent = encoded.payload.get("messages") or encoded.payload.get("input") or encoded.payload.get("system")
    assert bool(sent) != any(left.part == "message" for left in encoded.left_out)
    assert {left.message for left in encoded.left_out} <= {message.id}


@pytest.mark.parametrize("codec", CODECS)
def test_forgotten_messages_are_not_sent(codec: str) -> None:
    gone = Message.user("secret", status="forgotten")
    encoded = memex.encode([gone, Message.user("hi"), gone.replace(id="other", parts=())], codec)
    key = "input" if codec == "openai-responses" else "messages"
    assert encoded.payload == {key: [{"role": "user", "content": "hi"}]}
    assert encoded.left_out == ()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_a_message_without_parts_is_left_out_and_listed(codec: str, role: Any) -> None:
    empty = Message(role=role, id="empty")
    encoded = memex.encode([Message.user("hi"), empty], codec)
    assert [left.part for left in encoded.left_out] == ["message"]
    assert encoded.left_out[0].message == "empty"
    assert encoded.payload == memex.encode([Message.user("hi")], codec).payload
