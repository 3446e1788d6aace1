"""How the providers write one and the same answer: whole, as a stream, and the errors they give."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from memex.testing.wire import Behaviour, Close, Reset, Send, Stall, answer, sse

WORDS = ("The keys ", "hang behind ", "the door.")
TEXT = "".join(WORDS)
LIMIT = 4_000
TOO_LONG = {
    "openai": f"This model's maximum context length is {LIMIT} tokens. However, your messages resulted "
    "in 9000 tokens.",
    "anthropic": f"prompt is too long: 9000 tokens > {LIMIT} maximum",
    "cohere": f"too many tokens: total number of tokens in the prompt cannot exceed {LIMIT} - received 9000.",
}

Chunk = Any
End = str


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One provider's way of answering.

    Attributes:
        name: What the table calls it.
        provider: The backend's name.
        path: What follows the server's address.
        settings: More settings of the backend.
        body: The whole answer.
        chunks: The answer as a stream, begun with the first word at ``first``.
        first: How many chunks there are up to the first word.
        error: The body of an error: ``(kind, sentence)``.
        stream_error: The chunk that tells of an error inside a stream.
        corrupt: A chunk that cannot be read.
    """

    name: str
    provider: str
    path: str
    body: Mapping[str, Any]
    chunks: Sequence[Chunk]
    first: int
    error: Callable[[str, str], dict[str, Any]]
    stream_error: Chunk
    corrupt: Chunk
    settings: Mapping[str, Any] = {}

    def backend(self, url: str, **settings: Any) -> dict[str, Any]:
        """Return the settings of a backend that asks the server at ``url``."""
        where = {"base_url": f"{url}{self.path}", "api_key": "sk-test-0123456789abcdef0123456789"}
        return {"use": f"{self.provider}:test-model", **where, **self.settings, **settings}

    def good(self, *, streamed: bool) -> Behaviour:
        """Answer as one should."""
        return sse(*self.chunks) if streamed else answer(self.body)

    def cut(self, end: Any, *, streamed: bool) -> Behaviour:
        """Begin to answer, and end in the middle: ``reset``, ``close`` or ``stall``."""
        if streamed:
            return sse(*self.chunks[: self.first], end=end)
        data = json.dumps(self.body).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        ends = {"reset": Reset(), "close": Close(), "stall": Stall()}
        return [Send(head.encode() + data[: len(data) // 2]), ends[end]]

    def garbled(self, *, streamed: bool) -> Behaviour:
        """Answer with what cannot be read, in the middle of a stream or whole."""
        if streamed:
            return sse(*self.chunks[: self.first], self.corrupt, *self.chunks[self.first :])
        return answer(json.dumps(self.body)[:-9])

    def failing(self, *, streamed: bool) -> Behaviour:
        """Tell of an error in the middle of a stream; whole, as a page of a proxy."""
        if streamed:
            return sse(*self.chunks[: self.first], self.stream_error)
        page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
        return answer(page, status=502, headers={"content-type": "text/html"})

    def refusing(self, status: int, kind: str, sentence: str, **headers: str) -> Behaviour:
        """Answer with an error of this status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return answer(self.error(kind, sentence), status=status, headers=named)

    @property
    def too_long(self) -> str:
        """The sentence with which it refuses a prompt that is too long."""
        return TOO_LONG[self.provider]


def _chat_chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {**_CHAT_HEAD, "object": "chat.completion.chunk", "choices": [choice], **more}


_CHAT_HEAD = {"id": "chatcmpl-1", "created": 1_790_000_000, "model": "test-model"}
_CHAT_USAGE = {"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28}
CHAT = Wire(
    name="OpenAI Chat",
    provider="openai",
    path="/v1",
    settings={"api": "chat"},
    body={
        **_CHAT_HEAD,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": _CHAT_USAGE,
    },
    chunks=[
        _chat_chunk({"role": "assistant", "content": ""}),
        *(_chat_chunk({"content": word}) for word in WORDS),
        _chat_chunk({}, "stop"),
        {**_CHAT_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _CHAT_USAGE},
        "[DONE]",
    ],
    first=2,
    error=lambda kind, text: {"error": {"message": text, "type": kind, "param": None, "code": kind}},
    stream_error={"error": {"message": "The server had an error", "type": "server_error", "code": None}},
    corrupt='{"id": "chatcmpl-1", "choices": [{',
)


def _response(status: str, output: Sequence[Any], usage: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "model": "test-model",
        "output": list(output),
        "usage": usage,
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


_OUTPUT = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}],
}
_RESPONSES_USAGE = {
    "input_tokens": 21,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 28,
}
_EMPTY = {**_OUTPUT, "status": "in_progress", "content": []}
_AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


def _numbered(*events: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(event["type"], {**event, "sequence_number": n}) for n, event in enumerate(events)]


RESPONSES = Wire(
    name="OpenAI Responses",
    provider="openai",
    path="/v1",
    settings={"api": "responses"},
    body=_response("completed", [_OUTPUT], _RESPONSES_USAGE),
    chunks=_numbered(
        {"type": "response.created", "response": _response("in_progress", [], None)},
        {"type": "response.output_item.added", "output_index": 0, "item": _EMPTY},
        {
            "type": "response.content_part.added",
            **_AT,
            "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
        },
        *({"type": "response.output_text.delta", **_AT, "delta": word, "logprobs": []} for word in WORDS),
        {"type": "response.output_text.done", **_AT, "text": TEXT, "logprobs": []},
        {"type": "response.content_part.done", **_AT, "part": _OUTPUT["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": _OUTPUT},
        {"type": "response.completed", "response": _response("completed", [_OUTPUT], _RESPONSES_USAGE)},
    ),
    first=4,
    error=CHAT.error,
    stream_error=(
        "error",
        {
            "type": "error",
            "code": "server_error",
            "message": "The server had an error",
            "param": None,
            "sequence_number": 9,
        },
    ),
    corrupt=b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", \n\n',
)

_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "test-model"}
_INDEX = {"index": 0}
ANTHROPIC = Wire(
    name="Anthropic",
    provider="anthropic",
    path="",
    body={
        **_MESSAGE,
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 21, "output_tokens": 7},
    },
    chunks=[
        (event["type"], event)
        for event in (
            {
                "type": "message_start",
                "message": {
                    **_MESSAGE,
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": {"input_tokens": 21, "output_tokens": 1},
                },
            },
            {"type": "content_block_start", **_INDEX, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", **_INDEX, "delta": {"type": "text_delta", "text": word}}
                for word in WORDS
            ),
            {"type": "content_block_stop", **_INDEX},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 7},
            },
            {"type": "message_stop"},
        )
    ],
    first=3,
    error=lambda kind, text: {"type": "error", "error": {"type": kind, "message": text}},
    stream_error=(
        "error",
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    ),
    corrupt=b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, \n\n',
)

_COHERE_USAGE = {
    "billed_units": {"input_tokens": 21.0, "output_tokens": 7.0},
    "tokens": {"input_tokens": 21.0, "output_tokens": 7.0},
}
COHERE = Wire(
    name="Cohere",
    provider="cohere",
    path="",
    body={
        "id": "c1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}]},
        "usage": _COHERE_USAGE,
    },
    chunks=[
        (event["type"], event)
        for event in (
            {
                "type": "message-start",
                "id": "c1",
                "delta": {
                    "message": {
                        "role": "assistant",
                        "content": [],
                        "tool_plan": "",
                        "tool_calls": [],
                        "citations": [],
                    }
                },
            },
            {
                "type": "content-start",
                "index": 0,
                "delta": {"message": {"content": {"type": "text", "text": ""}}},
            },
            *(
                {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": word}}}}
                for word in WORDS
            ),
            {"type": "content-end", "index": 0},
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": _COHERE_USAGE}},
        )
    ],
    first=3,
    error=lambda kind, text: {"id": "e1", "message": text},
    stream_error=(
        "message-end",
        {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "the server had an error"}},
    ),
    corrupt=b'event: content-delta\ndata: {"type": "content-delta", "index": 0, "delta": \n\n',
)

WIRES = (CHAT, RESPONSES, ANTHROPIC, COHERE)
