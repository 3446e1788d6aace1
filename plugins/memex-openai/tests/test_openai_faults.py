"""Everything that goes wrong between a request and its answer, at the socket, through the real SDK."""

from __future__ import annotations

import asyncio

import pytest
from openai_play import Said, backend_at, chat_chunks, chat_whole, response_events, response_whole

from memex import (
    AuthFailed,
    BackendError,
    BadRequest,
    BadSetting,
    ContextOverflow,
    Memex,
    Message,
    RateLimited,
    Request,
    Truncated,
    Unavailable,
)
from memex.testing import ScratchStore, assembled
from memex.testing.wire import Close, Dribble, Pause, Reset, Send, Stall, answer, slowly, sse

CANARY = "sk-canary-0123456789abcdefghijklmnop"
APIS = ("chat", "responses")
WAYS = ("stream", "generate", "astream", "agenerate")
REQUEST = Request(messages=(Message.user("Hello?"),), answer_tokens=400, thread="t")


def ask(backend, way, request=REQUEST):
    """Return the events of an answer, whichever way it is asked for."""
    if way in ("stream", "generate"):
        return list(getattr(backend, way)(request))

    async def alone():
        if way == "agenerate":
            return await backend.agenerate(request)
        return [event async for event in backend.astream(request)]

    return asyncio.run(alone())


def whole(api, way, said=None):
    """Return a good answer, as that way gets it."""
    said = said or Said()
    if way in ("generate", "agenerate"):
        return answer(chat_whole(said) if api == "chat" else response_whole(said))
    return sse(*stream_of(api, said))


def stream_of(api, said=None):
    said = said or Said()
    return [*chat_chunks(said), "[DONE]"] if api == "chat" else response_events(said)


def told(code, words="no", kind="invalid_request_error", param=None):
    return {"error": {"message": words, "type": kind, "code": code, "param": param}}


both = pytest.mark.parametrize("api", APIS)
each_way = pytest.mark.parametrize("way", WAYS)


@both
@each_way
def test_a_good_answer(server, api, way):
    server.play(whole(api, way))
    got = assembled(ask(backend_at(server, api), way))
    assert (got.parts[0].text, got.finish) == (Said().text, "stop")


@both
@each_way
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, told(None), BadRequest),
        (401, told("invalid_api_key"), AuthFailed),
        (403, told(None), AuthFailed),
        (404, told("model_not_found"), BadRequest),
        (429, told("rate_limit_exceeded"), RateLimited),
        (429, told("insufficient_quota"), BadRequest),
        (500, told("server_error"), Unavailable),
        (503, "<html>busy</html>", Unavailable),
        (400, told("context_length_exceeded", "maximum context length is 8192 tokens"), ContextOverflow),
        (200, told("rate_limit_exceeded"), RateLimited),
        (200, "<html>hello</html>", BackendError),
    ],
)
def test_an_error_is_typed(server, api, way, status, body, error):
    kind = "text/html" if isinstance(body, str) else "application/json"
    server.play(answer(body, status=status, headers={"content-type": kind}))
    with pytest.raises(error) as caught:
        ask(backend_at(server, api), way)
    assert caught.type is error
    if error is ContextOverflow:
        assert caught.value.limit == 8192
    assert f"openai ({backend_at(server, api).model})" in str(caught.value)


@both
@each_way
def test_a_passing_fault_is_tried_again(server, api, way):
    server.play(answer(told("server_error"), status=500), [Reset()], whole(api, way))
    backend = backend_at(server, api, attempts=3)
    assert assembled(ask(backend, way)).finish == "stop"
    assert len(server.requests) == 3


@both
@each_way
def test_a_wait_that_the_provider_asks_for_is_told(server, api, way):
    server.play(answer(told("rate_limit_exceeded"), status=429, headers={"retry-after": "300"}))
    with pytest.raises(RateLimited) as caught:
        ask(backend_at(server, api, attempts=3), way)
    assert caught.value.retry_after == 300
    assert len(server.requests) == 1


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("end", ["whole", "close", "reset"])
def test_a_stream_that_ends_early_is_truncated_and_what_came_is_kept(server, api, way, end):
    pieces = stream_of(api)
    server.play(sse(*pieces[: len(pieces) // 2], end=end))
    memory = Memex(ScratchStore(), backend=backend_at(server, api, attempts=3), chain=[])
    thread = memory.thread("t")

    async def read():
        return [event async for event in thread.astream("Hello?")]

    with pytest.raises(BackendError) as caught:
        list(thread.stream("Hello?")) if way == "stream" else asyncio.run(read())
    assert caught.type in (Truncated, Unavailable)
    said, kept = thread.messages()
    assert (said.text, said.status) == ("Hello?", "complete")
    assert (kept.status, kept.text) == ("incomplete", caught.value.partial.text)
    assert Said().text.startswith(kept.text)
    assert len(server.requests) == 1


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("end", ["whole", "close", "reset"])
def test_a_stream_without_a_word_is_asked_for_again(server, api, way, end):
    server.play(sse(stream_of(api)[0], end=end), whole(api, way))
    assert assembled(ask(backend_at(server, api, attempts=2), way)).finish == "stop"


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_garbled_piece_is_truncated(server, api, way):
    pieces = stream_of(api)
    server.play(sse(*pieces[: len(pieces) // 2], "{broken", *pieces[len(pieces) // 2 :]))
    with pytest.raises(Truncated):
        ask(backend_at(server, api), way)


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_an_error_in_the_middle_of_a_stream_is_typed(server, api, way):
    pieces = stream_of(api)
    server.play(sse(*pieces[: len(pieces) // 2], told("server_error", "boom", "server_error")))
    with pytest.raises(Unavailable, match="boom"):
        ask(backend_at(server, api), way)


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_whole_answer_to_who_asked_for_a_stream_is_an_answer(server, api, way):
    server.play(whole(api, "generate"))
    assert assembled(ask(backend_at(server, api), way)).finish == "stop"


@both
@pytest.mark.parametrize("way", ["generate", "agenerate"])
def test_half_a_body_is_no_answer(server, api, way):
    good = whole(api, "generate")[0].data
    server.play([Send(good[: len(good) - 40]), Close()])
    with pytest.raises(BackendError) as caught:
        ask(backend_at(server, api), way)
    assert caught.type in (Truncated, Unavailable)


@both
@each_way
@pytest.mark.parametrize("how", ["silent", "slow headers", "slow body"])
def test_a_deadline_ends_what_takes_too_long(server, api, way, how):
    good = whole(api, way)
    scripts = {
        "silent": [Stall()],
        "slow headers": slowly(good, every=0.3),
        "slow body": [Send(good[0].data[:60]), Dribble(good[0].data[60:], every=0.3)],
    }
    server.play(scripts[how])
    deadlines = {"first_timeout": 0.4, "idle_timeout": 0.4, "timeout": 0.6}
    with pytest.raises(BackendError, match=r"within|longer|stalled|in time") as caught:
        ask(backend_at(server, api, **deadlines), way)
    assert caught.type in (Truncated, Unavailable)


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_that_stalls_is_ended_and_the_client_hangs_up(server, api, way):
    pieces = stream_of(api)
    server.play(sse(*pieces[: len(pieces) // 2], end="stall"))
    with pytest.raises(Truncated, match="stalled"):
        ask(backend_at(server, api, idle_timeout=0.3), way)
    assert server.requests[0].hung_up.wait(5)


@both
@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("when", ["before the first word", "in the middle", "in a call"])
def test_a_server_that_says_that_it_still_thinks_is_waited_for(server, api, way, when):
    """By comments, as OpenRouter does, or by pieces of a call, which make no event."""
    said = Said(calls=[("call_1", "look", '{"where": "the pier"}')])
    pieces = stream_of(api, said)
    long = [step for _ in range(8) for step in (b": PROCESSING\n\n", Pause(0.1))]
    middle = 1 if when == "before the first word" else len(pieces) // 2 if when == "in the middle" else -4
    server.play(sse(*pieces[:middle], *long, *pieces[middle:]))
    got = assembled(ask(backend_at(server, api, idle_timeout=0.4), way))
    assert got.finish == "tool_calls"


@both
def test_a_call_that_was_cut_leaves_the_next_one_alone(server, api):
    server.play([Stall()], whole(api, "stream"), whole(api, "stream"))
    backend = backend_at(server, api, first_timeout=0.3)
    with pytest.raises(Unavailable):
        ask(backend, "stream")
    assert assembled(ask(backend, "stream")).finish == "stop"
    assert assembled(ask(backend, "stream")).finish == "stop"


@both
def test_nobody_listens(api):
    from memex_openai.backend import openai

    backend = openai("m@http://127.0.0.1:9/v1", api=api, attempts=1)
    for way in WAYS:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
            ask(backend, way)


@both
def test_a_task_that_is_cancelled_hangs_up_and_keeps_what_came(server, api):
    pieces = stream_of(api)
    server.play(sse(*pieces[: len(pieces) // 2], end="stall"))
    thread = Memex(ScratchStore(), backend=backend_at(server, api), chain=[]).thread("t")

    async def read():
        heard = asyncio.Event()

        async def listen():
            async for event in thread.astream("Hello?"):
                if event.text:
                    heard.set()

        task = asyncio.create_task(listen())
        await asyncio.wait_for(heard.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(read())
    assert server.requests[0].hung_up.wait(5)
    assert [m.status for m in thread.messages()] == ["complete", "incomplete"]


@both
@each_way
def test_a_setting_that_a_model_refuses_is_learned_once(server, api, way):
    words = "Unsupported parameter: 'temperature' is not supported with this model."
    server.play(answer(told("unsupported_parameter", words, param="temperature"), status=400))
    server.play(whole(api, way), whole(api, way))
    backend = backend_at(server, api, model="new-model")
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings={"temperature": 0.2})
    for _ in range(2):
        got = assembled(ask(backend, way, request))
        [(name, why)] = got.extra["openai:left_out"]
        assert name == "temperature"
        assert "not supported with this model" in why
    assert ["temperature" in request.json() for request in server.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Unrecognized request argument supplied: prompt_cache_key", "prompt_cache_key"),
        ("Unknown parameter: 'stream_options.include_usage'.", "stream_options"),
        ("property 'seed' is unsupported", "seed"),
        ("Unsupported value: 'temperature' does not support 0.2 with this model.", "temperature"),
        ('Invalid JSON payload received. Unknown name "seed": Cannot find field.', "seed"),
    ],
)
def test_servers_say_in_many_words_what_they_do_not_take(server, words, name):
    server.play(answer({"error": {"message": words}}, status=400), whole("chat", "stream"))
    wishes = {"temperature": 0.2, "seed": 1}
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, thread="t", settings=wishes)
    got = assembled(ask(backend_at(server, "chat", model="new-model"), "stream", request))
    assert [told for told, _ in got.extra["openai:left_out"]] == [name]


@pytest.mark.parametrize(
    ("words", "code", "param"),
    [
        ("max_tokens is too large: 10. This model supports at most 5.", "invalid_value", "max_tokens"),
        ("Invalid 'temperature': decimal above maximum value.", "decimal_above_max_value", "temperature"),
        ("Unsupported value: 'minimal' is not supported.", "unsupported_value", "reasoning_effort"),
        ("Invalid schema for response_format", "invalid_json_schema", "response_format"),
    ],
)
def test_a_value_that_is_wrong_is_told_and_not_left_out(server, words, code, param):
    server.play(answer(told(code, words, param=param), status=400))
    wishes = {"temperature": 7, "reasoning_effort": "minimal"}
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings=wishes)
    with pytest.raises(BadRequest):
        ask(backend_at(server, "chat", model="new-model"), "stream", request)
    assert len(server.requests) == 1


def test_mistral_and_vllm_list_what_they_do_not_take(server):
    body = {
        "detail": [
            {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}
        ]
    }
    server.play(answer(body, status=422), whole("chat", "stream"))
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings={"seed": 1})
    got = assembled(ask(backend_at(server, "chat", model="new-model"), "stream", request))
    assert [told for told, _ in got.extra["openai:left_out"]] == ["seed"]


def test_what_is_known_to_be_refused_is_never_sent(played):
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings={"temperature": 0.2})
    got = assembled(ask(played.backend("chat", "gpt-5"), "stream", request))
    assert "temperature" not in played.body
    assert [name for name, _ in got.extra["openai:left_out"]] == ["temperature"]
    quick = Request(
        messages=(Message.user("Hi"),),
        answer_tokens=400,
        settings={"temperature": 0.2, "reasoning_effort": "none"},
    )
    ask(played.backend("chat", "gpt-5"), "stream", quick)
    assert played.body["temperature"] == 0.2


@both
def test_what_makes_the_request_is_not_left_out(server, api):
    server.play(answer(told("unsupported_parameter", "no tools", param="tools"), status=400))
    with pytest.raises(BadRequest):
        ask(backend_at(server, api), "stream")
    assert len(server.requests) == 1


@both
@each_way
def test_the_key_is_in_no_error(server, api, way):
    echo = told("invalid_api_key", f"Incorrect API key provided: {CANARY}.")
    server.play(
        answer(echo, status=401), [Reset()], answer(f"<{CANARY}>", headers={"content-type": "text/html"})
    )
    server.play(sse(stream_of(api)[0], told("server_error", f"key {CANARY}", "server_error")))
    backend = backend_at(server, api, api_key=CANARY)
    for _ in range(4):
        with pytest.raises(BackendError) as caught:
            ask(backend, way)
        chain, error = [], caught.value
        while error is not None:
            chain += [str(error), repr(error), *getattr(error, "__notes__", ())]
            error = error.__cause__ or error.__context__
        assert CANARY not in "".join(chain)
    assert CANARY in server.requests[0].headers["authorization"]
    assert CANARY not in repr(backend) + str(vars(backend))


@both
def test_the_key_is_in_no_log_and_no_store(server, api, caplog):
    caplog.set_level(1)
    store = ScratchStore()
    server.play(whole(api, "generate"), whole(api, "stream"))
    memory = Memex(store, backend=backend_at(server, api, api_key=CANARY), chain=[])
    thread = memory.thread("t")
    thread.send("Hello?")
    list(thread.stream("And?"))
    assert CANARY not in caplog.text
    assert "openai:raw" not in caplog.text
    assert CANARY not in repr(list(thread.messages())) + repr(vars(store))


@both
def test_a_closed_backend_opens_new_connections(server, api):
    backend = backend_at(server, api)
    for way in WAYS:
        server.play(whole(api, way))
        assert assembled(ask(backend, way)).finish == "stop"
        backend.close()


def test_several_answers_are_refused(server):
    request = Request(messages=(Message.user("Hi"),), answer_tokens=400, settings={"n": 3})
    for way in WAYS:
        with pytest.raises(BadSetting, match="one answer"):
            ask(backend_at(server), way, request)
    assert server.requests == []
