"""What a Claude says over the wire: whole messages, and the same as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memex.testing.wire import Behaviour, answer, sse

MODEL = "claude-opus-5"
USAGE = {
    "input_tokens": 6,
    "cache_creation_input_tokens": 4,
    "cache_read_input_tokens": 5,
    "output_tokens": 25,
    "output_tokens_details": {"thinking_tokens": 7},
}


def text(words: str = "The door is blue.", **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def thinking(words: str = "Blue, I think.", signature: str = "c2lnbmVk") -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool_use(call: str = "toolu_1", name: str = "look", value: Any = None) -> dict[str, Any]:
    return {"type": "tool_use", "id": call, "name": name, "input": {"at": "door"} if value is None else value}


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "doors"}}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [
        {
            "type": "web_search_result",
            "url": "https://example.org",
            "title": "Doors",
            "encrypted_content": "c2VhbGVk",
            "page_age": None,
        }
    ],
}
CITED = text(
    "The grass is green",
    citations=[
        {
            "type": "char_location",
            "cited_text": "green grass",
            "document_index": 0,
            "document_title": "Grass",
            "start_char_index": 0,
            "end_char_index": 11,
        }
    ],
)


def message(*blocks: Mapping[str, Any], stop: str = "end_turn", **fields: Any) -> dict[str, Any]:
    """Return a whole message."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(blocks or [text()]),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }


def events(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events that stream a message, as the API cuts it up."""
    start = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    start.pop("stop_details", None)
    told = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(whole["content"]):
        told += [{**event, "index": index} for event in _of_a_block(block)]
    delta = {name: whole.get(name) for name in ("stop_reason", "stop_sequence", "stop_details")}
    delta = {name: value for name, value in delta.items() if value is not None or name != "stop_details"}
    return [
        *told,
        {"type": "message_delta", "delta": delta, "usage": whole["usage"]},
        {"type": "message_stop"},
    ]


def _of_a_block(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    grows = {"text": "text", "thinking": "thinking"}.get(block["type"])
    empty = dict(block)
    deltas: list[dict[str, Any]] = []
    if grows:
        words = empty.pop(grows)
        empty = {"type": block["type"], grows: ""}
        deltas = [{"type": f"{grows}_delta", grows: piece} for piece in _pieces(words)]
        deltas += [{"type": "citations_delta", "citation": one} for one in block.get("citations") or ()]
    if "signature" in block:
        empty["signature"] = ""
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    if "input" in block:
        empty["input"] = {}
        deltas = [
            {"type": "input_json_delta", "partial_json": piece}
            for piece in _pieces(json.dumps(block["input"]))
        ]
    yield {"type": "content_block_start", "content_block": empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "delta": delta}
    yield {"type": "content_block_stop"}


def _pieces(words: str, size: int = 5) -> list[str]:
    return [words[at : at + size] for at in range(0, len(words), size)]


def stream(whole: Mapping[str, Any] | Sequence[Mapping[str, Any]], **how: Any) -> Behaviour:
    """Return the behaviour of a server that streams a message, or these events."""
    told = events(whole) if isinstance(whole, Mapping) else whole
    return sse(*((event["type"], event) for event in told), **how)


def error(kind: str, words: str, status: int, **headers: str) -> Behaviour:
    """Return the behaviour of a server that refuses."""
    body = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
    return answer(body, status=status, headers=headers)
