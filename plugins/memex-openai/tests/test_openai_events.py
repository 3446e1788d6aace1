"""What an answer becomes: the same message, streamed or whole, with all that memex has no word for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_openai.chat_events import ChatReader
from memex_openai.presets import find_server
from memex_openai.responses_events import ResponsesReader
from openai_play import Said, chat_chunks, chat_whole, output_items, response_events, response_whole

from memex import (
    BackendError,
    Citation,
    Event,
    Message,
    Opaque,
    RateLimited,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Truncated,
    Unavailable,
    encode,
)
from memex.testing import assembled, check_events

OPENAI = find_server("gpt-5")
CALLS = [("call_1", "look", '{"where": "the pier", "n": 1}'), ("call_2", "look", '{"n":2}')]


def chat(*chunks, address=OPENAI, **settings):
    reader = ChatReader(address, **settings)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return [*events, *reader.end()]


def chat_in_one(completion, address=OPENAI):
    reader = ChatReader(address)
    return [*reader.feed_whole(completion), *reader.end()]


def responses(*events):
    reader = ResponsesReader(OPENAI)
    seen = [event for _, told in events for event in reader.feed(told)]
    return [*seen, *reader.end()]


def response_in_one(response):
    reader = ResponsesReader(OPENAI)
    return [*reader.feed_whole(response), *reader.end()]


def message_of(events):
    answer = assembled(check_events(events))
    extra = {key: value for key, value in answer.extra.items() if key != "openai:raw"}
    return answer.parts, answer.usage, answer.finish, answer.response_id, answer.model, extra


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
said = st.builds(
    Said,
    text=words,
    thought=words,
    refusal=st.just("") | words,
    calls=st.lists(
        st.tuples(st.uuids().map(str), st.just("look"), words), max_size=2, unique_by=lambda c: c[0]
    ),
    finish=st.sampled_from(["stop", "length", "content_filter"]),
    usage=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    cached=st.integers(0, 10**6),
    reasoning=st.integers(0, 100),
)


def spaced(said: Said) -> Said:
    """Return it without blanks at a beginning, which the played stream cannot cut into pieces."""
    for field in ("text", "thought", "refusal"):
        setattr(said, field, getattr(said, field).lstrip())
    return said


@given(said.map(spaced))
def test_a_chat_that_is_streamed_is_the_one_that_came_whole(said):
    assert message_of(chat(*chat_chunks(said))) == message_of(chat_in_one(chat_whole(said)))


@given(said.map(spaced))
def test_a_response_that_is_streamed_is_the_one_that_came_whole(said):
    assert message_of(responses(*response_events(said))) == message_of(response_in_one(response_whole(said)))


@given(said.map(spaced))
def test_the_words_of_a_stream_are_the_words_of_the_answer(said):
    for events in (chat(*chat_chunks(said)), responses(*response_events(said))):
        told = "".join(event.text for event in events)
        kept = "".join(part.text for part in assembled(events).parts if isinstance(part, Text))
        assert told == kept == said.text


def test_an_answer_of_every_kind_goes_back_to_the_responses_api_as_it_came():
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    new = {"type": "hologram_call", "id": "h_1", "beam": [1, 2]}
    said = Said(thought="Hm.", encrypted="gAAA", calls=CALLS, items=[search, new])
    answer = assembled(responses(*response_events(said)))
    assert [type(part) for part in answer.parts] == [Reasoning, Opaque, Opaque, Text, ToolCall, ToolCall]
    assert answer.parts[0].encrypted == "gAAA"
    items = encode([Message.assistant(answer.parts)], "openai-responses").payload["input"]
    wanted = output_items(said)
    wanted[3]["content"][0].pop("logprobs", None)
    for item in items:
        for block in item.get("content", ()):
            block.pop("logprobs", None)
    assert items == wanted


def test_a_chat_with_thoughts_and_calls():
    answer = assembled(chat(*chat_chunks(Said(text="", thought="Hm, a door.", calls=CALLS))))
    thought, *calls = answer.parts
    assert (thought.text, answer.finish) == ("Hm, a door.", "tool_calls")
    assert [(call.id, call.name, call.arguments) for call in calls] == CALLS
    wire = encode([Message.assistant(answer.parts)], "openai").payload["messages"][0]
    assert wire["reasoning_content"] == "Hm, a door."


def test_usage_does_not_overlap():
    said = Said(usage=(1000, 50), cached=700, written=200, reasoning=30)
    for events in (chat(*chat_chunks(said)), responses(*response_events(said))):
        usage = assembled(events).usage
        assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (100, 700, 200)
        assert (usage.output_tokens, usage.reasoning_tokens) == (50, 30)


def test_why_the_cache_missed_is_told():
    miss = {"type": "cache_miss", "reason": "tools_changed", "cache_missed_tokens": 3912}
    assert assembled(responses(*response_events(Said(diagnostics=miss)))).usage.cache_miss == "tools_changed"
    hit = {"type": "cache_hit"}
    assert assembled(responses(*response_events(Said(diagnostics=hit)))).usage.cache_miss == ""


def test_thoughts_that_the_answer_does_not_count_are_output():
    chunks = chat_chunks(Said())
    chunks[-1]["usage"] = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}
    usage = assembled(chat(*chunks)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (10, 30, 25)


@pytest.mark.parametrize(
    ("wire", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        ("new", "other"),
    ],
)
def test_finish_reasons_of_chats(wire, finish):
    assert assembled(chat(*chat_chunks(Said(finish=wire)))).finish == finish


def test_a_refusal_is_one():
    said = Said(text="", refusal="I will not say that.")
    for events in (
        chat(*chat_chunks(said)),
        responses(*response_events(said)),
        chat_in_one(chat_whole(said)),
    ):
        answer = assembled(events)
        assert (answer.finish, [type(part) for part in answer.parts]) == ("refusal", [Refusal])
        assert answer.parts[0].text == "I will not say that."


def test_calls_end_with_tool_calls_even_where_the_server_says_stop():
    chunks = chat_chunks(Said(text="", calls=CALLS))
    chunks[-2]["choices"][0]["finish_reason"] = "stop"
    assert assembled(chat(*chunks)).finish == "tool_calls"


def test_a_stream_without_a_finish_reason_is_truncated():
    for count in range(len(chat_chunks(Said())) - 2):
        with pytest.raises(Truncated):
            chat(*chat_chunks(Said())[:count])


def test_a_stream_without_its_terminal_event_is_truncated():
    events = response_events(Said())
    for count in range(len(events)):
        with pytest.raises(Truncated):
            responses(*events[:count])


def test_no_finish_reason_is_whole_at_ollama_once_the_usage_came():
    ollama = find_server("llama3.2@ollama")
    chunks = chat_chunks(Said())
    chunks[-2]["choices"][0]["finish_reason"] = None
    assert assembled(chat(*chunks, address=ollama)).finish == "stop"
    with pytest.raises(Truncated):
        chat(*chunks[:-1], address=ollama)
    with pytest.raises(Truncated):
        chat(*chunks)


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource"])
def test_an_answer_that_the_server_broke_off_is_truncated(reason):
    with pytest.raises(Truncated, match=reason):
        chat(*chat_chunks(Said(finish=reason)))


def test_an_error_in_the_stream_is_typed():
    busy = {"error": {"message": "too many", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
    with pytest.raises(RateLimited, match="too many"):
        chat(chat_chunks(Said())[0], busy)
    with pytest.raises(Unavailable):
        chat({"error": {"message": "down", "code": 503}})
    with pytest.raises(BackendError, match="odd"):
        chat({"error": "odd"})
    failed = response_whole(Said(), status="failed")
    failed["error"] = {"code": "server_error", "message": "boom"}
    with pytest.raises(Unavailable, match="boom"):
        responses(("", {"type": "response.failed", "response": failed}))
    with pytest.raises(RateLimited):
        responses(("", {"type": "error", "code": "rate_limit_exceeded", "message": "slow down"}))


@pytest.mark.parametrize(
    "junk", [None, [], "text", 3, {"choices": [None, 3]}, {"choices": "x"}, {"usage": [1]}]
)
def test_junk_is_no_answer(junk):
    with pytest.raises(BackendError):
        chat(junk)
    with pytest.raises(BackendError):
        chat_in_one(junk)
    with pytest.raises(BackendError):
        responses(("", junk))
    with pytest.raises(BackendError):
        response_in_one(junk)


def test_unknown_fields_of_a_message_are_kept_for_the_same_server():
    details = [{"type": "reasoning.text", "text": "Hm.", "index": 0, "format": "x"}]
    more = [{"type": "reasoning.text", "text": " So.", "index": 0, "format": "x"}]
    chunks = chat_chunks(Said(fields={"reasoning_details": details}))
    chunks.insert(-2, {**chunks[0], "choices": [{"index": 0, "delta": {"reasoning_details": more}}]})
    kept = assembled(chat(*chunks)).extra["openai"]["reasoning_details"]
    assert json.loads(json.dumps(kept)) == [
        {"type": "reasoning.text", "text": "Hm. So.", "index": 0, "format": "x"}
    ]


def test_citations_of_a_chat():
    cited = {
        "type": "url_citation",
        "url_citation": {"start_index": 0, "end_index": 3, "url": "u", "title": "t"},
    }
    parts = assembled(chat_in_one(chat_whole(Said(fields={"annotations": [cited]})))).parts
    assert isinstance(parts[-1], Citation)
    assert parts[-1].text == "The"


def test_a_message_with_a_citation_and_a_second_block_keeps_both_in_place():
    said = Said()
    cited = {"type": "url_citation", "start_index": 0, "end_index": 3, "url": "u", "title": "t"}
    events = response_events(said)
    block = {"type": "output_text", "text": said.text, "annotations": [cited]}
    second = {"type": "output_text", "text": " And green.", "annotations": []}
    for _, event in events:
        items = [event["item"]] if event.get("item") else event.get("response", {}).get("output", ())
        for item in items:
            if item["type"] == "message" and item["content"]:
                item["content"] = [block, second]
    answer = responses(*events)
    assert [type(part) for part in assembled(answer).parts] == [Text, Citation, Text]
    assert "".join(event.text for event in answer) == said.text + " And green."


def test_calls_without_an_index_or_with_the_same_one_are_kept_apart():
    """Google sends each call whole, all under index 0; some servers send no index at all."""
    for index in ({"index": 0}, {}):
        chunks = chat_chunks(Said(text=""))
        for call, name, arguments in reversed(CALLS):
            function = {"name": name, "arguments": arguments}
            delta = {"tool_calls": [{**index, "id": call, "type": "function", "function": function}]}
            chunks.insert(1, {**chunks[0], "choices": [{"index": 0, "delta": delta}]})
        calls = [part for part in assembled(chat(*chunks)).parts if isinstance(part, ToolCall)]
        assert [(call.id, call.arguments) for call in calls] == [
            (CALLS[0][0], CALLS[0][2]),
            (CALLS[1][0], CALLS[1][2]),
        ]


def test_a_call_without_an_id_gets_one():
    whole = chat_whole(Said(text="", calls=CALLS[:1]))
    del whole["choices"][0]["message"]["tool_calls"][0]["id"]
    (call,) = assembled(chat_in_one(whole)).parts
    assert call.id.startswith("call_")


def test_thoughts_as_blocks_of_content():
    """Mistral's reasoning models send them so."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    chunks = chat_chunks(Said(text="Blue."))
    chunks.insert(1, {**chunks[0], "choices": [{"index": 0, "delta": {"content": [thinking]}}]})
    assert [part.text for part in assembled(chat(*chunks)).parts] == ["Hm.", "Blue."]


def test_the_payload_of_the_provider_is_kept_unless_it_is_not_wanted():
    raw = assembled(chat(*chat_chunks(Said(thought="Hm.", calls=CALLS)))).extra["openai:raw"]
    whole = chat_whole(Said(thought="Hm.", calls=CALLS))
    whole["choices"][0]["message"].pop("refusal")
    whole["choices"][0].pop("logprobs")
    assert json.loads(json.dumps(raw)) == whole
    assert assembled(responses(*response_events(Said()))).extra["openai:raw"]["id"] == "resp_1"
    assert "openai:raw" not in assembled(chat(*chat_chunks(Said()), keep_raw=False)).extra


def test_a_payload_that_is_no_json_is_not_kept_and_costs_no_answer():
    chunks = chat_chunks(Said())
    chunks[1]["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": float("-inf")}]}
    answer = assembled(chat(*chunks))
    assert "openai:raw" not in answer.extra
    assert answer.finish == "stop"


def test_other_choices_are_not_mixed_in():
    chunks = chat_chunks(Said())
    chunks.insert(3, {**chunks[0], "choices": [{"index": 1, "delta": {"content": "other"}}]})
    assert "other" not in "".join(event.text for event in chat(*chunks))


def test_what_is_told_first_says_who_answers():
    first = chat(*chat_chunks(Said()))[0]
    assert first == Event(kind="start", response_id="chatcmpl-1", model="gpt-5-2025-08-07")
    assert responses(*response_events(Said()))[0].response_id == "resp_1"
