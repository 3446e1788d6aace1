"""What comes back: streamed and whole are the same, and nothing is lost on the way."""

from __future__ import annotations

import json

import pytest
from command import CITATION, MODEL, WORDS, call, events, response
from hypothesis import given
from hypothesis import strategies as st
from memex_cohere.events import RAW, STOP, Reading
from memex_cohere.sse import ServerSentEvents

from memex import Citation, Opaque, Reasoning, Text, ToolCall, Unavailable, Usage, encode
from memex import Message as Said
from memex.testing import assembled, check_events


def streamed(whole):
    reading = Reading(MODEL)
    return assembled(check_events([event for raw in events(whole) for event in reading.feed(raw)]))


def at_once(whole):
    return assembled(check_events(Reading(MODEL).whole(whole)))


def same(one, two) -> bool:
    return (one.parts, one.usage, one.finish, one.response_id) == (
        two.parts,
        two.usage,
        two.finish,
        two.response_id,
    )


@given(
    words=st.sampled_from([None, "", WORDS]),
    thought=st.sampled_from(["", "Blue, I think."]),
    plan=st.sampled_from(["", "I will look at the door."]),
    calls=st.integers(0, 3),
    citations=st.integers(0, 2),
)
def test_any_answer_streamed_is_the_answer_whole(words, thought, plan, calls, citations):
    whole = response(
        words,
        thought=thought,
        plan=plan,
        calls=[call(n) for n in range(calls)],
        citations=[CITATION] * citations,
        finish="TOOL_CALL" if calls else "COMPLETE",
    )
    one, two = streamed(whole), at_once(whole)
    assert same(one, two)
    assert json.loads(json.dumps(one.extra[RAW])) == json.loads(json.dumps(two.extra[RAW]))


def test_parts_are_what_the_response_says():
    whole = response(WORDS, thought="Hm.", calls=[call(1), call(2, arguments="")], citations=[CITATION])
    parts = streamed(whole).parts
    assert parts[:2] == (Reasoning("Hm."), Text(WORDS))
    assert [(part.id, part.arguments) for part in parts[2:4]] == [
        ("look_1", '{"at": "door"}'),
        ("look_2", ""),
    ]
    assert isinstance(parts[4], Citation)
    assert (parts[4].text, parts[4].start, parts[4].end) == ("blue", 12, 16)


def test_a_plan_goes_back_where_it_came_from():
    parts = streamed(response(None, plan="I will look.", calls=[call()], finish="TOOL_CALL")).parts
    wire = encode([Said.assistant(parts)], "cohere").payload["messages"][0]
    assert wire["tool_plan"] == "I will look."
    assert wire["tool_calls"] == [call()]
    assert isinstance(parts[1], ToolCall)


def test_unknown_content_survives():
    future = {"type": "hologram", "depth": 3}
    whole = response()
    whole["message"]["content"].append(future)
    for found in (streamed(whole), at_once(whole)):
        assert isinstance(found.parts[1], Opaque)
        assert json.loads(json.dumps(found.parts[1].data)) == future


def test_usage_is_whole_numbers_and_counts_each_token_once():
    usage = streamed(response()).usage
    assert usage == Usage(input_tokens=8, cache_read_tokens=12, output_tokens=27)
    assert isinstance(usage.input_tokens, int)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("ERROR_TOXIC", "content_filter"),
        ("OF_THE_FUTURE", "other"),
    ],
)
def test_every_finish_reason_has_its_finish(reason, finish):
    answer = streamed(response(finish=reason))
    assert answer.finish == finish
    if reason not in ("COMPLETE", "TOOL_CALL"):
        assert answer.extra[STOP]["reason"] == reason


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_an_answer_that_failed_is_no_answer(reason):
    with pytest.raises(Unavailable, match=reason):
        streamed(response(finish=reason))
    with pytest.raises(Unavailable, match=reason):
        at_once(response(finish=reason))


@given(st.data())
def test_a_stream_that_is_cut_anywhere_never_finishes(data):
    told = events(response(thought="Hm.", plan="I will look.", calls=[call()], citations=[CITATION]))
    reading = Reading(MODEL)
    cut = data.draw(st.integers(0, len(told) - 1))
    assert all(event.kind != "finish" for raw in told[:cut] for event in reading.feed(raw))


def test_the_raw_response_is_left_out_when_it_is_not_wanted():
    assert RAW not in assembled(Reading(MODEL, keep_raw=False).whole(response())).extra


@given(st.lists(st.text(max_size=8), max_size=4), st.integers(1, 7), st.sampled_from(["\n", "\r\n", "\r"]))
def test_events_come_out_of_bytes_however_they_are_cut(texts, size, end):
    events = (f"event: x\r\ndata: {json.dumps({'t': t}, ensure_ascii=False)}{end}{end}" for t in texts)
    sent = "".join(events).encode("utf-8", "replace")
    found = []
    reader = ServerSentEvents()
    for at in range(0, len(sent), size):
        found += [event["t"] for event in reader.feed(sent[at : at + size])]
    assert found == [t.encode("utf-8", "replace").decode() for t in texts]


def test_a_sign_of_life_is_no_event():
    assert list(ServerSentEvents().feed(b'data:\n\n: hum\n\ndata: {"a": 1}\n\ndata: [DONE]\n\n')) == [
        {"a": 1}
    ]


@pytest.mark.parametrize("line", ['data: {"a": \n\n', "data: [1]\n\n", "data: nothing\n\n"])
def test_what_is_no_json_object_is_an_error_and_not_skipped(line):
    with pytest.raises(ValueError):
        list(ServerSentEvents().feed(line.encode()))
