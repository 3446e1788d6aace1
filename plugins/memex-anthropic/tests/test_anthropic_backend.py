"""The backend against a real server at the socket: four ways to call, one answer."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from claude import CITED, FOUND, MODEL, SEARCH, error, message, stream, text, thinking, tool_use
from memex_anthropic.backend import Anthropic
from strict_params import check_params

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
    ToolCall,
    Truncated,
    Unavailable,
    Usage,
    write_archive,
)
from memex.testing import ScratchStore, assembled
from memex.testing.wire import WireServer, answer, sse

KEY = "sk-ant-canary-0123456789abcdef"
WAYS = ["stream", "generate", "astream", "agenerate"]
ASK = Request(messages=(Message.user("Is the door blue?"),), answer_tokens=500)


@pytest.fixture
def server():
    with WireServer() as running:
        yield running
        assert running.unexpected == []


def backend(server, model=MODEL, **settings):
    settings = {"api_key": KEY, "attempts": 1, **settings}
    return Anthropic(model, base_url=server.url, **settings)


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


def played(way, whole, **how):
    return stream(whole, **how) if "stream" in way else answer(whole)


FULL = message(
    thinking(), CITED, text(" and blue."), SEARCH, FOUND, tool_use(), tool_use("toolu_2"), stop="tool_use"
)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_answer(server, way):
    server.play(played(way, FULL), stream(FULL))
    found, other = assembled(ask(backend(server), way)), assembled(ask(backend(server), "stream"))
    assert (found.parts, found.usage, found.finish) == (other.parts, other.usage, other.finish)
    assert (found.response_id, found.model) == ("msg_1", MODEL)
    assert len(found.parts) == 8


@pytest.mark.parametrize("way", WAYS)
def test_what_is_sent_is_what_the_api_takes(server, way):
    server.play(played(way, message()))
    request = Request(
        messages=(Message.system("Be brief."), *ASK.messages),
        answer_tokens=50,
        tools=(Tool("look", "Looks."),),
    )
    ask(backend(server, headers={"x-team": "doors"}), way, request)
    sent = server.requests[0]
    assert sent.path == "/v1/messages"
    assert KEY in sent.headers["authorization"]
    assert sent.headers["x-team"] == "doors"
    assert sent.json().get("stream", False) is ("stream" in way)
    check_params({name: value for name, value in sent.json().items() if name != "stream"})


def test_a_long_answer_is_streamed_even_if_nobody_reads_along(server):
    server.play(stream(message()), stream(message()))
    for way in ("generate", "agenerate"):
        ask(backend(server), way, Request(messages=ASK.messages, answer_tokens=60_000))
    assert [request.json()["stream"] for request in server.requests] == [True, True]


def test_one_backend_serves_several_loops_and_threads(server):
    server.always(stream(message()))
    made = backend(server)
    for _ in range(3):
        assert assembled(ask(made, "astream")).finish == "stop"
    assert assembled(made.stream(ASK)).finish == "stop"
    made.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("played_error", "kind", "words"),
    [
        (error("authentication_error", "invalid x-api-key", 401), AuthFailed, "memex keys set anthropic"),
        (error("permission_error", "not yours", 403), AuthFailed, "memex keys set anthropic"),
        (error("rate_limit_error", "slow down", 429, **{"retry-after": "7"}), RateLimited, "7 s"),
        (error("overloaded_error", "Overloaded", 529), Unavailable, "try again"),
        (error("api_error", "Internal", 500), Unavailable, "try again"),
        (error("billing_error", "no credit", 402), BadRequest, "billing"),
        (error("not_found_error", "model: claude-x", 404), BadRequest, "model"),
        (error("invalid_request_error", "messages: bad", 400), BadRequest, "messages: bad"),
        (error("overloaded_error", "Overloaded", 200), Unavailable, "try again"),
        (
            answer("<html>no</html>", status=502, headers={"content-type": "text/html"}),
            Unavailable,
            "try again",
        ),
    ],
)
def test_every_refusal_is_a_typed_error(server, way, played_error, kind, words):
    server.play(played_error)
    with pytest.raises(kind, match=words) as caught:
        ask(backend(server), way)
    assert (
        KEY not in f"{caught.value!r} {caught.value.__notes__ if hasattr(caught.value, '__notes__') else ''}"
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_prompt_that_is_too_long_says_how_long_it_may_be(server, way):
    words = "prompt is too long: 1204800 tokens > 1000000 maximum"
    server.play(error("invalid_request_error", words, 400))
    with pytest.raises(ContextOverflow) as caught:
        ask(backend(server), way)
    assert caught.value.limit == 1_000_000


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_an_error_inside_the_stream_is_typed(server, way):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    begun = [("message_start", {"type": "message_start", "message": message()})]
    server.play(sse(*begun, ("error", overloaded)))
    with pytest.raises(Unavailable, match="Overloaded"):
        ask(backend(server), way)


def test_an_error_before_the_first_word_is_tried_again(server):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    server.play(sse(("error", overloaded)), error("overloaded_error", "Overloaded", 529), stream(message()))
    found = assembled(ask(backend(server, attempts=3), "stream"))
    assert (found.finish, len(server.requests)) == ("stop", 3)


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("end", ["whole", "close", "reset"])
def test_a_stream_that_is_cut_is_truncated_and_what_came_is_kept(server, way, end):
    cut = [(e["type"], e) for e in _events_until_text(message(text("The door is blue, and old.")))]
    server.play(sse(*cut, end=end))
    with Memex(ScratchStore(), backend=backend(server), chain=[]) as memory:
        thread = memory.thread("t")
        with pytest.raises(BackendError) as caught:
            _turn(thread, way)
        assert isinstance(caught.value, Truncated | Unavailable)
        stored = list(thread.messages())
    assert [(m.role, m.status) for m in stored] == [("user", "complete"), ("assistant", "incomplete")]
    assert "The door" in stored[1].text


def _events_until_text(whole):
    from claude import events

    told = events(whole)
    return told[: next(n for n, e in enumerate(told) if e["type"] == "content_block_stop")]


def _turn(thread, way):
    if way == "stream":
        return list(thread.stream("Is it blue?"))

    async def run():
        return [event async for event in thread.astream("Is it blue?")]

    return asyncio.run(run())


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_garbled_chunk_is_truncated(server, way):
    cut = [(e["type"], e) for e in _events_until_text(message())]
    server.play(sse(*cut, b'event: content_block_delta\ndata: {"type": "cont\n\n'))
    with pytest.raises(Truncated):
        ask(backend(server), way)


@pytest.mark.parametrize("way", WAYS)
def test_a_stalled_answer_meets_its_deadline(server, way):
    cut = [(e["type"], e) for e in _events_until_text(message())]
    server.play(sse(*cut, end="stall") if "stream" in way else sse(end="stall"))
    with pytest.raises(BackendError, match=r"idle|total|timeout"):
        ask(backend(server, idle_timeout=0.3, first_timeout=0.5, timeout=1.0), way)


def test_a_setting_that_a_model_turns_out_to_refuse_is_left_out_once_and_told(server):
    server.play(error("invalid_request_error", "output_config.effort: Extra inputs are not permitted", 400))
    server.always(answer(message()))
    request = Request(messages=ASK.messages, answer_tokens=5, settings={"effort": "low"})
    first = assembled(ask(backend(server), "generate", request))
    second = assembled(ask(backend(server), "generate", request))
    assert ["output_config" in sent.json() for sent in server.requests] == [True, False, False]
    for found in (first, second):
        assert [name for name, _ in found.extra["anthropic:left_out"]] == ["effort"]


@pytest.mark.parametrize(
    ("words", "talk", "look"),
    [
        (
            "Requests which include `tool_use` or `tool_result` blocks must define tools",
            [
                Message.user("Look."),
                Message.assistant([ToolCall("1", "look", "{}")]),
                Message.tool("1", "blue"),
            ],
            lambda body: bool(body.get("tools")),
        ),
        (
            'messages: first message must use the "user" role',
            [Message.assistant("It was blue."), Message.user("And now?")],
            lambda body: body["messages"][0]["role"] == "user",
        ),
    ],
)
def test_what_a_server_turns_out_to_want_it_gets(server, words, talk, look):
    server.play(error("invalid_request_error", words, 400)).always(answer(message()))
    request = Request(messages=tuple(talk), answer_tokens=5)
    for _ in range(2):
        assert assembled(ask(backend(server), "generate", request)).finish == "stop"
    assert [look(sent.json()) for sent in server.requests] == [False, True, True]


def test_diagnostics_that_a_server_does_not_know_are_left_out(server):
    server.play(error("invalid_request_error", "diagnostics: Extra inputs are not permitted", 400))
    server.play(answer(message()))
    assert assembled(ask(backend(server), "generate")).finish == "stop"
    assert "diagnostics" not in server.requests[1].json()


def test_what_is_left_out_is_stored_with_the_answer(server):
    server.play(answer(message()))
    with Memex(ScratchStore(), backend=backend(server), chain=[]) as memory:
        reply = memory.thread("t").send("Is it blue?", temperature=0.3)
    assert reply.message.extra["anthropic:left_out"] == (("temperature", f"{MODEL} does not take it"),)
    assert reply.message.extra["anthropic:raw"]["id"] == "msg_1"


def test_settings_of_the_backend_and_of_the_call(server):
    server.always(answer(message()))
    made = backend(server, settings={"effort": "high", "service_tier": "auto"})
    ask(made, "generate", Request(messages=ASK.messages, answer_tokens=5, settings={"effort": "low"}))
    sent = server.requests[0].json()
    assert (sent["output_config"], sent["service_tier"]) == ({"effort": "low"}, "auto")


def test_a_model_on_another_server_is_named_with_its_address(server):
    server.play(answer(message()))
    made = Anthropic(f"kimi-k3@{server.url}", api_key=KEY)
    assert made.model == "kimi-k3"
    assert ask(made, "generate")


def test_a_talk_goes_on_with_thoughts_calls_and_results(server):
    server.play(answer(FULL), answer(message(text("It is."))))
    with Memex(ScratchStore(), backend=backend(server), chain=[]) as memory:
        thread = memory.thread("t")
        calls = thread.send("Is it blue?", tools=[Tool("look", "Looks.")]).tool_calls
        thread.send([Message.tool(call.id, "blue") for call in calls], tools=[Tool("look", "Looks.")])
    sent = server.requests[1].json()
    check_params(sent)
    assert [block["type"] for block in sent["messages"][1]["content"]] == [b["type"] for b in FULL["content"]]
    assert sent["diagnostics"] == {"previous_message_id": "msg_1"}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_pauses_is_one_answer(server, way):
    server.play(played(way, message(SEARCH, stop="pause_turn")), played(way, message(FOUND, text("Blue."))))
    found = assembled(ask(backend(server), way))
    assert (found.finish, len(found.parts), found.usage.output_tokens) == ("stop", 3, 50)
    sent = server.requests[1].json()
    check_params({name: value for name, value in sent.items() if name != "stream"})
    assert sent["messages"][-1] == {"role": "assistant", "content": [SEARCH]}


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_is_used_again(server, way, monkeypatch):
    ports = []
    serve = server._serve
    monkeypatch.setattr(server, "_serve", lambda one: (ports.append(one.getpeername()), serve(one)))
    server.always(played(way, message()))
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
    server.play(stream(message(), end="reset"))
    assert assembled(ask(backend(server), "stream")).finish == "stop"


def test_an_answer_is_held_to_a_schema_and_functions_are_run(server):
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
    server.play(
        answer(message(text('{"colour":"blue"}'))),
        stream(message(tool_use(), tool_use("toolu_2"), stop="tool_use")),
        stream(message(text("It is."))),
    )

    def look(at: str) -> str:
        """Look at a thing."""
        return f"{at}: blue"

    made = backend(server)
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        reply = thread.send("Which colour?", output=schema)
        assert "".join(event.text for event in thread.stream("Look.", tools=[look])) == "It is."
    made.close()
    assert reply.cost.total > 0
    bodies = [sent.json() for sent in server.requests]
    assert bodies[0]["output_config"]["format"]["schema"]["required"] == ["colour"]
    assert [block["content"] for block in bodies[2]["messages"][-1]["content"]] == ["door: blue"] * 2
    for body in bodies:
        check_params({name: value for name, value in body.items() if name != "stream"})


@pytest.mark.parametrize("way", WAYS)
def test_limits_know_about_what_a_call_costs(server, way):
    server.play(played(way, message()))
    made = backend(server, requests_per_minute=600, tokens_per_minute=100_000)
    assert assembled(ask(made, way)).finish == "stop"


def test_an_answer_with_citations_reads_as_it_was_streamed(server):
    server.play(stream(message(text("We know: "), CITED, text(" in spring."))))
    made = backend(server)
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        words = "".join(event.text for event in thread.stream("What is green?"))
        assert next(thread.messages(reverse=True)).text == words == "We know: The grass is green in spring."
    made.close()


def test_money():
    kinds = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    usage = Usage(**dict.fromkeys(kinds, 1_000_000))
    cost = Anthropic("claude-opus-5").cost(usage)
    assert (cost.input, cost.cache_read, cost.cache_write, cost.output) == (5.0, 0.5, 6.25, 25.0)
    assert Anthropic("claude-opus-5", cache="1h").cost(usage).cache_write == 10.0
    assert Anthropic("claude-of-the-future").cost(usage) is None
    small = Usage(input_tokens=100_000)
    assert Anthropic("claude-haiku-5-5").cost(small).input == pytest.approx(0.01)
    assert Anthropic("claude-haiku-5-5").cost(Usage(input_tokens=200_000)).input == pytest.approx(0.10)


def test_what_makes_no_sense_is_refused_at_once():
    for settings in ({"cache": "2h"}, {"colour": "grey"}, {"attempts": 0}):
        with pytest.raises(BadSetting):
            Anthropic(MODEL, **settings)
    with pytest.raises(BadSetting, match="which model"):
        Anthropic("")


def test_without_a_key_every_place_is_named():
    with pytest.raises(AuthFailed, match="ANTHROPIC_API_KEY"):
        list(Anthropic(MODEL).stream(ASK))


@pytest.mark.parametrize("way", WAYS)
def test_the_key_shows_nowhere(server, way, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    echo = error("authentication_error", f"invalid x-api-key: {KEY}", 401)
    server.play(played(way, message()), echo, sse(end="reset"))
    made = backend(server)
    with Memex(ScratchStore(), backend=made, chain=[]) as memory:
        thread = memory.thread("t")
        seen = [repr(made), repr(vars(made))]
        for _ in range(3):
            try:
                seen.append(repr(_turn(thread, "astream" if way.startswith("a") else "stream")))
            except BackendError as failed:
                seen += [repr(failed), repr(failed.__cause__), str(getattr(failed, "__notes__", ""))]
        seen += [repr(message) for message in thread.messages()]
        write_archive(memory.store, tmp_path / "talks")
    seen.append(caplog.text)
    assert KEY not in "".join(seen)
    assert KEY.encode() not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert json.dumps(server.requests[0].headers).count(KEY) == 1
