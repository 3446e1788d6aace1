"""Messages: immutable to the core, the same after storing, tolerant of parts from the future."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings

from memex import (
    Citation,
    InvalidMessage,
    Message,
    Opaque,
    StoreDamaged,
    Text,
    ToolCall,
    ToolResult,
    check_id,
    decode_message,
    encode_message,
    thaw,
)
from memex._ranges import expand, to_ranges
from memex.testing import strategies


@given(strategies.messages())
@settings(deadline=None)
def test_every_message_comes_back_from_its_bytes(message):
    data = encode_message(message)
    assert decode_message(data) == message
    assert encode_message(decode_message(data)) == data


def test_a_message_cannot_be_changed_anywhere():
    message = Message.user([Text("hi", meta={"a": [1, {"b": 2}]})], meta={"k": {"deep": [1]}})
    with pytest.raises(AttributeError):
        message.role = "system"
    with pytest.raises(AttributeError):
        message.parts[0].text = "ho"
    for change in (
        lambda: message.meta.update(x=1),
        lambda: message.meta["k"].__setitem__("deep", 2),
        lambda: message.meta.pop("k"),
        message.meta.clear,
        lambda: message.parts[0].meta["a"][1].setdefault("c", 3),
        lambda: message.meta.__ior__({"x": 1}),
    ):
        with pytest.raises(TypeError, match="cannot be changed"):
            change()
    with pytest.raises(AttributeError):
        message.meta["k"]["deep"].append(2)
    assert thaw(message.meta) == {"k": {"deep": [1]}}


def test_frozen_values_can_be_copied_and_pickled():
    meta = Message.user("x", meta={"a": {"b": [1]}}).meta
    assert copy.deepcopy(meta) == copy.copy(meta) == pickle.loads(pickle.dumps(meta)) == meta


def test_parts_of_a_newer_memex_survive():
    data = (
        b'{"role":"assistant","parts":[{"type":"hologram","beams":[1,2],"parts":[]},{"type":"text","text":"hi"},'
        b'{"type":"tool_result","call_id":"c","parts":[{"type":"smell","note":"rose"}]}],'
        b'"id":"x","created":"2026-01-01T00:00:00Z"}'
    )
    message = decode_message(data)
    assert message.parts[0] == Opaque("memex", {"type": "hologram", "beams": [1, 2], "parts": []})
    assert message.text == "hi"
    assert message.tool_results[0].parts[0].data["note"] == "rose"
    assert msgspec.json.decode(encode_message(message)) == msgspec.json.decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"role":"king"}',
        b'{"role":"user","parts":3}',
        b'{"role":"user","parts":[3]}',
    ],
)
def test_what_is_no_message_is_damage(data):
    with pytest.raises(StoreDamaged):
        decode_message(data)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**64, -(2**63) - 1, {1: 2}, b"bytes", object(), {"a": {3}}]
)
def test_values_that_json_would_change_are_refused(value):
    with pytest.raises(InvalidMessage):
        Message.user("x", meta={"value": value})


def test_lone_surrogates_are_refused_and_nul_is_kept():
    with pytest.raises(InvalidMessage, match=r"lone surrogate \(U\+D800\)"):
        encode_message(Message.user("a\ud800b"))
    assert decode_message(encode_message(Message.user("a\x00b"))).text == "a\x00b"


def test_ids_that_no_store_could_keep_are_refused():
    assert check_id("../../x", "thread") == "../../x"
    assert check_id("é" * 512, "thread")
    for bad in ("", "a\x00", "\x7f", "\n", "é" * 513, "\udfff", 3, None):
        with pytest.raises(InvalidMessage):
            check_id(bad, "thread")


def test_arguments_are_kept_as_they_were_written():
    call = ToolCall(id="c", name="f", arguments='{"b": 1,  "a": 2}')
    assert call.parsed == {"a": 2, "b": 1}
    assert call.arguments == '{"b": 1,  "a": 2}'
    assert ToolCall(id="c", name="f", arguments='{"a": ').parsed is None
    assert ToolCall(id="c", name="f", arguments="[" * 100_000).parsed is None


def test_any_iterable_of_parts_is_accepted():
    assert Message(role="user", parts=[Text("a"), Text("b")]).text == "a\nb"
    assert Message.tool("c", "found").tool_results == (ToolResult(call_id="c", parts=(Text("found"),)),)
    assert ToolResult(call_id="c", parts=[Text("a")]).parts == (Text("a"),)


def test_ranges_hold_exactly_what_they_were_made_of():
    seqs = [5, 1, 2, 3, 9, 8, 2]
    assert to_ranges(seqs) == ((1, 3), (5, 5), (8, 9))
    assert list(expand(to_ranges(seqs))) == sorted(set(seqs))


def test_a_text_goes_on_after_its_citations_and_is_cut_elsewhere():
    parts = [Text("It is "), Citation(text="It is "), Text("blue"), Citation(text="blue"), Text(".")]
    assert Message.assistant(parts).text == "It is blue."
    assert Message.user([Text("One."), Text("Two.")]).text == "One.\nTwo."
    assert Message.assistant([Text("One."), ToolCall("1", "look"), Text("Two.")]).text == "One.\nTwo."
    assert Message.assistant([Text(""), Text("Two.")]).text == "\nTwo."


def test_a_time_without_a_zone_is_in_utc(open_memory):
    bare = datetime(2026, 1, 5, 9, 30)  # noqa: DTZ001 - what is tested
    said = Message.user("hi", created=bare)
    assert said.created == datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    assert said.replace(created=bare) == said
    thread = open_memory().thread("t")
    thread.append(said)
    assert next(iter(thread.messages())) == said
