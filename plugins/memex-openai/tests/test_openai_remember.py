"""remember(): an OpenAI client whose calls are remembered, against a server at the socket."""

from __future__ import annotations

import copy
import gc
import json
import sys
import threading
import types
from collections.abc import Iterator

import httpx
import openai
import pydantic
import pytest
from memex_openai import remember, turn_of

from memex import (
    BadSetting,
    InvalidMessage,
    Media,
    Memex,
    Message,
    MissingThread,
    Provider,
    Text,
    UnknownThread,
    hookimpl,
)
from memex.testing import ScratchStore, WireServer, evict_oldest
from memex.testing.wire import answer, sse

MODEL = "gpt-5.6"
SYSTEM = {"role": "system", "content": "You are brief."}


def user(text):
    return {"role": "user", "content": text}


def said(text):
    return {"role": "assistant", "content": text}


def completion(*texts, finish="stop", calls=None, **more):
    choices = [
        {
            "index": index,
            "finish_reason": "tool_calls" if calls else finish,
            "message": {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})},
        }
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "usage": usage,
            "choices": choices, **more}  # fmt: skip


def chunk(delta, finish=None, index=0, **more):
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": [choice], **more}  # fmt: skip


def chunks(*words, finish="stop"):
    return [chunk({"role": "assistant", "content": words[0]}), *(chunk({"content": w}) for w in words[1:]),
            chunk({}, finish)]  # fmt: skip


def call(number, name="weather", **arguments):
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{number}", "type": "function", "function": function}


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def memory() -> Iterator[Memex]:
    with Memex(ScratchStore(), chain=[]) as opened:
        yield opened


@pytest.fixture
def plain(server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0) as client:
        yield client


@pytest.fixture
def client(plain, memory):
    return remember(plain, memory)


def log(memory, thread="t"):
    return [(m.role, m.text, m.status) for m in memory.thread(thread).messages()]


def sent(server, at=-1):
    return server.requests[at].json()["messages"]


def ask(client, *messages, thread="t", **more):
    return client.chat.completions.create(model=MODEL, messages=list(messages), thread=thread, **more)


# -- what is stored, what is sent, what comes back ---------------------------------------------------


def test_a_call_is_remembered_and_the_answer_is_the_sdks_own(client, memory, server):
    server.play(answer(completion("Mara does."), headers={"x-request-id": "req-1"}))
    got = ask(client, SYSTEM, user("Who signs it off?"), temperature=0.3, user="me")
    assert type(got) is openai.types.chat.ChatCompletion
    assert (got.choices[0].message.content, got._request_id) == ("Mara does.", "req-1")
    assert log(memory) == [
        ("system", "You are brief.", "complete"),
        ("user", "Who signs it off?", "complete"),
        ("assistant", "Mara does.", "complete"),
    ]
    body = server.requests[0].json()
    assert body == {
        "model": MODEL,
        "messages": [SYSTEM, user("Who signs it off?")],
        "temperature": 0.3,
        "user": "me",
    }


def test_what_comes_back_is_equal_to_what_the_bare_client_gives(client, plain, server):
    server.always(answer(completion("Yes.")))
    assert ask(client, user("Is it?")) == plain.chat.completions.create(
        model=MODEL, messages=[user("Is it?")]
    )


def test_only_the_new_message_is_enough(client, memory, server):
    server.play(answer(completion("One.")), answer(completion("Two.")))
    ask(client, user("First?"))
    ask(client, user("Second?"))
    assert sent(server) == [user("First?"), said("One."), user("Second?")]
    assert [text for _, text, _ in log(memory)] == ["First?", "One.", "Second?", "Two."]


def test_a_caller_that_holds_the_history_stores_each_message_once(client, memory, server):
    history = [SYSTEM]
    for number in range(4):
        history.append(user(f"Question {number}, yes?"))
        server.play(answer(completion("Yes.")))
        history.append(ask(client, *history).choices[0].message)  # the SDK's own object
    roles = [role for role, _, _ in log(memory)]
    assert roles == ["system", *["user", "assistant"] * 4]
    assert len(sent(server)) == 8


def test_system_text_that_is_sent_every_turn_is_stored_once(client, memory, server):
    for number in range(3):
        server.play(answer(completion("Yes.")))
        ask(client, SYSTEM, user(f"Question {number}"))
    assert [role for role, _, _ in log(memory)].count("system") == 1
    assert [m for m in sent(server) if m["role"] == "system"] == [SYSTEM]


def test_a_conversation_that_began_elsewhere_is_taken_over(client, memory, server):
    server.play(answer(completion("Blue.")))
    ask(client, SYSTEM, user("Hello"), said("Hi."), user("Which colour?"))
    assert [text for _, text, _ in log(memory)] == [
        "You are brief.",
        "Hello",
        "Hi.",
        "Which colour?",
        "Blue.",
    ]


def test_two_parallel_tool_results(client, memory, server):
    calls = [call(1, place="Oslo"), call(2, place="Bergen")]
    tools = [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
        }
    ]
    history = [user("Rain in Oslo and Bergen?")]
    server.play(answer(completion(None, calls=calls)), answer(completion("Only in Bergen.")))
    history.append(ask(client, *history, tools=tools).choices[0].message)
    history += [
        {"role": "tool", "tool_call_id": "call_1", "content": "dry"},
        {"role": "tool", "tool_call_id": "call_2", "content": "wet"},
    ]
    ask(client, *history, tools=tools)
    assert [m["role"] for m in sent(server)] == ["user", "assistant", "tool", "tool"]
    assert sent(server)[1]["tool_calls"] == calls
    assert [role for role, _, _ in log(memory)] == ["user", "assistant", "tool", "tool", "assistant"]
    plan = memory.thread("t").plan()
    assert plan.tools > 0
    assert plan.target == f"openai:{MODEL}@{server.url.partition('//')[2]}/v1"


def test_only_the_results_are_enough(client, memory, server):
    server.play(answer(completion(None, calls=[call(1), call(2)])), answer(completion("Done.")))
    ask(client, user("Go"))
    results = [{"role": "tool", "tool_call_id": f"call_{n}", "content": "ok"} for n in (1, 2)]
    ask(client, *results)
    assert [m["role"] for m in sent(server)] == ["user", "assistant", "tool", "tool"]
    assert len(log(memory)) == 5


def test_of_three_choices_the_first_is_the_reply_and_the_others_are_kept_beside_it(client, memory, server):
    server.play(answer(completion("A", "B", "C")))
    got = ask(client, user("Three names?"), n=3)
    assert [choice.message.content for choice in got.choices] == ["A", "B", "C"]
    assert [text for _, text, _ in log(memory)] == ["Three names?", "A"]
    kept = turn_of(got).reply.message.extra["openai:choices"]
    assert [choice["message"]["content"] for choice in kept] == ["B", "C"]


def test_three_streamed_choices(client, memory, server):
    parts = [chunk({"role": "assistant", "content": f"{i}"}, index=i) for i in range(3)]
    parts += [chunk({"content": "!"}, index=i) for i in range(3)] + [
        chunk({}, "stop", index=i) for i in range(3)
    ]
    server.play(sse(*parts, "[DONE]"))
    stream = ask(client, user("Three?"), n=3, stream=True)
    assert len(list(stream)) == 9
    message = turn_of(stream).reply.message
    assert (message.text, message.status) == ("0!", "complete")
    kept = message.extra["openai:choices"]
    assert [(c["index"], c["message"]["content"], c["finish_reason"]) for c in kept] == [
        (1, "1!", "stop"),
        (2, "2!", "stop"),
    ]


def test_going_on_with_another_choice_stores_it_as_what_the_caller_says(client, memory, server):
    server.play(answer(completion("A", "B")), answer(completion("Fine.")))
    got = ask(client, user("A or B?"), n=2)
    ask(client, user("A or B?"), got.choices[1].message, user("Sure?"))
    assert [text for _, text, _ in log(memory)] == ["A or B?", "A", "B", "Sure?", "Fine."]


# -- which thread ------------------------------------------------------------------------------------


def test_without_a_thread_nothing_is_sent(client, memory, server):
    with pytest.raises(MissingThread, match="thread="):
        ask(client, user("Hello"), thread=None)
    assert not server.requests
    assert not list(memory.threads())


def test_without_a_thread_a_fresh_one_is_opened_where_that_is_wanted(plain, memory, server):
    server.always(answer(completion("Hi.")))
    client = remember(plain, memory, on_missing="new")
    first, second = (ask(client, user("Hello"), thread=None) for _ in range(2))
    threads = {turn_of(first).thread.id, turn_of(second).thread.id}
    assert len(threads) == 2
    assert threads == {info.id for info in memory.threads()}
    assert len(sent(server)) == 1


def test_a_thread_for_all_calls(plain, memory, server):
    server.always(answer(completion("Hi.")))
    client = remember(plain, memory, thread=memory.thread("always", budget=900))
    got = ask(client, user("Hello"), thread=None)
    ask(client, user("There"), thread="once")
    assert (len(log(memory, "always")), len(log(memory, "once"))) == (2, 2)
    assert turn_of(got).window.budget.total == 900


def test_an_unknown_thread_is_opened_or_refused(plain, memory, server):
    server.always(answer(completion("Hi.")))
    strict = remember(plain, memory, on_unknown="error")
    with pytest.raises(UnknownThread):
        ask(strict, user("Hello"), thread="nobody")
    assert not server.requests
    ask(remember(plain, memory), user("Hello"), thread="nobody")
    ask(strict, user("Again"), thread="nobody")
    assert len(log(memory, "nobody")) == 4


@pytest.mark.parametrize("wrong", [{"on_missing": "maybe"}, {"on_unknown": "no"}, {"thread": 3}])
def test_wrong_settings_are_refused(plain, memory, wrong):
    with pytest.raises(BadSetting):
        remember(plain, memory, **wrong)


def test_a_client_that_is_remembered_is_not_remembered_again(client, memory):
    with pytest.raises(BadSetting, match="already"):
        remember(client, memory)


def test_another_client_is_refused(memory):
    with pytest.raises(BadSetting, match="object"):
        remember(object(), memory)


def test_an_answer_of_somebody_else_belongs_to_no_turn(plain, client, server):
    server.always(answer(completion("Hi.")))
    with pytest.raises(UnknownThread):
        turn_of(plain.chat.completions.create(model=MODEL, messages=[user("Hello")]))


def test_unreadable_messages_are_refused_before_anything_is_stored(client, memory, server):
    with pytest.raises(InvalidMessage, match="message 0"):
        ask(client, {"role": "nobody", "content": "x"})
    assert not server.requests
    assert not list(memory.threads())


# -- streams -----------------------------------------------------------------------------------------


def test_a_stream_is_stored_once_at_its_end_and_equals_the_whole_answer(client, memory, server):
    server.play(sse(*chunks("Ma", "ra", " does."), "[DONE]"), answer(completion("Mara does.")))
    stream = ask(client, user("Who?"), stream=True)
    assert type(stream) is openai.Stream
    assert turn_of(stream).reply is None
    words = [c.choices[0].delta.content for c in stream]
    assert words == ["Ma", "ra", " does.", None]
    ask(client, user("Who?"), thread="whole")
    one, other = (memory.thread(name) for name in ("t", "whole"))
    assert [m.parts for m in one.messages()] == [m.parts for m in other.messages()]
    assert turn_of(stream).reply.finish == "stop"


@pytest.mark.parametrize("resent", [True, False])
def test_system_text_with_other_words_each_time_is_sent_as_it_is_now(client, memory, server, resent):
    server.always(answer(completion("Yes.")))
    history = []
    for day in range(1, 5):
        history = [*(history if resent else []), user(f"Is it day {day}?")]
        now = {"role": "system", "content": f"Today is day {day}."}
        ask(client, now, *history)
        history.append(said("Yes."))
        assert [m for m in sent(server) if m["role"] == "system"] == [now]
        assert len(sent(server)) == 2 * day
    assert [text for role, text, _ in log(memory) if role == "system"] == [
        f"Today is day {day}." for day in range(1, 5)
    ]


def test_a_streams_usage_is_stored_where_the_caller_asks_for_it(client, memory, server):
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    server.play(sse(*chunks("Hi."), {**chunk({}), "choices": [], "usage": usage}, "[DONE]"))
    list(ask(client, user("Hello"), stream=True, stream_options={"include_usage": True}))
    *_, last = memory.thread("t").messages()
    assert (last.usage.input_tokens, last.usage.output_tokens) == (20, 5)


@pytest.mark.parametrize("how", ["with", "close", "drop"])
def test_leaving_a_stream_early_keeps_what_came_as_incomplete(client, memory, server, how):
    server.play(sse(*chunks("One", " two", " three"), end="stall"))
    stream = ask(client, user("Count"), stream=True)
    if how == "with":
        with stream:
            next(iter(stream))
    else:
        next(stream)
        if how == "close":
            stream.close()
    del stream
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "memex-abandoned-answer":
            thread.join()
    assert log(memory)[-1] == ("assistant", "One", "incomplete")


def test_what_came_at_once_is_heard_as_far_as_it_is_read(client, memory, server):
    parts = b"".join(f"data: {json.dumps(part)}\r\n\r\n".encode() for part in chunks("One", " two", " three"))
    server.play(sse(parts[:700], parts[700:]))
    with ask(client, user("Count"), stream=True) as stream:
        next(stream)
        next(stream)
    assert log(memory)[-1] == ("assistant", "One two", "incomplete")


def test_a_stream_that_nobody_reads_is_a_turn_without_an_answer(client, memory, server):
    server.play(sse(*chunks("One"), end="stall"))
    stream = ask(client, user("Count"), stream=True)
    stream.close()
    assert log(memory) == [("user", "Count", "complete")]
    assert turn_of(stream).error is not None


def test_leaving_after_the_finish_reason_is_a_whole_answer(client, memory, server):
    server.play(sse(*chunks("One."), end="stall"))
    with ask(client, user("Count"), stream=True) as stream:
        for part in stream:
            if part.choices[0].finish_reason:
                break
    assert log(memory)[-1] == ("assistant", "One.", "complete")


def test_the_stream_helper(client, memory, server):
    server.play(sse(*chunks("Ma", "ra"), "[DONE]"))
    with client.chat.completions.stream(model=MODEL, messages=[user("Who?")], thread="t") as stream:
        assert type(stream) is openai.lib.streaming.chat.ChatCompletionStream
        kinds = [event.type for event in stream]
        assert stream.get_final_completion().choices[0].message.content == "Mara"
    assert kinds.count("content.delta") == 2
    assert turn_of(stream).thread.id == "t"
    assert log(memory) == [("user", "Who?", "complete"), ("assistant", "Mara", "complete")]


def test_leaving_the_stream_helper_early(client, memory, server):
    server.play(sse(*chunks("Ma", "ra"), end="stall"))
    with client.chat.completions.stream(model=MODEL, messages=[user("Who?")], thread="t") as stream:
        for event in stream:
            if event.type == "content.delta":
                break
    assert log(memory)[-1] == ("assistant", "Ma", "incomplete")


def test_an_answer_that_was_cut_by_its_length_is_incomplete(client, memory, server):
    server.play(
        answer(completion("One two", finish="length")), sse(*chunks("One", finish="length"), "[DONE]")
    )
    ask(client, user("Count"))
    list(ask(client, user("Count"), stream=True))
    assert [status for role, _, status in log(memory) if role == "assistant"] == ["incomplete"] * 2


def test_calls_that_come_in_pieces(client, memory, server):
    pieces = [
        chunk({"role": "assistant", "tool_calls": [{"index": 0, **call(1)}]}),
        chunk({"tool_calls": [{"index": 1, **call(2), "function": {"name": "w", "arguments": '{"a'}}]}),
        chunk({"tool_calls": [{"index": 1, "function": {"arguments": '": 1}'}}]}),
        chunk({}, "tool_calls"),
    ]  # fmt: skip
    server.play(sse(*pieces, "[DONE]"))
    list(ask(client, user("Go"), stream=True))
    *_, last = memory.thread("t").messages()
    assert [(c.id, c.arguments) for c in last.tool_calls] == [("call_1", "{}"), ("call_2", '{"a": 1}')]


# -- faults: the SDK's errors go up, nothing is lost, nothing is doubled -------------------------------


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (answer({"error": {"message": "no", "code": "x"}}, status=400), openai.BadRequestError),
        (answer({"error": {"message": "busy"}}, status=503), openai.InternalServerError),
        (answer("not json at all", headers={"content-type": "application/json"}), json.JSONDecodeError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_call_raises_the_sdks_error_and_is_retried_without_doubling(
    client, memory, server, behaviour, error, stream
):
    if stream and error is json.JSONDecodeError:
        behaviour = sse("not json")
    server.play(behaviour, answer(completion("Now.")))
    with pytest.raises(error):
        list(ask(client, user("When?"), stream=stream))
    assert log(memory) == [("user", "When?", "complete")]
    ask(client, user("When?"))
    assert log(memory) == [("user", "When?", "complete"), ("assistant", "Now.", "complete")]
    assert sent(server) == [user("When?")]


@pytest.mark.parametrize("whole_history", [False, True])
@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_stream_that_breaks_keeps_its_part_and_the_retry_stands_after_it(
    client, memory, server, end, whole_history
):
    before = [user("Hello"), said("Hi.")]
    memory.thread("t").append([*before])
    messages = [*before, user("Count")] if whole_history else [user("Count")]
    server.play(sse(*chunks("One", " two")[:2], end=end), answer(completion("One two three.")))
    with pytest.raises(openai.APIConnectionError):
        list(ask(client, *messages, stream=True))
    assert log(memory)[-1] == ("assistant", "One two", "incomplete")
    ask(client, *messages)
    assert sent(server) == [*before, user("Count")]
    assert [text for _, text, _ in log(memory)] == ["Hello", "Hi.", "Count", "One two", "One two three."]
    server.play(answer(completion("Four.")))
    ask(client, *messages, said("One two three."), user("More"))
    assert sent(server) == [*before, user("Count"), said("One two three."), user("More")]
    assert [text for _, text, _ in log(memory)][-2:] == ["More", "Four."]
    assert len(log(memory)) == 7


def test_a_stream_that_ends_early_and_silently_is_incomplete(client, memory, server):
    server.play(sse(*chunks("One", " two")[:2], framing="close"))
    stream = ask(client, user("Count"), stream=True)
    assert len(list(stream)) == 2  # the SDK raises nothing
    assert log(memory)[-1] == ("assistant", "One two", "incomplete")
    assert type(turn_of(stream).error).__name__ == "Truncated"


def test_a_caller_that_keeps_the_half_answer_does_not_make_it_whole(client, memory, server):
    server.play(sse(*chunks("One", " two")[:2], framing="close"), answer(completion("Three.")))
    list(ask(client, user("Count"), stream=True))
    ask(client, user("Count"), said("One two"), user("Go on"))
    assert log(memory) == [
        ("user", "Count", "complete"),
        ("assistant", "One two", "incomplete"),
        ("user", "Go on", "complete"),
        ("assistant", "Three.", "complete"),
    ]


def test_an_error_in_the_stream_goes_up(client, memory, server):
    server.play(sse(chunk({"role": "assistant", "content": "One"}), {"error": {"message": "overloaded"}}))
    with pytest.raises(openai.APIError, match="overloaded"):
        list(ask(client, user("Count"), stream=True))
    assert log(memory)[-1] == ("assistant", "One", "incomplete")


def test_the_sdks_own_retries_are_one_turn(plain, memory, server):
    busy = answer({"error": {"message": "busy"}}, status=503, headers={"retry-after-ms": "1"})
    server.play(busy, busy, answer(completion("Now.")))
    ask(remember(plain, memory).with_options(max_retries=2), user("When?"))
    assert [text for _, text, _ in log(memory)] == ["When?", "Now."]


# -- the other methods --------------------------------------------------------------------------------


class Person(pydantic.BaseModel):
    name: str


def test_parse(client, memory, server):
    server.play(answer(completion('{"name": "Mara"}')))
    got = client.chat.completions.parse(
        model=MODEL, messages=[user("Who?")], response_format=Person, thread="t"
    )
    assert got.choices[0].message.parsed == Person(name="Mara")
    assert server.requests[0].json()["response_format"]["json_schema"]["name"] == "Person"
    assert log(memory)[-1] == ("assistant", '{"name": "Mara"}', "complete")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (completion('{"nam'), pydantic.ValidationError),
        (completion('{"nam', finish="length"), openai.LengthFinishReasonError),
    ],
)
def test_what_cannot_be_parsed_is_kept_as_incomplete_and_asked_again(client, memory, server, body, error):
    server.play(answer(body), answer(completion('{"name": "Mara"}')))
    with pytest.raises(error):
        client.chat.completions.parse(
            model=MODEL, messages=[user("Who?")], response_format=Person, thread="t"
        )
    assert log(memory)[-1] == ("assistant", '{"nam', "incomplete")
    client.chat.completions.parse(model=MODEL, messages=[user("Who?")], response_format=Person, thread="t")
    assert [role for role, _, _ in log(memory)] == ["user", "assistant", "assistant"]


def test_with_options_stays_remembered(client, memory, server):
    server.play(answer(completion("Hi.")))
    other = client.with_options(default_headers={"x-mine": "1"})
    ask(other, user("Hello"))
    assert server.requests[0].headers["x-mine"] == "1"
    assert len(log(memory)) == 2


def test_raw_responses(client, memory, server):
    server.always(answer(completion("Hi."), headers={"x-mine": "1"}))
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=[user("Hello")], thread="t")
    assert raw.headers["x-mine"] == "1"
    assert raw.parse().choices[0].message.content == "Hi."
    assert turn_of(raw).reply.text == "Hi."
    client.with_raw_response.chat.completions.create(model=MODEL, messages=[user("Again")], thread="t")
    assert [role for role, _, _ in log(memory)] == ["user", "assistant"] * 2


def test_a_raw_stream(client, memory, server):
    server.play(sse(*chunks("Hi."), "[DONE]"))
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=[user("Hello")], thread="t", stream=True
    )
    assert len(list(raw.parse())) == 2
    assert log(memory)[-1] == ("assistant", "Hi.", "complete")


@pytest.mark.parametrize("how", ["parse", "read", "iter_lines", "iter_bytes"])
@pytest.mark.parametrize("stream", [False, True])
def test_streaming_responses_whatever_they_are_read_with(client, memory, server, how, stream):
    server.play(sse(*chunks("Hi."), "[DONE]") if stream else answer(completion("Hi.")))
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=[user("Hello")], thread="t", stream=stream
    ) as response:
        read = getattr(response, how)()
        if how.startswith("iter") or (how == "parse" and stream):
            assert list(read)
    assert log(memory)[-1] == ("assistant", "Hi.", "complete")


def test_a_streaming_response_that_is_not_read(client, memory, server):
    server.play(answer(completion("Hi.")))
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=[user("Hello")], thread="t"
    ):
        pass
    assert log(memory) == [("user", "Hello", "complete")]


# -- it is a client -----------------------------------------------------------------------------------


def test_everything_else_is_the_clients_own(client, plain, server):
    assert isinstance(client, openai.OpenAI)
    assert client.embeddings is plain.embeddings
    assert client.files is plain.files
    assert client.chat.completions.list == plain.chat.completions.list
    assert client.base_url == plain.base_url
    assert client.chat.completions is client.chat.completions
    client.timeout = 7.0
    assert plain.timeout == 7.0
    copy.copy(client)
    with pytest.raises(AttributeError):
        _ = client.no_such_thing


def test_the_wrapped_client_itself_stays_as_it_was(client, plain, memory, server):
    server.always(answer(completion("Hi.")))
    before = dict(vars(openai.resources.chat.completions.Completions))
    ask(client, user("Hello"))
    assert dict(vars(openai.resources.chat.completions.Completions)) == before
    plain.chat.completions.create(model=MODEL, messages=[user("Not remembered")])
    assert len(log(memory)) == 2
    with pytest.raises(TypeError, match="thread"):
        plain.chat.completions.create(model=MODEL, messages=[user("Hello")], thread="t")


def test_a_client_over_the_older_httpx_is_remembered_too(server, memory):
    with httpx.Client() as transport:
        plain = openai.OpenAI(base_url=server.url, api_key="key", http_client=transport)
        server.play(sse(*chunks("Hi."), "[DONE]"), answer(completion("Bye.")))
        assert len(list(ask(remember(plain, memory), user("Hello"), stream=True))) == 2
        ask(remember(plain, memory), user("Ciao"))
    assert [text for _, text, _ in log(memory)] == ["Hello", "Hi.", "Ciao", "Bye."]


def test_as_a_context_manager_it_closes_the_client(server, memory):
    with remember(openai.OpenAI(base_url=server.url, api_key="key"), memory) as client:
        assert not client.is_closed()
    assert client.is_closed()


class Shouting:
    @hookimpl
    def memex_filters(self):
        return [Provider("shouting", "shouting_filter:make", "Says everything loudly")]


def shout(_thread, message):
    return message if message.tool_calls else message.replace(parts=Message.user(message.text.upper()).parts)


def test_a_caller_that_holds_the_history_does_not_double_what_a_filter_changed(plain, server, monkeypatch):
    module = types.ModuleType("shouting_filter")
    module.make = lambda: shout
    monkeypatch.setitem(sys.modules, "shouting_filter", module)
    with Memex(ScratchStore(), chain=[], plugins=[Shouting()]) as memory:
        client = remember(plain, memory)
        server.play(answer(completion("hi")), answer(completion("bye")))
        ask(client, SYSTEM, user("hello"))
        ask(client, SYSTEM, user("hello"), said("hi"), user("ciao"))
        assert [text for _, text, _ in log(memory)] == ["YOU ARE BRIEF.", "HELLO", "HI", "CIAO", "BYE"]
        assert sent(server)[1:] == [user("HELLO"), said("HI"), user("CIAO")]


def test_an_answer_that_cannot_be_stored_is_told_and_carried(client, memory, server):
    append = memory.store.append

    def full(thread, messages, **more):
        if messages[0].role == "assistant":
            raise OSError("disk full")
        return append(thread, messages, **more)

    memory.store.append = full
    server.play(answer(completion("Hi.")), sse(*chunks("Hi."), "[DONE]"))
    with pytest.raises(Exception, match="disk full") as told:
        ask(client, user("Hello"))
    assert told.value.carried.text == "Hi."
    with pytest.raises(Exception, match="disk full"):
        list(ask(client, user("Hello again"), stream=True))


def test_a_window_that_the_model_refuses_as_too_long_is_made_smaller_once(plain, server):
    told = "This model's maximum context length is 300 tokens. However, your messages resulted in 700 tokens."
    refused = answer({"error": {"message": told, "code": "context_length_exceeded"}}, status=400)
    with Memex(ScratchStore(), chain=[evict_oldest], budget=2_000, answer_tokens=100) as memory:
        thread = memory.thread("t")
        for number in range(10):
            thread.append([user(f"Question {number} " * 20), said(f"Answer {number} " * 20)])
        server.play(refused, answer(completion("Short.")), refused, refused)
        client = remember(plain, memory)
        got = ask(client, user("Short?"))
        assert got.choices[0].message.content == "Short."
        assert len(sent(server, 1)) < len(sent(server, 0))
        assert sent(server, 1)[-1] == user("Short?")
        with pytest.raises(openai.BadRequestError):  # not twice
            ask(client, user("And again?"))
        assert log(memory)[-1] == ("user", "And again?", "complete")


def test_listeners_are_told_typed_errors_without_the_key(plain, server):
    told = []

    class Listener:
        @hookimpl
        def memex_call_failed(self, thread, error):
            told.append((thread, error))

    with Memex(ScratchStore(), chain=[], plugins=[Listener()]) as memory:
        server.play(
            answer({"error": {"message": "bad key: key"}}, status=401),
            sse(*chunks("One")[:1], framing="close"),
        )
        client = remember(plain, memory)
        with pytest.raises(openai.AuthenticationError):
            ask(client, user("Hello"))
        list(ask(client, user("Hello"), stream=True))
    assert [(thread, type(error).__name__) for thread, error in told] == [
        ("t", "AuthFailed"),
        ("t", "Truncated"),
    ]
    assert isinstance(told[0][1].__cause__, openai.AuthenticationError)


def test_what_a_format_could_not_carry_is_noted_with_the_answer(client, memory, server):
    thread = memory.thread("t", budget=60_000)
    film = Media(kind="video", source="url", value="http://example.org/y.mp4")
    thread.append([Message.user([Text("Look"), film]), Message.assistant("Nice.")])
    server.play(answer(completion("Yes.")))
    got = ask(client, user("Is it?"), thread=thread)
    ((part, why),) = turn_of(got).reply.message.extra["openai:left_out"]
    assert (part, "video" in why) == ("media", True)


def test_two_calls_at_once_in_one_thread_lose_nothing(client, memory, server):
    server.always(lambda request: answer(completion(f"re: {request.json()['messages'][-1]['content']}")))
    calls = [threading.Thread(target=ask, args=(client, user(f"{n}"))) for n in range(6)]
    for one in calls:
        one.start()
    for one in calls:
        one.join()
    said_by_user = sorted(text for role, text, _ in log(memory) if role == "user")
    assert said_by_user == [f"{n}" for n in range(6)]
    assert len(log(memory)) == 12
