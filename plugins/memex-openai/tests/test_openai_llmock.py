"""Against llmock, a server of somebody else's that speaks both of OpenAI's APIs."""

from __future__ import annotations

import asyncio

import pytest
from memex_openai.backend import openai

from memex import ContextOverflow, Memex, Message, RateLimited, Text, Tool, ToolResult, Truncated, Unavailable
from memex.testing import BackendContract, ScratchStore

pytest.importorskip("llmock", reason="needs llmock: memex-openai[test]")
both = pytest.mark.parametrize("api", ["chat", "responses"])
LOOK = Tool("look", "Looks it up.", {"type": "object", "properties": {"where": {"type": "string"}}})


def backend(llmock, api="chat", **settings):
    wire = {"base_url": llmock.base_url("openai"), "api_key": "sk-llmock-0123456789", "preset": "openai"}
    return openai("gpt-4o", api=api, **(wire | settings))


def thread(llmock, api, **settings):
    return Memex(ScratchStore(), backend=backend(llmock, api, **settings), chain=[]).thread("t")


class TestLLMockChat(BackendContract):
    api = "chat"

    @pytest.fixture(autouse=True)
    def _server(self, llmock):
        self.llmock = llmock

    def make_backend(self):
        return backend(self.llmock, self.api)

    def make_failing_backend(self):
        self.llmock.outage(status=401)
        return self.make_backend()

    def test_an_answer_that_is_too_long_says_so(self):
        """llmock looks at no limit; the server that the other contract runs against does."""
        self.llmock.add(_reply("One", finish_reason="length"))
        super().test_an_answer_that_is_too_long_says_so()


class TestLLMockResponses(TestLLMockChat):
    api = "responses"
    deterministic = False  # the ids of its items are new each time, and kept with the text


def _reply(text, **fields):
    from llmock.scenarios import Reply

    return Reply(text, **fields)


@both
def test_a_tool_is_called_and_its_result_goes_back(llmock, api):
    talk = thread(llmock, api)
    reply = talk.send("What is at the pier?", tools=[LOOK])
    (call,) = reply.tool_calls
    assert (call.name, reply.finish) == ("look", "tool_calls")
    result = Message(role="tool", parts=(ToolResult(call.id, (Text("A boat."),), name="look"),))
    assert talk.send(result, tools=[LOOK]).text


@both
def test_a_broken_call_is_kept_as_it_came(llmock, api):
    llmock.break_tool_call("malformed_arguments")
    (call,) = thread(llmock, api).send("What is at the pier?", tools=[LOOK]).tool_calls
    assert call.parsed is None
    assert call.arguments


@both
def test_rate_limits_are_waited_for_as_the_provider_asks(llmock, api):
    llmock.rate_limit(times=2, retry_after=0.2)
    assert thread(llmock, api).send("Hello?").text
    llmock.assert_resilient(strict=True)


@both
@pytest.mark.parametrize("fault", ["truncate", "disconnect", "corrupt"])
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_broken_stream_is_no_answer(llmock, api, fault, way):
    getattr(llmock, fault)(after_chunks=6)
    talk = thread(llmock, api)

    async def read():
        return [event async for event in talk.astream("Tell me about the harbour.")]

    with pytest.raises((Truncated, Unavailable)):
        list(talk.stream("Tell me about the harbour.")) if way == "stream" else asyncio.run(read())
    last = next(talk.messages(reverse=True))
    assert (last.role, last.status) == ("assistant", "incomplete")


@both
def test_a_prompt_that_is_too_long_says_so(llmock, api):
    llmock.context_overflow(times=None)
    with pytest.raises(ContextOverflow):
        thread(llmock, api).send("Hello?")
    llmock.reset()
    llmock.fail(429, times=None)
    with pytest.raises(RateLimited):
        thread(llmock, api, attempts=1).send("Hello?")


@both
def test_a_schema_is_followed(llmock, api):
    from memex import Request
    from memex.testing import assembled

    schema = {"type": "object", "properties": {"door": {"type": "string"}}, "required": ["door"]}
    request = Request(messages=(Message.user("The door?"),), answer_tokens=99, schema=schema)
    (text,) = assembled(backend(llmock, api).stream(request)).parts
    assert "door" in text.text
    assert text.text.startswith("{")


def test_vectors(llmock):
    from memex_openai.embedder import openai_embedder

    made = openai_embedder(
        base_url=llmock.base_url("openai"), preset="openai", api_key="sk-llmock-0123456789"
    )
    one, two = made.embed(["door", "pier"])
    assert len(one) == len(two) == made.dimension == 1536
