"""A model that is played: what it says, in the words of both of OpenAI's APIs, whole and in pieces."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from memex_openai.backend import OpenAIBackend, openai

from memex.testing.wire import Behaviour, SeenRequest, WireServer, answer, sse

MODEL = "gpt-5"
OPENED: list[OpenAIBackend] = []
"""The backends of a test, for its end: a garbage collector would leave their connections open."""


class Said(msgspec.Struct, kw_only=True):
    """What the model says, in neither API's words."""

    text: str = "The lighthouse door is blue, and it was painted in spring."
    thought: str = ""
    encrypted: str = ""
    calls: list[tuple[str, str, str]] = []
    refusal: str = ""
    finish: str = "stop"
    usage: tuple[int, int] = (40, 12)
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    items: list[dict[str, Any]] = []
    fields: dict[str, Any] = {}
    diagnostics: dict[str, Any] | None = None


class PlayedModel:
    """Answers every request with ``said``, cut to the length that was asked for."""

    def __init__(self, said: Said | None = None) -> None:
        self.said = said or Said()
        self.server: WireServer | None = None

    def __call__(self, request: SeenRequest) -> Behaviour:
        body = request.json()
        said = self.said
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or body.get("max_output_tokens")
        if limit and limit < said.usage[1]:
            words = pieces(said.text)[:limit]
            said = msgspec.structs.replace(said, text="".join(words), finish="length", usage=(40, limit))
        if request.path.endswith("/responses"):
            return sse(*response_events(said)) if body.get("stream") else answer(response_whole(said))
        usage = (body.get("stream_options") or {}).get("include_usage")
        return (
            sse(*chat_chunks(said, usage=usage), "[DONE]") if body.get("stream") else answer(chat_whole(said))
        )

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The requests that came."""
        assert self.server is not None
        return [request.json() for request in self.server.requests]

    @property
    def body(self) -> dict[str, Any]:
        """The newest request."""
        return self.bodies[-1]

    def backend(self, api: str = "chat", model: str = MODEL, **settings: Any) -> OpenAIBackend:
        """Return a backend that talks to it."""
        assert self.server is not None
        return backend_at(self.server, api, model, **settings)


def backend_at(server: WireServer, api: str = "chat", model: str = MODEL, **settings: Any) -> OpenAIBackend:
    """Return a backend for a server, in OpenAI's own dialect and without long waits."""
    wire = {"api_key": "sk-test-0123456789abcdef", "base_url": f"{server.url}/v1", "attempts": 1}
    OPENED.append(openai(model, preset="openai", api=api, **(wire | settings)))  # type: ignore[arg-type]
    return OPENED[-1]


def pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


# -- Chat Completions ------------------------------------------------------------------------------


def chat_usage(said: Said) -> dict[str, Any]:
    prompt, output = said.usage
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": said.cached, "cache_write_tokens": said.written},
        "completion_tokens_details": {"reasoning_tokens": said.reasoning},
    }


def chat_chunks(said: Said, *, usage: bool | None = True) -> list[dict[str, Any]]:
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": f"{MODEL}-2025-08-07",
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    chunks = [chunk({"role": "assistant", "content": "", "refusal": None})]
    chunks += [chunk({"reasoning_content": piece}) for piece in pieces(said.thought)]
    chunks += [chunk({"content": piece}) for piece in pieces(said.text)]
    chunks += [chunk({"refusal": piece}) for piece in pieces(said.refusal)]
    for index, (call, name, arguments) in enumerate(said.calls):
        function = {"name": name, "arguments": ""}
        chunks.append(
            chunk({"tool_calls": [{"index": index, "id": call, "type": "function", "function": function}]})
        )
        for start in range(0, len(arguments), 5):
            piece = {"index": index, "function": {"arguments": arguments[start : start + 5]}}
            chunks.append(chunk({"tool_calls": [piece]}))
    if said.fields:
        chunks.append(chunk(said.fields))
    chunks.append(chunk({}, chat_finish(said)))
    return [*chunks, {**head, "choices": [], "usage": chat_usage(said)}] if usage else chunks


def chat_finish(said: Said) -> str:
    return "tool_calls" if said.calls and said.finish == "stop" else said.finish


def chat_whole(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": said.text or None,
        "refusal": said.refusal or None,
    }
    if said.thought:
        message["reasoning_content"] = said.thought
    if said.calls:
        message["tool_calls"] = [
            {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call, name, arguments in said.calls
        ]
    message |= said.fields
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": chat_finish(said)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{MODEL}-2025-08-07",
        "choices": [choice],
        "usage": chat_usage(said),
    }


# -- Responses -------------------------------------------------------------------------------------


def output_items(said: Said) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if said.thought or said.encrypted:
        summary = [{"type": "summary_text", "text": said.thought}] if said.thought else []
        items.append(
            {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": said.encrypted}
        )
    items += said.items
    content: list[dict[str, Any]] = []
    if said.text:
        content.append({"type": "output_text", "text": said.text, "annotations": [], "logprobs": []})
    if said.refusal:
        content.append({"type": "refusal", "refusal": said.refusal})
    if content:
        status = "completed" if said.finish == "stop" else "incomplete"
        message = {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": status,
            "phase": "final_answer",
        }
        items.append({**message, "content": content})
    for number, (call, name, arguments) in enumerate(said.calls):
        what = {"type": "function_call", "id": f"fc_{number}", "call_id": call, "status": "completed"}
        items.append({**what, "name": name, "arguments": arguments})
    return items


def response_whole(said: Said, *, status: str = "", output: bool = True) -> dict[str, Any]:
    prompt, tokens = said.usage
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(said.finish)
    done = status in ("", "completed", "incomplete")
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": f"{MODEL}-2025-08-07",
        "status": status or ("incomplete" if cut else "completed"),
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": None,
        "output": output_items(said) if output else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "store": False,
        "prompt_cache_diagnostics": said.diagnostics,
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": said.cached, "cache_write_tokens": said.written},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": said.reasoning},
            "total_tokens": prompt + tokens,
        }
        if done
        else None,
    }


def response_events(said: Said) -> list[tuple[str, dict[str, Any]]]:
    events: list[tuple[str, dict[str, Any]]] = []

    def add(kind: str, **fields: Any) -> None:
        events.append((kind, {"type": kind, "sequence_number": len(events), **fields}))

    add("response.created", response=response_whole(said, status="in_progress", output=False))
    add("response.in_progress", response=response_whole(said, status="in_progress", output=False))
    for index, item in enumerate(output_items(said)):
        place = {"output_index": index, "item_id": item.get("id")}
        add("response.output_item.added", output_index=index, item={**item, "content": [], "summary": []})
        _item_events(add, item, place)
        add("response.output_item.done", output_index=index, item=item)
    whole = response_whole(said)
    add(f"response.{whole['status']}", response=whole)
    return events


def _item_events(add: Any, item: dict[str, Any], place: dict[str, Any]) -> None:
    if item["type"] == "reasoning":
        for number, part in enumerate(item["summary"]):
            where = {**place, "summary_index": number}
            add("response.reasoning_summary_part.added", **where, part={"type": "summary_text", "text": ""})
            for piece in pieces(part["text"]):
                add("response.reasoning_summary_text.delta", **where, delta=piece)
            add("response.reasoning_summary_text.done", **where, text=part["text"])
    elif item["type"] == "message":
        for number, block in enumerate(item["content"]):
            where = {**place, "content_index": number}
            kind, field = (
                ("output_text", "text") if block["type"] == "output_text" else ("refusal", "refusal")
            )
            add("response.content_part.added", **where, part={**block, field: ""})
            for piece in pieces(block[field]):
                add(f"response.{kind}.delta", **where, delta=piece)
            add(f"response.{kind}.done", **where, **{field: block[field]})
            add("response.content_part.done", **where, part=block)
    elif item["type"] == "function_call":
        for start in range(0, len(item["arguments"]), 5):
            piece = item["arguments"][start : start + 5]
            add("response.function_call_arguments.delta", **place, delta=piece)
        add("response.function_call_arguments.done", **place, arguments=item["arguments"])


def sent_text(server: WireServer) -> str:
    return json.dumps([request.json() for request in server.requests], ensure_ascii=False)
