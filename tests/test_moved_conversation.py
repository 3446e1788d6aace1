"""A conversation that moves between providers in the middle, with tools, thoughts and a picture in it.

Every request is checked strictly against the SDK's own types, and OpenAI's against its published
schema as well where ``MEMEX_OPENAI_SPEC`` names the file. What a provider cannot be sent is listed
in the plan of the turn.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from doubles import evict

from memex import Media, Memex, Message, Text
from memex.testing import ScratchStore
from memex.testing.wire import SeenRequest, WireServer, answer

PLUGINS = Path(__file__).parents[1] / "plugins"
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 16).decode()
KEY = "sk-test-0123456789abcdef0123456789"


def look(where: str) -> str:
    """Look at a place in the harbour.

    Args:
        where: Name of the place.
    """
    return f"The {where} is shut."


def strict(plugin: str, name: str) -> ModuleType:
    """Load what a plugin's own tests check requests with."""
    path = PLUGINS / f"memex-{plugin}" / "tests" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"moved_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- how each provider calls the tool, and then answers -----------------------------------------------


def responses(seen: SeenRequest) -> Any:
    body = seen.json()
    done = any(item.get("type") == "function_call_output" for item in body["input"][-2:])
    said: dict[str, Any] = {
        "id": "msg_2",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Shut.", "annotations": [], "logprobs": []}],
    }
    thought = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "I should look."}],
        "encrypted_content": "gAAAAB-sealed-by-openai",
    }
    called = {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "call_1",
        "name": "look",
        "arguments": '{"where":"door"}',
        "status": "completed",
    }
    return answer(
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": "completed",
            "model": body["model"],
            "output": [said] if done else [thought, called],
            "usage": {
                "input_tokens": 21,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 7,
                "output_tokens_details": {"reasoning_tokens": 3},
                "total_tokens": 28,
            },
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
        }
    )


def chat(seen: SeenRequest) -> Any:
    body = seen.json()
    message: dict[str, Any] = {"role": "assistant", "content": "Still shut.", "refusal": None}
    if body["messages"][-1]["role"] != "tool":
        call = {
            "id": "call_7",
            "type": "function",
            "function": {"name": "look", "arguments": '{"where":"gate"}'},
        }
        message |= {"content": None, "reasoning_content": "Look again.", "tool_calls": [call]}
    finish = "tool_calls" if "tool_calls" in message else "stop"
    return answer(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
            "usage": {"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28},
        }
    )


def anthropic(seen: SeenRequest) -> Any:
    body = seen.json()
    last = body["messages"][-1]["content"]
    done = isinstance(last, list) and any(block["type"] == "tool_result" for block in last)
    content: list[dict[str, Any]] = [{"type": "text", "text": "It is shut, too."}]
    if not done:
        content = [
            {"type": "thinking", "thinking": "Which one?", "signature": "EqQB-signed-by-anthropic"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"where": "window"}},
            {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {"where": "hatch"}},
        ]
    return answer(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": content,
            "stop_reason": "end_turn" if done else "tool_use",
            "stop_sequence": None,
            "usage": {"input_tokens": 21, "output_tokens": 7},
        }
    )


def cohere(seen: SeenRequest) -> Any:
    body = seen.json()
    message: dict[str, Any] = {"role": "assistant", "content": [{"type": "text", "text": "All shut."}]}
    if body["messages"][-1]["role"] != "tool":
        function = {"name": "look", "arguments": '{"where":"cellar"}'}
        message = {
            "role": "assistant",
            "tool_plan": "I will look at the cellar.",
            "tool_calls": [{"id": "look_1", "type": "function", "function": function}],
        }
    return answer(
        {
            "id": "c1",
            "finish_reason": "TOOL_CALL" if "tool_calls" in message else "COMPLETE",
            "message": message,
            "usage": {"tokens": {"input_tokens": 21.0, "output_tokens": 7.0}},
        }
    )


STATIONS: tuple[tuple[str, Mapping[str, Any], Callable[[SeenRequest], Any]], ...] = (
    ("responses", {"use": "openai:gpt-5.6", "api": "responses"}, responses),
    ("anthropic", {"use": "anthropic:claude-opus-4-8"}, anthropic),
    ("cohere", {"use": "cohere:command-a-03-2025"}, cohere),
    ("chat", {"use": "openai:tiny-local", "api": "chat"}, chat),
    ("responses", {"use": "openai:gpt-5.6", "api": "responses"}, responses),
    ("anthropic", {"use": "anthropic:claude-opus-4-8"}, anthropic),
)


def checks() -> dict[str, Callable[[Any], None]]:
    """Return what a request to each provider must pass."""
    openai_types = strict("openai", "sdk_types")
    return {
        "responses": openai_types.check_responses,
        "chat": openai_types.check_chat,
        "anthropic": strict("anthropic", "strict_params").check_params,
        "cohere": strict("cohere", "strict_chat").check_chat,
    }


@pytest.fixture(scope="module")
def moved() -> Iterator[dict[str, Any]]:
    """Have the conversation and return its requests, replies and thread."""
    store = ScratchStore()
    requests: list[tuple[str, SeenRequest]] = []
    replies = []
    picture = Media(kind="image", source="base64", value=PIXEL, media_type="image/png")
    with ExitStack() as stack:
        servers = {station: stack.enter_context(WireServer()) for station, _, _ in STATIONS}
        for number, (station, backend, play) in enumerate(STATIONS):
            server = servers[station].always(play)
            path = "/v1" if station in ("responses", "chat") else ""
            where = {"base_url": f"{server.url}{path}", "api_key": KEY}
            seen_before = len(server.requests)
            with Memex(store, backend={**backend, **where}, chain=[evict], budget=100_000) as memory:
                thread = memory.thread("t")
                if number == 0:
                    thread.append(Message.system("You are the harbour master."))
                asked = Message.user([Text(f"Question {number}: what is shut?"), picture])
                replies.append(thread.send(asked, tools=[look]))
            requests += [(station, seen) for seen in server.requests[seen_before:]]
        with Memex(store, chain=[evict], budget=100_000) as memory:
            yield {"requests": requests, "replies": replies, "thread": memory.thread("t")}


def test_no_request_would_be_refused(moved: dict[str, Any]) -> None:
    check = checks()
    assert [station for station, _ in moved["requests"]] == [
        station for station, _, _ in STATIONS for _ in range(2)
    ]
    for station, seen in moved["requests"]:
        check[station](as_openai_has_it(station, seen))


def as_openai_has_it(station: str, seen: SeenRequest) -> Any:
    """Return a request without the thoughts that one's own server gets back, a field that OpenAI lacks."""
    body = seen.json()
    for message in body["messages"] if station == "chat" else ():
        message.pop("reasoning_content", None)
    return body


def test_every_answer_and_every_result_is_there_once(moved: dict[str, Any]) -> None:
    roles = [message.role for message in moved["thread"].messages()]
    assert roles == ["system"] + ["user", "assistant", "tool", "assistant"] * len(STATIONS)
    assert [reply.text for reply in moved["replies"]] == [
        "Shut.",
        "It is shut, too.",
        "All shut.",
        "Still shut.",
        "Shut.",
        "It is shut, too.",
    ]


def test_what_is_bound_to_a_model_goes_back_to_it_alone(moved: dict[str, Any]) -> None:
    sealed = {"gAAAAB-sealed-by-openai": "responses", "EqQB-signed-by-anthropic": "anthropic"}
    for secret, home in sealed.items():
        holding = [station for station, seen in moved["requests"] if secret in seen.body.decode()]
        assert set(holding) == {home}
        assert len(holding) == 3, (
            "in the second call of its own turn, and in both of the turn after the move back"
        )


def test_the_plan_lists_what_was_left_out(moved: dict[str, Any]) -> None:
    # A model of a server of one's own is named with the server: "bound to openai:gpt-5.6@127.0.0.1:...".
    left = [[part.why.partition("@")[0] for part in reply.plan.left_out] for reply in moved["replies"]]
    openai, claude = "bound to openai:gpt-5.6", "bound to anthropic:claude-opus-4-8"
    assert [set(whys) for whys in left] == [
        set(),
        {openai},
        {openai, claude},
        {openai, claude},
        {claude},
        {openai},
    ]


def test_the_picture_is_sent_to_whoever_sees_pictures(moved: dict[str, Any]) -> None:
    for station, seen in moved["requests"]:
        assert (PIXEL in seen.body.decode()) or station == "cohere"


@pytest.mark.skipif(
    "MEMEX_OPENAI_SPEC" not in os.environ, reason="MEMEX_OPENAI_SPEC names no openai-openapi.yaml"
)
def test_openai_s_published_schema_allows_every_request(moved: dict[str, Any]) -> None:
    published = strict("openai", "published_schema")
    for station, seen in moved["requests"]:
        if station in ("responses", "chat"):
            body = as_openai_has_it(station, seen)
            assert published.problems(station, body, os.environ["MEMEX_OPENAI_SPEC"]) == []
