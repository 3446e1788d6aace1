"""remember(): an Anthropic client whose calls are remembered, against a server at the socket."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Iterator

import anthropic
import claude
import httpx2
import pydantic
import pytest
from claude import MODEL, error, events, text, thinking, tool_use
from memex_anthropic import remember, turn_of

from memex import BadSetting, Memex, MissingThread, UnknownThread
from memex.testing import ScratchStore, WireServer
from memex.testing.wire import answer, sse


def message(*blocks, **more):
    """Return a message that cost about what it looks like: reports correct the estimate."""
    usage = {
        "input_tokens": 20,
        "output_tokens": 25,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
    }
    return claude.message(*blocks, usage=usage, **more)


def user(content):
    return {"role": "user", "content": content}


def said(content):
    return {"role": "assistant", "content": content}


def streamed(whole, *, upto=None, **how):
    return sse(*[(event["type"], event) for event in events(whole)[:upto]], **how)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def memory() -> Iterator[Memex]:
    with Memex(ScratchStore(), chain=[]) as opened:
        yield opened


@pytest.fixture
def plain(server) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="key", max_retries=0) as client:
        yield client


@pytest.fixture
def client(plain, memory):
    return remember(plain, memory)


@pytest.fixture
async def aplain(server) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="key", max_retries=0) as client:
        yield client


@pytest.fixture
async def aclient(aplain, memory):
    return remember(aplain, memory)


def asked(*messages, thread="t", **more):
    return {"model": MODEL, "max_tokens": 100, "messages": list(messages), "thread": thread, **more}


def ask(client, *messages, **more):
    return client.messages.create(**asked(*messages, **more))


def log(memory, thread="t"):
    return [(m.role, m.text, m.status) for m in memory.thread(thread).messages()]


def sent(server, at=-1):
    return server.requests[at].json()


# -- what is stored, what is sent, what comes back ---------------------------------------------------


def test_a_call_is_remembered_and_the_answer_is_the_sdks_own(client, plain, memory, server):
    server.always(answer(message(thinking(), text()), headers={"request-id": "req_7"}))
    got = ask(client, user("Which colour?"), system="You are brief.", metadata={"user_id": "me"})
    assert type(got) is anthropic.types.Message
    assert (got.content[-1].text, got._request_id) == ("The door is blue.", "req_7")
    assert got == plain.messages.create(
        model=MODEL, max_tokens=100, messages=[user("Which colour?")], system="You are brief."
    )
    assert sent(server, 0) == {
        "model": MODEL,
        "max_tokens": 100,
        "system": "You are brief.",
        "messages": [user("Which colour?")],
        "metadata": {"user_id": "me"},
    }
    assert [role for role, _, _ in log(memory)] == ["system", "user", "assistant"]
    *_, last = memory.thread("t").messages()
    assert (last.usage.input_tokens, last.usage.output_tokens) == (20, 25)
    assert last.parts[0].signature


def test_what_is_stored_equals_what_the_backend_stores(client, server, plain, memory):
    from memex_anthropic.backend import Anthropic

    whole = message(thinking(), text(), tool_use(), stop="tool_use")
    server.play(answer(whole), streamed(whole), streamed(whole))
    ask(client, user("Look"), thread="whole")
    list(ask(client, user("Look"), thread="streamed", stream=True))
    backend = Anthropic(MODEL, base_url=server.url, api_key="key")
    with Memex(memory.store, chain=[], backend=backend) as other:
        list(other.thread("backend").stream("Look"))
    backend.close()
    stored = [list(memory.thread(name).messages())[-1] for name in ("whole", "streamed", "backend")]
    assert len({m.parts for m in stored}) == 1
    assert len({m.origin for m in stored}) == 1
    assert len({m.usage for m in stored}) == 1


def test_a_caller_that_holds_the_history_stores_each_message_once(client, memory, server):
    history = []
    for number in range(3):
        history.append(user(f"Question {number}"))
        server.play(answer(message(thinking(), text("Yes."))))
        history.append(said(ask(client, *history, system="Be brief.").content))  # the SDK's own blocks
    assert [role for role, _, _ in log(memory)] == ["system", *["user", "assistant"] * 3]
    assert sent(server)["system"] == "Be brief."
    assert sent(server)["messages"][1]["content"][0]["type"] == "thinking"


def test_only_the_new_message_is_enough(client, memory, server):
    server.always(answer(message(text("Yes."))))
    for number in range(3):
        ask(client, user(f"Question {number}"), system="Be brief.")
    assert [m["role"] for m in sent(server)["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert [role for role, _, _ in log(memory)].count("system") == 1


def test_system_text_with_other_words_each_time_is_sent_as_it_is_now(client, memory, server):
    server.always(answer(message(text("Yes."))))
    for day in range(1, 5):
        ask(client, user(f"Is it day {day}?"), system=f"Today is day {day}.")
        body = sent(server)  # the first one stands before everything, later ones where they were sent
        within = [m["content"] for m in body["messages"] if m["role"] == "system"]
        assert [*([body["system"]] if "system" in body else []), *within] == [f"Today is day {day}."]
        assert len(body["messages"]) - len(within) == 2 * day - 1
    assert [role for role, _, _ in log(memory)].count("system") == 4


@pytest.mark.parametrize("whole_history", [False, True])
def test_two_parallel_tool_results(client, memory, server, whole_history):
    tools = [{"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}]
    server.play(
        answer(message(tool_use("toolu_1"), tool_use("toolu_2"), stop="tool_use")),
        answer(message(text("Both."))),
        answer(message(text("Sure."))),
    )
    history = [user("Look twice")]
    got = ask(client, *history, tools=tools)
    results = [{"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": "blue"} for n in (1, 2)]
    history += [said(got.content), user([*results, {"type": "text", "text": "And?"}])]
    got = ask(client, *(history if whole_history else history[-1:]), tools=tools)
    assert [m["role"] for m in sent(server)["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in sent(server)["messages"][2]["content"]] == [
        "tool_result",
        "tool_result",
        "text",
    ]
    history += [said(got.content), user("Sure?")]
    ask(client, *(history if whole_history else history[-1:]), tools=tools)
    roles = [role for role, _, _ in log(memory)]
    assert roles == ["user", "assistant", "tool", "tool", "user", "assistant", "user", "assistant"]
    assert memory.thread("t").plan().tools > 0


def test_old_breakpoints_do_not_add_up(client, server):
    marked = {"type": "ephemeral"}
    for number in range(7):
        server.play(answer(message(text("Yes."))))
        block = {"type": "text", "text": f"Question {number}", "cache_control": marked}
        ask(client, user([block]), system=[{"type": "text", "text": "Be brief.", "cache_control": marked}])
    assert str(sent(server)).count("cache_control") == 4
    assert sent(server)["messages"][-1]["content"][0]["cache_control"] == marked
    server.play(answer(message(text("Yes."))))
    tools = [{"name": "look", "input_schema": {"type": "object"}, "cache_control": marked}]
    ask(client, user("Last"), tools=tools, cache_control=marked)
    assert str(sent(server)).count("cache_control") == 4


def test_files_and_iterables_are_read_once(client, memory, server, tmp_path):
    picture = tmp_path / "dot.png"
    picture.write_bytes(b"\x89PNG...")
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}}
    server.play(answer(message(text("A dot."))))
    client.messages.create(
        model=MODEL,
        max_tokens=9,
        thread="t",
        messages=(m for m in [user([block, {"type": "text", "text": "?"}])]),
    )
    assert sent(server)["messages"][0]["content"][0]["source"]["data"] == "iVBORy4uLg=="
    assert len(log(memory)) == 2


# -- which thread ------------------------------------------------------------------------------------


def test_which_thread(client, plain, memory, server):
    server.always(answer(message(text("Hi."))))
    with pytest.raises(MissingThread):
        ask(client, user("Hello"), thread=None)
    with pytest.raises(UnknownThread):
        ask(remember(plain, memory, on_unknown="error"), user("Hello"), thread="nobody")
    assert not server.requests
    got = ask(remember(plain, memory, on_missing="new"), user("Hello"), thread=None)
    assert [info.id for info in memory.threads()] == [turn_of(got).thread.id]
    ask(remember(plain, memory, thread="always"), user("Hello"), thread=None)
    assert len(log(memory, "always")) == 2
    with pytest.raises(BadSetting):
        remember(object(), memory)


# -- streams -----------------------------------------------------------------------------------------


def test_a_stream(client, memory, server):
    server.play(streamed(message(text("The door is blue."))))
    stream = ask(client, user("Which?"), stream=True)
    assert type(stream) is anthropic.Stream
    kinds = [event.type for event in stream]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert log(memory) == [("user", "Which?", "complete"), ("assistant", "The door is blue.", "complete")]
    assert turn_of(stream).reply.usage.output_tokens == 25


def test_the_stream_helper(client, memory, server):
    server.play(streamed(message(text("The door is blue."))))
    with client.messages.stream(**asked(user("Which?"))) as stream:
        words = "".join(stream.text_stream)
        assert words == stream.get_final_message().content[0].text == "The door is blue."
    assert turn_of(stream).reply.text == words
    assert len(log(memory)) == 2


@pytest.mark.parametrize("how", ["helper", "with", "close", "drop"])
def test_leaving_a_stream_early(client, memory, server, how):
    server.play(streamed(message(text("The door is blue.")), upto=4, end="stall"))
    if how == "helper":
        with client.messages.stream(**asked(user("Which?"))) as stream:
            next(stream.text_stream)
    else:
        stream = ask(client, user("Which?"), stream=True)
        for event in stream:
            if event.type == "content_block_delta":
                break
        if how == "with":
            stream.__exit__(None, None, None)
        elif how == "close":
            stream.close()
        del event
    del stream
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "memex-abandoned-answer":
            thread.join()
    role, words, status = log(memory)[-1]
    assert (role, status) == ("assistant", "incomplete")
    assert "The door is blue.".startswith(words)


def test_length_is_incomplete(client, memory, server):
    server.play(answer(message(text("The"), stop="max_tokens")))
    ask(client, user("Which?"))
    assert log(memory)[-1] == ("assistant", "The", "incomplete")


# -- faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_call_is_retried_without_doubling(client, memory, server, stream):
    server.play(error("overloaded_error", "busy", 529), answer(message(text("Now."))))
    with pytest.raises(anthropic.APIStatusError):
        ask(client, user("When?"), stream=stream)
    assert log(memory) == [("user", "When?", "complete")]
    ask(client, user("When?"))
    assert log(memory) == [("user", "When?", "complete"), ("assistant", "Now.", "complete")]
    assert sent(server)["messages"] == [user("When?")]


@pytest.mark.parametrize("how", [{"end": "reset"}, {"end": "close"}, {"framing": "close"}])
def test_a_stream_that_breaks(client, memory, server, how):
    server.play(streamed(message(text("The door is blue.")), upto=4, **how), answer(message(text("Blue."))))
    broken = (
        contextlib.nullcontext()
        if "framing" in how
        else pytest.raises((httpx2.TransportError, anthropic.APIError))
    )
    with broken:  # as the bare SDK does
        list(ask(client, user("Which?"), stream=True))
    role, words, status = log(memory)[-1]
    assert (role, status) == ("assistant", "incomplete")
    ask(client, user("Which?"))
    assert [text for _, text, _ in log(memory)] == ["Which?", words, "Blue."]


def test_an_error_in_the_stream(client, memory, server):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    parts = [(event["type"], event) for event in events(message(text("The door is blue.")))[:4]]
    server.play(sse(*parts, ("error", overloaded)))
    with pytest.raises(anthropic.APIStatusError):
        list(ask(client, user("Which?"), stream=True))
    assert log(memory)[-1][2] == "incomplete"


# -- the other methods --------------------------------------------------------------------------------


class Door(pydantic.BaseModel):
    colour: str


def test_parse(client, memory, server):
    server.play(answer(message(text('{"colour": "blue"}'))), answer(message(text("blue"))))
    got = client.messages.parse(**asked(user("Which?")), output_format=Door)
    assert got.parsed_output == Door(colour="blue")
    assert log(memory)[-1][2] == "complete"
    with pytest.raises(pydantic.ValidationError):
        client.messages.parse(**asked(user("And now?")), output_format=Door)
    assert log(memory)[-1] == ("assistant", "blue", "incomplete")


def test_raw_and_streaming_responses_and_options(client, memory, server):
    server.always(answer(message(text("Hi.")), headers={"x-mine": "1"}))
    raw = client.messages.with_raw_response.create(**asked(user("One")))
    assert (raw.headers["x-mine"], raw.parse().content[0].text) == ("1", "Hi.")
    assert turn_of(raw).reply.text == "Hi."
    with client.messages.with_streaming_response.create(**asked(user("Two"))) as response:
        assert response.parse().content[0].text == "Hi."
    with client.messages.with_streaming_response.create(**asked(user("Three"))) as response:
        assert list(response.iter_lines())
    ask(client.with_options(default_headers={"x-other": "2"}), user("Four"))
    assert server.requests[-1].headers["x-other"] == "2"
    client.with_raw_response.messages.create(**asked(user("Five")))
    assert [role for role, _, _ in log(memory)] == ["user", "assistant"] * 5


def test_everything_else_is_the_clients_own(client, plain):
    assert isinstance(client, anthropic.Anthropic)
    assert client.beta is plain.beta
    assert client.models is plain.models
    assert client.messages.batches is plain.messages.batches
    assert client.messages.count_tokens == plain.messages.count_tokens


# -- asyncio -----------------------------------------------------------------------------------------


async def test_asynchronous_calls(aclient, memory, server):
    server.play(
        answer(message(text("One."))),
        streamed(message(text("Two."))),
        streamed(message(text("Three."))),
        answer(message(text('{"colour": "blue"}'))),
        answer(message(text("Five."))),
        answer(message(text("Six."))),
    )
    got = await aclient.messages.create(**asked(user("1")))
    assert turn_of(got).reply.text == "One."
    async for _ in await aclient.messages.create(**asked(user("2"), stream=True)):
        pass
    async with aclient.messages.stream(**asked(user("3"))) as stream:
        assert await stream.get_final_text() == "Three."
    assert (
        await aclient.messages.parse(**asked(user("4")), output_format=Door)
    ).parsed_output.colour == "blue"
    raw = await aclient.messages.with_raw_response.create(**asked(user("5")))
    assert (await raw.parse()).content[0].text == "Five."
    async with aclient.messages.with_streaming_response.create(**asked(user("6"))) as response:
        assert (await response.parse()).content[0].text == "Six."
    assert [role for role, _, _ in log(memory)] == ["user", "assistant"] * 6
    assert {status for _, _, status in log(memory)} == {"complete"}


async def test_leaving_an_asynchronous_stream_early(aclient, memory, server):
    server.always(streamed(message(text("The door is blue.")), upto=4, end="stall"))
    async with aclient.messages.stream(**asked(user("Which?"))) as stream:
        await anext(stream.text_stream)
    assert log(memory)[-1][2] == "incomplete"

    started = asyncio.Event()

    async def read():
        async for event in await aclient.messages.create(**asked(user("And?"), stream=True)):
            if event.type == "content_block_delta":
                started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log(memory)[-1][2] == "incomplete"
    assert len(log(memory)) == 4


@pytest.mark.parametrize("begun", ["The door is", "The door is "])
def test_an_answer_that_the_caller_began_may_come_back_as_one_message(server, memory, client, begun):
    rest = "blue." if begun.endswith(" ") else " blue."
    server.play(*(answer(message(text(words))) for words in (rest, "Yes.", "Never.")))
    ask = {"model": MODEL, "max_tokens": 50, "thread": "t"}
    history = [user("Which colour?"), said(begun)]
    client.messages.create(messages=history, **ask)
    history = [history[0], said(begun + rest), user("Sure?")]
    client.messages.create(messages=history, **ask)
    client.messages.create(messages=[*history, said("Yes."), user("And green?")], **ask)
    stored = [one.text for one in memory.thread("t").messages()]
    assert stored == ["Which colour?", begun, rest, "Sure?", "Yes.", "And green?", "Never."]
    sent = server.requests[1].json()["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "user"]
