"""A real model, if a tiny one that says nothing sensible, behind ``transformers serve``."""

from __future__ import annotations

import asyncio
import warnings

import pytest
import tiny_server
from memex_openai.backend import openai

from memex import BackendError, Memex, Message, Request
from memex.testing import ScratchStore, assembled, check_events

pytestmark = pytest.mark.skipif(
    bool(tiny_server.missing()),
    reason=f"needs {', '.join(tiny_server.missing())}, for transformers serve",
)
HELLO = Request(messages=(Message.user("is the door blue"),), answer_tokens=8)
both = pytest.mark.parametrize("api", ["chat", "responses"])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        tiny_server.make_model(folder)
    with tiny_server.serving(folder) as url:
        yield f"{folder}@{url}"


@both
def test_a_stream_is_the_answer_that_came_whole(served, api):
    backend = openai(served, api=api)
    streamed = assembled(check_events(backend.stream(HELLO)))
    whole = assembled(check_events(backend.generate(HELLO)))
    assert streamed.parts[0].text == whole.parts[0].text
    assert streamed.parts[0].text
    assert streamed.usage == whole.usage
    assert (streamed.usage.input_tokens, streamed.usage.output_tokens) == (22, 8)
    assert streamed.finish == whole.finish
    backend.close()


def test_an_answer_that_is_cut_says_so(served):
    assert assembled(openai(served).stream(HELLO)).finish == "length"


@both
def test_a_conversation(served, api):
    memory = Memex(ScratchStore(), backend=openai(served, api=api), chain=[])
    thread = memory.thread("t")
    first = thread.send("is the door blue", max_tokens=8)
    second = thread.send("the lighthouse", max_tokens=8)
    assert second.usage.input_tokens > first.usage.input_tokens

    async def go_on():
        return [event.text async for event in thread.astream("the door", max_tokens=8)]

    words = "".join(asyncio.run(go_on()))
    assert next(thread.messages(reverse=True)).text == words
    assert [m.role for m in thread.messages()] == ["user", "assistant"] * 3


def test_a_model_that_is_not_there(served):
    where = served.partition("@")[2]
    with pytest.raises(BackendError):
        list(openai(f"nobody/nothing@{where}", attempts=1).stream(HELLO))
