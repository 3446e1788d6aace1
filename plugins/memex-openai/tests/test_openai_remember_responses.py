"""remember(): the Responses API of an OpenAI client."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pydantic
import pytest
from memex_openai import remember, turn_of

from memex import BadSetting, Memex
from memex.testing import ScratchStore, WireServer
from memex.testing.wire import answer, sse

MODEL = "gpt-5.6"


def spoken(text, number=1):
    return {
        "type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }  # fmt: skip


def thought(number=1):
    return {"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": "c2VjcmV0"}


def called(number, name="look"):
    return {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": name,
            "arguments": '{"at": "door"}', "status": "completed"}  # fmt: skip


def response(*items, status="completed", **more):
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": MODEL,
        "status": status,
        "output": list(items),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25, **details},
        **more,
    }


def events(*words):
    at = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    item = spoken("".join(words))
    empty = {**item, "content": [], "status": "in_progress"}
    told = [
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        {
            "type": "response.content_part.added",
            **at,
            "part": {"type": "output_text", "text": "", "annotations": []},
        },
        *({"type": "response.output_text.delta", **at, "delta": word, "logprobs": []} for word in words),
        {"type": "response.output_text.done", **at, "text": "".join(words), "logprobs": []},
        {"type": "response.content_part.done", **at, "part": item["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response(item)},
    ]
    return [(event["type"], {**event, "sequence_number": number}) for number, event in enumerate(told)]


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def memory() -> Iterator[Memex]:
    with Memex(ScratchStore(), chain=[]) as opened:
        yield opened


@pytest.fixture
def client(server, memory) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0) as client:
        yield remember(client, memory)


def ask(client, given, **more):
    return client.responses.create(model=MODEL, input=given, thread="t", **more)


def log(memory):
    return [(m.role, m.text, m.status) for m in memory.thread("t").messages()]


def sent(server):
    return server.requests[-1].json()


def test_a_text_and_instructions_every_turn(client, memory, server):
    for number in range(3):
        server.play(answer(response(spoken(f"Answer {number}", number))))
        got = ask(client, f"Question {number}", instructions="Be brief.", temperature=0.2)
        assert type(got) is openai.types.responses.Response
        assert got.output_text == f"Answer {number}"
    assert [role for role, _, _ in log(memory)] == ["system", *["user", "assistant"] * 3]
    assert sent(server)["instructions"] == "Be brief."
    assert [item["role"] for item in sent(server)["input"]] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert sent(server)["temperature"] == 0.2


def test_a_caller_that_holds_the_items(client, memory, server):
    history = [{"role": "user", "content": "Look twice"}]
    server.play(answer(response(thought(), called(1), called(2))), answer(response(spoken("Blue."))))
    history += ask(client, history).output  # the SDK's own objects
    history += [{"type": "function_call_output", "call_id": f"call_{n}", "output": "blue"} for n in (1, 2)]
    ask(
        client,
        history,
        tools=[{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}],
    )
    kinds = [item.get("type", item.get("role")) for item in sent(server)["input"]]
    assert kinds == ["user", "reasoning", "function_call", "function_call", *["function_call_output"] * 2]
    assert sent(server)["input"][1]["encrypted_content"] == "c2VjcmV0"
    assert [role for role, _, _ in log(memory)] == ["user", "assistant", "tool", "tool", "assistant"]
    assert memory.thread("t").plan().tools > 0


def test_a_stream(client, memory, server):
    server.play(sse(*events("Bl", "ue.")))
    stream = ask(client, "Which?", stream=True)
    assert [event.type for event in stream][-1] == "response.completed"
    assert log(memory) == [("user", "Which?", "complete"), ("assistant", "Blue.", "complete")]
    assert turn_of(stream).reply.usage.output_tokens == 5


def test_the_stream_helper(client, memory, server):
    server.play(sse(*events("Bl", "ue.")))
    with client.responses.stream(model=MODEL, input="Which?", thread="t") as stream:
        assert stream.get_final_response().output_text == "Blue."
    assert turn_of(stream).reply.text == "Blue."
    assert len(log(memory)) == 2


def test_a_stream_that_breaks_and_is_asked_again(client, memory, server):
    server.play(sse(*events("Bl", "ue.")[:4], end="reset"), answer(response(spoken("Blue."))))
    with pytest.raises(openai.APIConnectionError):
        list(ask(client, "Which?", stream=True))
    assert log(memory)[-1] == ("assistant", "Bl", "incomplete")
    ask(client, "Which?")
    assert [text for _, text, _ in log(memory)] == ["Which?", "Bl", "Blue."]


class Door(pydantic.BaseModel):
    colour: str


def test_parse(client, memory, server):
    server.play(answer(response(spoken('{"colour": "blue"}'))))
    got = client.responses.parse(model=MODEL, input="Which?", text_format=Door, thread="t")
    assert got.output_parsed == Door(colour="blue")
    assert log(memory)[-1] == ("assistant", '{"colour": "blue"}', "complete")


def test_a_response_that_was_cut_or_failed(client, memory, server):
    cut = response(spoken("Bl"), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    failed = response(status="failed", error={"code": "server_error", "message": "sorry"})
    server.play(answer(cut), answer(failed), answer(response(spoken("Blue."))))
    ask(client, "Which?")
    assert log(memory)[-1] == ("assistant", "Bl", "incomplete")
    got = ask(client, "Which?")  # the SDK raises nothing
    assert got.status == "failed"
    assert turn_of(got).error is not None
    ask(client, "Which?")
    assert [text for _, text, _ in log(memory)] == ["Which?", "Bl", "Blue."]


@pytest.mark.parametrize(
    "setting", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"background": True}]
)
def test_a_conversation_that_openai_keeps_is_refused(client, memory, server, setting):
    with pytest.raises(BadSetting, match=next(iter(setting))):
        ask(client, "Which?", **setting)
    assert not server.requests
    assert not list(memory.threads())


def test_other_methods_are_the_clients_own(client, server):
    server.play(answer(response(spoken("Blue."))))
    assert client.responses.retrieve("resp_1").output_text == "Blue."
    assert server.requests[0].method == "GET"
