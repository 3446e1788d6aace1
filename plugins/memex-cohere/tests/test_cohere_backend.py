"""The backend against a real server at the socket: four ways to call, one answer."""

from __future__ import annotations

import asyncio
import logging

import pytest
from command import CITATION, MODEL, WORDS, call, error, events, response, stream
from memex_cohere.backend import Cohere
from strict_chat import check_chat

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
    Tool,
    Truncated,
    Unavailable,
    Usage,
    write_archive,
)
from memex.testing import ScratchStore, assembled
from memex.testing.wire import WireServer, answer, sse

KEY = "co-canary-0123456789abcdefghij"
WAYS = ["stream", "generate", "astream", "agenerate"]
ASK = Request(messages=(Message.user("Is the door blue?"),), answer_tokens=500)
FULL = response(plan="I will look.", calls=[call(1), call(2)], citations=[CITATION], finish="TOOL_CALL")


@pytest.fixture
def server():
    with WireServer() as running:
        yield running
        assert running.unexpected == []


def backend(server, **settings):
    return Cohere(MODEL, base_url=server.url, **{"api_key": KEY, "attempts": 1, **settings})


def ask(made, way, request=ASK):
    """Ask in one of the four ways and return the events."""
    if way in ("stream", "generate"):
        try:
            return list(getattr(made, way)(request))
        finally:
            made.close()

    async def collect():
        if way == "agenerate":
            return list(await made.agenerate(request))
        return [event async for event in made.astream(request)]

    return asyncio.run(collect())


def played(way, whole):
    return stream(whole) if "stream" in way else answer(whole)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_answer(server, way):
    server.play(played(way, FULL), stream(FULL))
    found, other = assembled(ask(backend(server), way)), assembled(ask(backend(server), "stream"))
    assert (found.parts, found.usage, found.finish) == (other.parts, other.usage, other.finish)
    assert found.response_id == "c14c80c3"
    assert len(found.parts) == 5


@pytest.mark.parametrize("way", WAYS)
def test_what_is_sent_is_what_the_api_takes(server, way):
    server.play(played(way, response()))
    request = Request(
        messages=(Message.system("Be brief."), *ASK.messages),
        answer_tokens=50,
        tools=(Tool("look", "Looks."),),
        settings={"temperature": 0.2, "of_the_future": True},
    )
    ask(backend(server, headers={"x-team": "doors"}), way, request)
    sent = server.requests[0]
    body = sent.json()
    assert sent.path == "/v2/chat"
    assert KEY in sent.headers["authorization"]
    assert sent.headers["x-team"] == "doors"
    assert body["stream"] is ("stream" in way)
    assert body.pop("of_the_future") is True
    check_chat(body)


def test_one_backend_serves_several_loops_and_threads(server):
    server.always(stream(response()))
    made = backend(server)
    for _ in range(3):
        assert assembled(ask(made, "astream")).finish == "stop"
    assert assembled(made.stream(ASK)).finish == "stop"
    made.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("played_error", "kind", "words"),
    [
        (error("invalid api token", 401), AuthFailed, "memex keys set cohere"),
        (error("not yours", 403), AuthFailed, "memex keys set cohere"),
        (error("You are using a Trial key", 429, **{"retry-after": "7"}), RateLimited, "7 s"),
        (error("internal", 500), Unavailable, "try again"),
        (error("overloaded", 503), Unavailable, "try again"),
        (error("model 'x' not found", 404), BadRequest, "model"),
        (error("invalid request: messages", 400), BadRequest, "messages"),
        (error("tools: wrong", 422), BadRequest, "tools: wrong"),
        (answer("<html>", status=502, headers={"content-type": "text/html"}), Unavailable, "try again"),
        (error("something broke", 200), BackendError, "something broke|not one of Cohere's"),
    ],
)
def test_every_refusal_is_a_typed_error(server, way, played_error, kind, words):
    server.play(played_error)
    with pytest.raises(kind, match=words) as caught:
        ask(backend(server), way)
    assert KEY not in f"{caught.value!r} {getattr(caught.value, '__notes__', '')}"
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_prompt_that_is_too_long_says_how_long_it_may_be(server, way):
    server.play(error("too many tokens: the total number of tokens in the prompt cannot exceed 4081", 400))
    with pytest.raises(ContextOverflow) as caught:
        ask(backend(server), way)
    assert caught.value.limit == 4081


def test_a_passing_failure_is_tried_again(server):
    server.play(error("overloaded", 503), stream(response()))
    found = assembled(ask(backend(server, attempts=2), "stream"))
    assert (found.finish, len(server.requests)) == ("stop", 2)


def begun(whole):
    told = events(whole)
    return [(e["type"], e) for e in told[: next(n for n, e in enumerate(told) if e["type"] == "content-end")]]


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("end", ["whole", "close", "reset"])
def test_a_stream_that_is_cut_is_truncated_and_what_came_is_kept(server, way, end):
    server.play(sse(*begun(response("The door is blue, and old.")), end=end))
    made = backend(server)
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        with pytest.raises((Truncated, Unavailable)):
            turn(thread, way)
        stored = list(thread.messages())
    made.close()
    assert [(m.role, m.status) for m in stored] == [("user", "complete"), ("assistant", "incomplete")]
    assert "The door" in stored[1].text


def turn(thread, way):
    if way == "stream":
        return list(thread.stream("Is it blue?"))

    async def run():
        return [event async for event in thread.astream("Is it blue?")]

    return asyncio.run(run())


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_garbled_chunk_in_the_middle_is_not_skipped(server, way):
    told = [(e["type"], e) for e in events(response())]
    at = next(n for n, (kind, _) in enumerate(told) if kind == "content-delta") + 1
    server.play(sse(*told[:at], b'event: content-delta\ndata: {"type": "content-de\n\n', *told[at:]))
    with pytest.raises(Truncated):
        ask(backend(server), way)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_an_answer_that_fails_in_the_middle_is_typed(server, way):
    failed = {"type": "message-end", "delta": {"error": "the model crashed", "finish_reason": "ERROR"}}
    server.play(sse(*begun(response()), ("message-end", failed)))
    with pytest.raises(BackendError, match="the model crashed"):
        ask(backend(server), way)


@pytest.mark.parametrize("way", WAYS)
def test_a_stalled_answer_meets_its_deadline(server, way):
    server.play(sse(*begun(response()), end="stall") if "stream" in way else sse(end="stall"))
    with pytest.raises(BackendError, match=r"idle|total|timeout"):
        ask(backend(server, idle_timeout=0.3, first_timeout=0.5, timeout=1.0), way)


def test_a_setting_that_a_model_turns_out_to_refuse_is_left_out_once_and_told(server):
    server.play(error("invalid request: thinking is not supported by the specified model", 400))
    server.always(answer(response()))
    request = Request(messages=ASK.messages, answer_tokens=5, settings={"thinking": {"type": "disabled"}})
    first = assembled(ask(backend(server), "generate", request))
    second = assembled(ask(backend(server), "generate", request))
    assert ["thinking" in sent.json() for sent in server.requests] == [True, False, False]
    for found in (first, second):
        assert [name for name, _ in found.extra["cohere:left_out"]] == ["thinking"]


def test_what_is_left_out_is_stored_with_the_answer(server):
    server.play(answer(response()))
    made = backend(server, settings={"seed": 7})
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        reply = memory.thread("t").send("Is it blue?", effort="low")
    made.close()
    assert reply.message.extra["cohere:left_out"] == (("effort", f"{MODEL} does not take it"),)
    assert reply.message.extra["cohere:raw"]["id"] == "c14c80c3"
    assert server.requests[0].json()["seed"] == 7


def test_a_talk_goes_on_with_plans_calls_and_results(server):
    server.play(answer(FULL), answer(response("It is.")))
    made = backend(server)
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        calls = thread.send("Is it blue?", tools=[Tool("look", "Looks.")]).tool_calls
        thread.send([Message.tool(one.id, "blue") for one in calls], tools=[Tool("look", "Looks.")])
    made.close()
    sent = server.requests[1].json()
    check_chat(sent)
    assert sent["messages"][1] == {**FULL["message"], "content": WORDS}


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_is_used_again(server, way, monkeypatch):
    ports = []
    serve = server._serve
    monkeypatch.setattr(server, "_serve", lambda one: (ports.append(one.getpeername()), serve(one)))
    server.always(played(way, response()))
    made = backend(server)

    async def thrice():
        for _ in range(3):
            if way == "agenerate":
                await made.agenerate(ASK)
            else:
                assert [event async for event in made.astream(ASK)]

    if way.startswith("a"):
        asyncio.run(thrice())
    else:
        for _ in range(3):
            assert list(getattr(made, way)(ASK))
    made.close()
    assert len(ports) == 1


def test_an_answer_is_whole_even_if_the_connection_breaks_after_its_last_event(server):
    server.play(stream(response(), end="reset"))
    assert assembled(ask(backend(server), "stream")).finish == "stop"


@pytest.mark.parametrize("way", WAYS)
def test_limits_know_about_what_a_call_costs(server, way):
    server.play(played(way, response()))
    made = backend(server, requests_per_minute=600, tokens_per_minute=100_000)
    assert assembled(ask(made, way)).finish == "stop"


def test_an_answer_is_held_to_a_schema(server):
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
    server.play(answer(response('{"colour":"blue"}')))
    made = backend(server)
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        assert memory.thread("t").send("Which colour?", output=schema).text == '{"colour":"blue"}'
    made.close()
    sent = server.requests[0].json()
    check_chat(sent)
    assert sent["response_format"]["json_schema"]["required"] == ["colour"]


def test_money():
    cost = Cohere("command-r-08-2024").cost(Usage(input_tokens=1_000_000, output_tokens=1_000_000))
    assert (cost.input, cost.output, cost.dated) == (0.15, 0.60, "2026-11-11")
    assert Cohere("command-a-reasoning-08-2025").cost(Usage(input_tokens=5)) is None
    assert Cohere("command-of-the-future").cost(Usage(input_tokens=5)) is None


def test_what_makes_no_sense_is_refused_at_once():
    for settings in ({"colour": "grey"}, {"attempts": 0}):
        with pytest.raises(BadSetting):
            Cohere(MODEL, **settings)
    with pytest.raises(BadSetting, match="which model"):
        Cohere("")


def test_without_a_key_every_place_is_named():
    with pytest.raises(AuthFailed, match="CO_API_KEY"):
        list(Cohere(MODEL).stream(ASK))


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_the_key_shows_nowhere(server, way, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    server.play(played(way, response()), error(f"invalid api token: {KEY}", 401), sse(end="reset"))
    made = backend(server)
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        seen = [repr(made), repr(vars(made))]
        for _ in range(3):
            try:
                seen.append(repr(turn(thread, way)))
            except BackendError as failed:
                seen += [repr(failed), repr(failed.__cause__), str(getattr(failed, "__notes__", ""))]
        seen += [repr(message) for message in thread.messages()]
        write_archive(memory.store, tmp_path / "talks")
    made.close()
    assert KEY not in "".join([*seen, caplog.text])
    assert KEY.encode() not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert KEY in server.requests[0].headers["authorization"]
