"""What comes back: streamed and whole are the same, and nothing is lost on the way."""

from __future__ import annotations

import itertools
import json

import pytest
from claude import CITED, FOUND, MODEL, SEARCH, events, message, text, thinking, tool_use
from hypothesis import given
from hypothesis import strategies as st
from memex_anthropic.events import RAW, STOP, Reading

from memex import Citation, ContextOverflow, Opaque, Reasoning, Refusal, Text, ToolCall, Usage
from memex.testing import assembled, check_events
from memex.testing.strategies import json_values

BLOCKS = {
    "text": text(),
    "signed thought": thinking(),
    "sealed thought": {"type": "redacted_thinking", "data": "c2VhbGVk"},
    "thought without words": thinking(""),
    "call": tool_use(),
    "call without arguments": tool_use("toolu_2", "wait", {}),
    "server tool": SEARCH,
    "its result": FOUND,
    "citations": CITED,
    "of the future": {"type": "hologram", "depth": 3, "layers": [{"x": 1.5}]},
}


def streamed(whole):
    reading = Reading(MODEL)
    found = [event for raw in events(whole) for event in reading.feed(raw)]
    return assembled(check_events([*found, *reading.close()]))


def at_once(whole):
    return assembled(check_events(Reading(MODEL).whole(whole)))


def same(one, two) -> bool:
    return (one.parts, one.usage, one.finish, one.response_id, one.model) == (
        two.parts,
        two.usage,
        two.finish,
        two.response_id,
        two.model,
    )


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_streamed_is_the_block_whole(name):
    whole = message(BLOCKS[name], text("End."))
    assert same(streamed(whole), at_once(whole))


@given(st.lists(st.sampled_from(sorted(BLOCKS)), max_size=6))
def test_any_answer_streamed_is_the_answer_whole(names):
    whole = message(*(BLOCKS[name] for name in names)) if names else message() | {"content": []}
    one, two = streamed(whole), at_once(whole)
    assert same(one, two)
    assert json.loads(json.dumps(one.extra[RAW]))["content"] == two.extra[RAW]["content"]


def test_parts_are_what_the_blocks_say():
    parts = at_once(
        message(thinking(), text("Let me look."), tool_use(), tool_use("toolu_2", "wait", {}))
    ).parts
    assert parts == (
        Reasoning("Blue, I think.", signature="c2lnbmVk"),
        Text("Let me look."),
        ToolCall("toolu_1", "look", '{"at":"door"}'),
        ToolCall("toolu_2", "wait", "{}"),
    )


def test_server_tools_and_unknown_blocks_survive_as_they_came():
    future = BLOCKS["of the future"]
    parts = streamed(message(SEARCH, FOUND, future)).parts
    assert all(isinstance(part, Opaque) and part.format == "anthropic" for part in parts)
    assert json.loads(json.dumps(parts[0].data)) == SEARCH
    assert json.loads(json.dumps(parts[2].data)) == future


def test_a_citation_follows_its_text():
    parts = streamed(message(CITED, text(" in spring."))).parts
    assert [type(part) for part in parts] == [Text, Citation, Text]
    assert parts[1].sources[0]["cited_text"] == "green grass"


def test_arguments_that_are_no_object_are_kept_exactly():
    told = events(message(tool_use()))
    pieces = [raw for raw in told if raw.get("delta", {}).get("type") == "input_json_delta"]
    for raw in pieces:
        raw["delta"]["partial_json"] = ""
    pieces[0]["delta"]["partial_json"] = '{"at": NaN, '
    reading = Reading(MODEL)
    found = assembled(event for raw in told for event in reading.feed(raw))
    assert found.parts == (ToolCall("toolu_1", "look", '{"at": NaN, '),)


DEEP = json.loads('{"a":' * 200 + "1" + "}" * 200)


@pytest.mark.parametrize(
    ("value", "arguments"),
    [
        ([1, 2], "[1,2]"),
        ("door", '"door"'),
        ('{"at": "door"}', '"{\\"at\\": \\"door\\"}"'),
        (7, "7"),
        (None, "null"),
        ("\ud800", '"\\ud800"'),
        (DEEP, json.dumps(DEEP, separators=(",", ":"))),
    ],
)
def test_an_input_that_is_no_object_stays_a_call(value, arguments):
    call = {**tool_use(), "input": value}
    assert at_once(message(call, stop="tool_use")).parts == (ToolCall("toolu_1", "look", arguments),)
    told = streamed(message(call, stop="tool_use")).parts
    assert [(type(part), part.name, json.loads(part.arguments)) for part in told] == [
        (ToolCall, "look", value)
    ]


def test_an_input_that_is_left_out_means_no_arguments():
    call = {name: value for name, value in tool_use().items() if name != "input"}
    for found in (streamed, at_once):
        assert found(message(call)).parts == (ToolCall("toolu_1", "look", "{}"),)


def test_a_call_without_a_name_is_kept_as_it_came():
    call = {"type": "tool_use", "id": "toolu_1", "input": [1]}
    for found in (streamed, at_once):
        (part,) = found(message(call)).parts
        assert isinstance(part, Opaque)


def test_usage_counts_each_token_once():
    assert streamed(message()).usage == Usage(
        input_tokens=6,
        cache_write_tokens=4,
        cache_read_tokens=5,
        output_tokens=25,
        reasoning_tokens=7,
    )


def test_usage_of_the_last_event_wins_and_what_it_leaves_out_stays():
    told = events(message())
    told[-2]["usage"] = {"output_tokens": 31, "input_tokens": None}
    reading = Reading(MODEL)
    usage = assembled(event for raw in told for event in reading.feed(raw)).usage
    assert (usage.output_tokens, usage.input_tokens, usage.cache_read_tokens) == (31, 6, 5)


def test_why_the_cache_missed_is_told():
    miss = {"cache_miss_reason": {"type": "messages_changed", "cache_missed_input_tokens": 3912}}
    assert streamed(message(diagnostics=miss)).usage.cache_miss == "messages_changed: 3912 tokens"
    other = {"cache_miss_reason": {"type": "unavailable"}}
    assert at_once(message(diagnostics=other)).usage.cache_miss == "unavailable"
    assert at_once(message(diagnostics={"cache_miss_reason": None})).usage.cache_miss == ""


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
        ("of_the_future", "other"),
    ],
)
def test_every_stop_reason_has_its_finish(reason, finish):
    answer = streamed(message(stop=reason))
    assert answer.finish == finish
    if reason not in ("end_turn", "tool_use"):
        assert answer.extra[STOP]["reason"] == reason


def test_an_answer_that_paused_goes_on_as_the_same_answer():
    reading = Reading(MODEL, pauses=1)
    first = message(text("I will search."), SEARCH, stop="pause_turn")
    found = list(reading.whole(first))
    assert reading.paused
    assert reading.continued({"messages": [], "model": MODEL}) == {
        "model": MODEL,
        "messages": [{"role": "assistant", "content": first["content"]}],
    }
    for raw in events(message(FOUND, text("Found."))):
        found += reading.feed(raw)
    answer = assembled(check_events(found))
    assert not reading.paused
    assert [type(part) for part in answer.parts] == [Text, Opaque, Opaque, Text]
    assert (answer.usage.output_tokens, answer.usage.cache_read_tokens) == (50, 10)
    assert len(answer.extra[RAW]["content"]) == 4


def test_an_answer_that_pauses_for_ever_ends():
    reading = Reading(MODEL, pauses=0)
    answer = assembled(check_events(reading.whole(message(SEARCH, stop="pause_turn"))))
    assert (answer.finish, answer.extra[STOP]["reason"]) == ("other", "pause_turn")


def test_a_refusal_without_words_says_why():
    details = {"type": "refusal", "category": "bio", "explanation": "I cannot help with that."}
    whole = message(stop="refusal", stop_details=details) | {"content": []}
    assert streamed(whole).parts == at_once(whole).parts == (Refusal("I cannot help with that."),)


def test_a_context_that_ended_is_an_overflow_and_no_answer():
    reading = Reading(MODEL, limit=1_000_000)
    told = events(message(stop="model_context_window_exceeded"))
    with pytest.raises(ContextOverflow, match="1,000,000") as caught:
        list(itertools.chain.from_iterable(map(reading.feed, told)))
    assert caught.value.limit == 1_000_000


@given(st.data())
def test_a_stream_that_is_cut_anywhere_never_finishes(data):
    told = events(message(thinking(), text(), tool_use(), stop="tool_use"))
    cut = data.draw(st.integers(0, len(told) - 3))
    reading = Reading(MODEL)
    found = [event for raw in told[:cut] for event in reading.feed(raw)]
    assert all(event.kind != "finish" for event in [*found, *reading.close()])


def test_a_stop_reason_is_enough_where_the_last_event_is_lost():
    reading = Reading(MODEL)
    found = [event for raw in events(message())[:-1] for event in reading.feed(raw)]
    assert check_events([*found, *reading.close()])[-1].finish == "stop"


@given(json_values())
def test_unknown_events_say_nothing(junk):
    reading = Reading(MODEL)
    assert list(reading.feed({"type": "weather", "data": junk})) == []


def test_the_raw_message_is_left_out_when_it_is_not_wanted():
    reading = Reading(MODEL, keep_raw=False)
    assert RAW not in assembled(reading.whole(message())).extra
