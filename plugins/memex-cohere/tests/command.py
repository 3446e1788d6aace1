"""What a Command model says over the wire: whole responses, and the same as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memex.testing.wire import Behaviour, answer, sse

MODEL = "command-a-03-2025"
USAGE = {
    "billed_units": {"input_tokens": 10.0, "output_tokens": 25.0},
    "tokens": {"input_tokens": 20.0, "output_tokens": 27.0},
    "cached_tokens": 12.0,
}
WORDS = "The door is blue."


def call(number: int = 1, name: str = "look", arguments: str = '{"at": "door"}') -> dict[str, Any]:
    return {"id": f"look_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


CITATION = {
    "start": 12,
    "end": 16,
    "text": "blue",
    "sources": [{"type": "document", "id": "doc:0", "document": {"id": "doc:0", "text": "blue"}}],
    "content_index": 0,
    "type": "TEXT_CONTENT",
}


def response(
    words: str | None = WORDS,
    *,
    thought: str = "",
    plan: str = "",
    calls: Sequence[Mapping[str, Any]] = (),
    citations: Sequence[Mapping[str, Any]] = (),
    finish: str = "COMPLETE",
) -> dict[str, Any]:
    """Return a whole response."""
    content = [{"type": "thinking", "thinking": thought}] if thought else []
    content += [] if words is None else [{"type": "text", "text": words}]
    message: dict[str, Any] = {"role": "assistant"}
    message |= {"content": content} if content else {}
    message |= {"tool_plan": plan} if plan else {}
    message |= {"tool_calls": list(calls)} if calls else {}
    message |= {"citations": list(citations)} if citations else {}
    return {"id": "c14c80c3", "finish_reason": finish, "message": message, "usage": USAGE}


def events(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events that stream a response, as the API cuts it up."""
    return list(_events(whole))


def _events(whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    message = whole["message"]
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"type": "message-start", "id": whole["id"], "delta": {"message": empty}}
    content = list(enumerate(message.get("content", ())))
    for index, block in content:
        if block["type"] == "thinking":
            yield from _block(index, block)
    for piece in _pieces(message.get("tool_plan", "")):
        yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
    for index, block in content:
        if block["type"] != "thinking":
            yield from _block(index, block)
    for index, citation in enumerate(message.get("citations", ())):
        yield {"type": "citation-start", "index": index, "delta": {"message": {"citations": citation}}}
        yield {"type": "citation-end", "index": index}
    for index, one in enumerate(message.get("tool_calls", ())):
        begun = {**one, "function": {"name": one["function"]["name"], "arguments": ""}}
        yield {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": begun}}}
        for piece in _pieces(one["function"]["arguments"]):
            delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
            yield {"type": "tool-call-delta", "index": index, "delta": delta}
        yield {"type": "tool-call-end", "index": index}
    delta = {"finish_reason": whole["finish_reason"], "usage": whole["usage"]}
    yield {"type": "message-end", "id": whole["id"], "delta": delta}


def _block(index: int, block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    kind = block["type"]
    begun = {"type": kind, kind: ""} if kind in ("text", "thinking") else block
    yield {"type": "content-start", "index": index, "delta": {"message": {"content": begun}}}
    for piece in _pieces(str(block.get(kind, ""))):
        yield {"type": "content-delta", "index": index, "delta": {"message": {"content": {kind: piece}}}}
    yield {"type": "content-end", "index": index}


def _pieces(words: str, size: int = 5) -> list[str]:
    return [words[at : at + size] for at in range(0, len(words), size)]


def stream(whole: Mapping[str, Any] | Sequence[Mapping[str, Any]], **how: Any) -> Behaviour:
    """Return the behaviour of a server that streams a response, or these events."""
    told = events(whole) if isinstance(whole, Mapping) else whole
    return sse(*((event["type"], event) for event in told), **how)


def error(words: str, status: int, **headers: str) -> Behaviour:
    """Return the behaviour of a server that refuses."""
    return answer({"id": "e1", "message": words}, status=status, headers=headers)
