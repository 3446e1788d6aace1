"""remember(): an AsyncOpenAI client whose calls are remembered."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import openai
import pydantic
import pytest
from memex_openai import remember, turn_of

from memex import Memex, MissingThread
from memex.testing import ScratchStore, WireServer
from memex.testing.wire import answer, sse

MODEL = "gpt-5.6"


def completion(text, finish="stop"):
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}


def chunks(*words, finish="stop"):
    parts = [({"content": word}, None) for word in words] + ([({}, finish)] if finish else [])
    return [
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
         "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in parts
    ]  # fmt: skip


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def memory() -> Iterator[Memex]:
    with Memex(ScratchStore(), chain=[]) as opened:
        yield opened


@pytest.fixture
async def plain(server) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0) as client:
        yield client


@pytest.fixture
async def client(plain, memory):
    return remember(plain, memory)


def said(words):
    return {"model": MODEL, "messages": [{"role": "user", "content": words}], "thread": "t"}


def log(memory):
    return [(m.role, m.text, m.status) for m in memory.thread("t").messages()]


async def test_a_call(client, memory, server):
    server.play(answer(completion("Mara.")))
    got = await client.chat.completions.create(**said("Who?"))
    assert type(got) is openai.types.chat.ChatCompletion
    assert turn_of(got).reply.text == "Mara."
    assert log(memory) == [("user", "Who?", "complete"), ("assistant", "Mara.", "complete")]


async def test_no_thread(client, server):
    with pytest.raises(MissingThread):
        await client.chat.completions.create(**said("Who?") | {"thread": None})
    assert not server.requests


async def test_many_calls_at_once_in_threads_of_their_own(client, memory, server):
    server.always(lambda request: answer(completion(request.json()["messages"][-1]["content"] + "!")))
    asked = [client.chat.completions.create(**said(f"{n}") | {"thread": f"t{n}"}) for n in range(8)]
    await asyncio.gather(*asked)
    for n in range(8):
        assert [m.text for m in memory.thread(f"t{n}").messages()] == [f"{n}", f"{n}!"]


async def test_a_stream(client, memory, server):
    server.play(sse(*chunks("Ma", "ra"), "[DONE]"))
    stream = await client.chat.completions.create(**said("Who?"), stream=True)
    assert type(stream) is openai.AsyncStream
    assert len([part async for part in stream]) == 3
    assert log(memory)[-1] == ("assistant", "Mara", "complete")


@pytest.mark.parametrize("how", ["with", "close", "drop"])
async def test_leaving_a_stream_early(client, memory, server, how):
    server.play(sse(*chunks("One", " two"), end="stall"))
    stream = await client.chat.completions.create(**said("Count"), stream=True)
    if how == "with":
        async with stream:
            await anext(stream)
    else:
        await anext(stream)
        if how == "close":
            await stream.close()
    del stream
    gc.collect()
    for _ in range(6_000):  # a dropped generator is closed by the loop, in a task of its own
        if len(log(memory)) == 2:
            break
        await asyncio.sleep(0.01)
    assert log(memory)[-1] == ("assistant", "One", "incomplete")


async def test_a_cancelled_task_keeps_what_came(client, memory, server):
    server.play(sse(*chunks("One", " two", finish=None), end="stall"))
    came = asyncio.Event()

    async def read():
        async for part in await client.chat.completions.create(**said("Count"), stream=True):
            if part.choices[0].delta.content == " two":
                came.set()

    task = asyncio.create_task(read())
    await came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log(memory) == [("user", "Count", "complete"), ("assistant", "One two", "incomplete")]


async def test_a_call_that_is_cancelled_before_its_answer_is_asked_again(client, memory, server):
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stall(_request):
        loop.call_soon_threadsafe(arrived.set)
        return sse(end="stall")

    server.play(stall, answer(completion("Now.")))
    task = asyncio.create_task(client.chat.completions.create(**said("When?")))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.chat.completions.create(**said("When?"))
    assert log(memory) == [("user", "When?", "complete"), ("assistant", "Now.", "complete")]


async def test_the_stream_helper(client, memory, server):
    server.play(sse(*chunks("Ma", "ra"), "[DONE]"))
    async with client.chat.completions.stream(**said("Who?")) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == "Mara"
    assert turn_of(stream).reply.text == "Mara"
    assert log(memory)[-1] == ("assistant", "Mara", "complete")


async def test_leaving_the_stream_helper_early(client, memory, server):
    server.play(sse(*chunks("Ma", "ra"), end="stall"))
    async with client.chat.completions.stream(**said("Who?")) as stream:
        async for event in stream:
            if event.type == "content.delta":
                break
    assert log(memory)[-1] == ("assistant", "Ma", "incomplete")


class Person(pydantic.BaseModel):
    name: str


async def test_parse(client, memory, server):
    server.play(answer(completion('{"name": "Mara"}')))
    got = await client.chat.completions.parse(**said("Who?"), response_format=Person)
    assert got.choices[0].message.parsed == Person(name="Mara")
    assert len(log(memory)) == 2


async def test_raw_and_streaming_responses(client, memory, server):
    server.always(answer(completion("Hi.")))
    raw = await client.chat.completions.with_raw_response.create(**said("One"))
    assert raw.parse().choices[0].message.content == "Hi."
    async with client.chat.completions.with_streaming_response.create(**said("Two")) as response:
        assert (await response.parse()).choices[0].message.content == "Hi."
    assert [role for role, _, _ in log(memory)] == ["user", "assistant"] * 2


async def test_failures(client, memory, server):
    server.play(
        answer({"error": {"message": "busy"}}, status=503), sse(*chunks("One", finish=None), end="reset")
    )
    with pytest.raises(openai.InternalServerError):
        await client.chat.completions.create(**said("Count"))
    with pytest.raises(openai.APIConnectionError):
        async for _ in await client.chat.completions.create(**said("Count"), stream=True):
            pass
    assert log(memory) == [("user", "Count", "complete"), ("assistant", "One", "incomplete")]


async def test_as_a_context_manager(server, memory):
    async with remember(openai.AsyncOpenAI(base_url=server.url, api_key="key"), memory) as client:
        assert isinstance(client, openai.AsyncOpenAI)
    assert client.is_closed()
