"""The usage of remembered streams: asked for on the caller's behalf, and hidden from one who did not ask."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from memex_openai import remember
from memex_openai.usage_of_streams import without_usage

from memex import Memex
from memex.testing import ScratchStore, WireServer
from memex.testing.wire import SeenRequest, Send, answer, sse

MODEL = "gpt-5.6"
HELLO = [{"role": "user", "content": "Hello"}]
USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
ASKED = {"include_usage": True}


def chunk(delta, finish=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": [choice], **more}  # fmt: skip


def played(request: SeenRequest):
    """Answer as OpenAI does: with null usages and a chunk more where it is asked for."""
    asked = (request.json().get("stream_options") or {}).get("include_usage")
    more = {"usage": None} if asked else {}
    said = [chunk({"role": "assistant", "content": 'Hi, "usage":null'}, **more), chunk({}, "stop", **more)]
    last = [{**chunk({}), "choices": [], "usage": USAGE}] if asked else []
    return sse(*said, *last, "[DONE]")


def strict(field="stream_options", status=400):
    """Return a server that does not know a field."""

    def play(request: SeenRequest):
        if field in request.json():
            text = f"Unknown parameter: '{field}'."
            error = {
                "message": text,
                "type": "invalid_request_error",
                "param": field,
                "code": "unknown_parameter",
            }
            return answer({"error": error}, status=status)
        return played(request)

    return play


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        running.always(played)
        yield running


@pytest.fixture
def memory() -> Iterator[Memex]:
    with Memex(ScratchStore(), chain=[]) as opened:
        yield opened


@pytest.fixture
def plain(server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0) as client:
        yield client


def ask(client, **more):
    return client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, **more)


def usage(memory, thread="t"):
    *_, last = memory.thread(thread).messages()
    assert (last.role, last.status) == ("assistant", "complete")
    return last.usage


def options(server):
    return [request.json().get("stream_options") for request in server.requests]


@pytest.mark.parametrize("given", [{}, {"stream_options": None}, {"stream_options": openai.omit}])
def test_a_caller_who_does_not_ask_gets_what_the_bare_client_gets(plain, memory, server, given):
    got = list(ask(remember(plain, memory), thread="t", **given))
    assert usage(memory).output_tokens == 5
    assert got == (bare := list(ask(plain, **given)))
    assert [one.to_dict() for one in got] == [one.to_dict() for one in bare]
    assert options(server) == [ASKED, None]


def test_bytes_are_those_of_the_bare_client_too(plain, memory):
    def raw(client, **more):
        create = client.chat.completions.with_streaming_response.create
        with create(model=MODEL, messages=HELLO, stream=True, **more) as response:
            return b"".join(response.iter_bytes())

    assert raw(remember(plain, memory), thread="t") == raw(plain)
    assert usage(memory).input_tokens == 20


async def test_an_asynchronous_client_does_the_same(memory, server):
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0) as client:
        got = [one async for one in await ask(remember(client, memory), thread="t")]
        assert [one.to_dict() for one in got] == [one.to_dict() async for one in await ask(client)]
    assert usage(memory).output_tokens == 5


def test_the_sdks_stream_helper_does_the_same(plain, memory):
    def final(client, **more):
        with client.chat.completions.stream(model=MODEL, messages=HELLO, **more) as stream:
            return [event.type for event in stream], stream.get_final_completion()

    assert final(remember(plain, memory), thread="t") == final(plain)
    assert usage(memory).output_tokens == 5


def test_what_the_caller_says_is_sent_and_shown(plain, memory, server):
    client = remember(plain, memory)
    *_, last = ask(client, thread="asked", stream_options=ASKED)
    assert (last.choices, last.usage.total_tokens) == ([], 25)
    got = list(ask(client, thread="refused", stream_options={"include_usage": False}))
    assert [one.usage for one in got] == [None, None]
    assert usage(memory, "refused").output_tokens == 0
    list(ask(client, thread="other", stream_options={"include_obfuscation": False}))
    assert usage(memory, "other").output_tokens == 5
    assert options(server) == [ASKED, {"include_usage": False}, {"include_obfuscation": False, **ASKED}]


def test_a_whole_answer_is_asked_for_as_it_was(plain, memory, server):
    server.play(answer({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"},
                                     "finish_reason": "stop"}]}))  # fmt: skip
    remember(plain, memory).chat.completions.create(model=MODEL, messages=HELLO, thread="t")
    assert options(server) == [None]


def test_a_server_that_refuses_is_asked_again_without_and_known_from_then_on(plain, memory, server):
    server.always(strict())
    client = remember(plain, memory)
    for _ in range(2):
        assert len(list(ask(client, thread="t"))) == 2
    assert options(server) == [ASKED, None, None]
    assert [message.status for message in memory.thread("t").messages()] == ["complete"] * 4


async def test_an_asynchronous_client_learns_it_too(memory, server):
    server.always(strict(status=422))
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0) as client:
        assert len([one async for one in await ask(remember(client, memory), thread="t")]) == 2
    assert options(server) == [ASKED, None]


def test_what_the_caller_asked_for_is_not_taken_back(plain, memory, server):
    server.always(strict())
    with pytest.raises(openai.BadRequestError):
        ask(remember(plain, memory), thread="t", stream_options=ASKED)
    assert options(server) == [ASKED]


def test_another_refusal_is_the_callers(plain, memory, server):
    server.always(strict("seed"))
    with pytest.raises(openai.BadRequestError):
        ask(remember(plain, memory), thread="t", seed=1)
    assert len(server.requests) == 1


def test_a_smaller_window_after_a_refusal(plain, memory, server):
    long = {"error": {"message": "too long", "code": "context_length_exceeded"}}
    server.play(strict(), answer(long, status=400), played)
    thread = memory.thread("t")
    for number in range(6):
        thread.append(
            [{"role": "user", "content": f"{number} " * 200}, {"role": "assistant", "content": "ok"}]
        )
    with pytest.raises(openai.BadRequestError):  # no policy makes the window smaller
        ask(remember(plain, memory), thread="t")
    assert options(server)[:2] == [ASKED, None]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_an_event_in_pieces_is_hidden_as_well(plain, memory, server, size):
    def cut(request):
        data = b"".join(step.data for step in played(request) if isinstance(step, Send))
        ends = [step for step in played(request) if not isinstance(step, Send)]
        return [*(Send(data[at : at + size]) for at in range(0, len(data), size)), *ends]

    server.always(cut)
    got = list(ask(remember(plain, memory), thread="t"))
    assert usage(memory).output_tokens == 5
    assert [one.to_dict() for one in got] == [one.to_dict() for one in ask(plain)]


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        ({"choices": [], "usage": USAGE}, None),
        ({"choices": [{"index": 0}], "usage": USAGE}, True),
        ({"choices": [], "prompt_filter_results": []}, True),
        ({"id": 1, "usage": None, "x": {"id": 2, "usage": None}}, True),
        ({"choices": ['{"a":1,"usage":null}']}, True),
        (["usage"], True),
    ],
)
def test_what_is_seen_of_an_event(event, seen):
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    assert without_usage(data, event) == (data if seen else b"")


def test_a_null_usage_goes_and_words_that_look_like_it_stay():
    event = {"choices": [', "usage": null,'], "usage": None, "id": 1}
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    rest = {"choices": [', "usage": null,'], "id": 1}
    assert without_usage(data, event) == b"data: " + json.dumps(rest).encode() + b"\n\n"
