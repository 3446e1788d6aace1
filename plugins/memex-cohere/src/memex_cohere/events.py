"""From what Cohere's chat sends to neutral events: streamed or whole, the same events come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from memex import (
    BackendError,
    Event,
    FinishReason,
    InvalidMessage,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Unavailable,
    Usage,
    decode,
)

RAW: Final = "cohere:raw"
STOP: Final = "cohere:stop"

_FINISH: Final[Mapping[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
_READ: Final = frozenset({"content", "tool_plan", "tool_calls", "citations"})
_WORDS: Final = ("text", "thinking")
_FAILED: Final = frozenset({"ERROR", "TIMEOUT", "ERROR_LIMIT"})


class Reading:
    """Reads one answer: feed it the stream's events, or the whole response.

    Args:
        model: The model that was asked.
        keep_raw: Whether the provider's own response goes into the extra of the finish event.
    """

    def __init__(self, model: str, *, keep_raw: bool = True) -> None:
        self._model = model
        self._keep_raw = keep_raw
        self._response: dict[str, Any] = {}
        self._message: dict[str, Any] = {"role": "assistant"}
        self._content: dict[int, dict[str, Any]] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._plan: list[str] = []
        self._started = False

    def whole(self, response: Mapping[str, Any]) -> Iterator[Event]:
        """Yield the events of a response that came whole.

        Raises:
            BackendError: If it is none, or says that it failed.
        """
        message = response.get("message")
        if not isinstance(message, Mapping) or not response.get("finish_reason"):
            raise BackendError(f"cohere:{self._model} answered with something that is no answer of its chat")
        self._response = {name: value for name, value in response.items() if name != "message"}
        self._message |= {name: value for name, value in message.items() if name not in _READ}
        content = message.get("content") or []
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        thoughts = [block for block in blocks if block.get("type") == "thinking"]
        yield from self._blocks(thoughts, first=0)
        if message.get("tool_plan"):
            yield from self._think(message["tool_plan"])
        yield from self._blocks([b for b in blocks if b.get("type") != "thinking"], first=len(thoughts))
        for index, call in enumerate(message.get("tool_calls") or []):
            yield from self._call(index, call)
            yield from self._end_call(index)
        if message.get("citations"):
            self._message["citations"] = list(message["citations"])
        yield from self._finish(response)

    def feed(self, event: Mapping[str, Any]) -> Iterator[Event]:
        """Yield the events of one event of the stream; those of an unknown type say nothing.

        Raises:
            BackendError: If it says that the answer failed.
        """
        index = int(event.get("index") or 0)
        delta = event.get("delta") or {}
        message = delta.get("message") or {}
        match event.get("type"):
            case "message-start":
                self._response["id"] = event.get("id")
            case "content-start":
                yield from self._begin(index, dict(message.get("content") or {}))
            case "content-delta":
                yield from self._grow(index, message.get("content") or {})
            case "content-end":
                yield from self._end(index)
            case "tool-plan-delta":
                yield from self._think(message.get("tool_plan") or "")
            case "tool-call-start":
                yield from self._call(index, message.get("tool_calls") or {})
            case "tool-call-delta":
                function = (message.get("tool_calls") or {}).get("function") or {}
                self._argue(index, function.get("arguments") or "")
            case "tool-call-end":
                yield from self._end_call(index)
            case "citation-start":
                self._message.setdefault("citations", []).append(message.get("citations") or {})
            case "message-end":
                self._response["id"] = self._response.get("id") or event.get("id")
                yield from self._finish(delta)

    # -- content -------------------------------------------------------------------------------

    def _blocks(self, blocks: Iterable[Mapping[str, Any]], *, first: int) -> Iterator[Event]:
        for index, block in enumerate(blocks, start=first):
            yield from self._begin(index, dict(block))
            yield from self._end(index)

    def _begin(self, index: int, block: dict[str, Any]) -> Iterator[Event]:
        yield from self._end(index)
        yield from self._end_plan()
        block.setdefault("type", "thinking" if "thinking" in block else "text")
        self._content[index] = {**block, **({block["type"]: ""} if block["type"] in _WORDS else {})}
        yield from self._grow(index, block)

    def _grow(self, index: int, delta: Mapping[str, Any]) -> Iterator[Event]:
        kind = "thinking" if delta.get("thinking") else "text"
        if index not in self._content:
            self._content[index] = {"type": kind, kind: ""}
        words = delta.get(kind)
        block = self._content[index]
        if not words or block.get("type") != kind:
            return
        block[kind] += words
        is_text = kind == "text"
        yield from self._say(
            Event(kind="text", text=words) if is_text else Event(kind="reasoning", reasoning=words)
        )

    def _end(self, index: int) -> Iterator[Event]:
        block = self._content.pop(index, None)
        if block is None:
            return
        self._message.setdefault("content", []).append(block)
        for part in _parts({"content": [block]}):
            if not isinstance(part, Text) and part != Reasoning(""):
                yield from self._say(Event(kind="part", part=part))

    def _think(self, words: str) -> Iterator[Event]:
        if words:
            self._plan.append(words)
            yield from self._say(Event(kind="reasoning", reasoning=words))

    def _end_plan(self) -> Iterator[Event]:
        if self._plan:
            plan = self._message["tool_plan"] = "".join(self._plan)
            self._plan = []
            for part in _parts({"tool_plan": plan}):
                yield from self._say(Event(kind="part", part=part))

    # -- calls ---------------------------------------------------------------------------------

    def _call(self, index: int, call: Mapping[str, Any]) -> Iterator[Event]:
        yield from self._end_call(index)
        for block in sorted(self._content):
            yield from self._end(block)
        yield from self._end_plan()
        self._calls[index] = {**call, "function": dict(call.get("function") or {})}

    def _argue(self, index: int, words: str) -> None:
        function = self._calls.setdefault(index, {"function": {}})["function"]
        function["arguments"] = (function.get("arguments") or "") + words

    def _end_call(self, index: int) -> Iterator[Event]:
        call = self._calls.pop(index, None)
        if call is None:
            return
        call["function"].setdefault("arguments", "")
        self._message.setdefault("tool_calls", []).append(call)
        for part in _parts({"tool_calls": [call]}):
            if isinstance(part, ToolCall):
                yield from self._say(Event(kind="tool_call", tool_call=part))
            else:
                yield from self._say(Event(kind="part", part=part))

    # -- the answer ----------------------------------------------------------------------------

    def _say(self, event: Event) -> Iterator[Event]:
        yield from self._start()
        yield event

    def _start(self) -> Iterator[Event]:
        if not self._started:
            self._started = True
            yield Event(kind="start", response_id=self._response.get("id"), model=self._model)

    def _finish(self, told: Mapping[str, Any]) -> Iterator[Event]:
        reason = str(told.get("finish_reason") or "")
        if told.get("error") or reason in _FAILED:
            why = told.get("error") or f"it ended with {reason}"
            raise Unavailable(f"cohere ({self._model}): the answer failed: {why}; ask again")
        if not reason:
            return  # without a reason the answer is not known to be whole
        for block in sorted(self._content):
            yield from self._end(block)
        yield from self._end_plan()
        for call in sorted(self._calls):
            yield from self._end_call(call)
        for part in _parts({"citations": self._message.get("citations") or []}):
            yield from self._say(Event(kind="part", part=part))
        self._response |= {name: told[name] for name in ("finish_reason", "usage") if name in told}
        yield from self._start()
        yield Event(kind="usage", usage=usage_of(told.get("usage")))
        yield Event(kind="finish", finish=_FINISH.get(reason, "other"), extra=self._extra(reason))

    def _extra(self, reason: str) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if reason not in ("COMPLETE", "TOOL_CALL"):
            extra[STOP] = {"reason": reason}
        return {**extra, RAW: {**self._response, "message": self._message}} if self._keep_raw else extra


def usage_of(usage: Mapping[str, Any] | None) -> Usage:
    """Return the neutral usage; Cohere's numbers are floats, and its input includes what was cached."""
    usage = usage or {}
    tokens = usage.get("tokens") or usage.get("billed_units") or {}
    cached = int(usage.get("cached_tokens") or 0)
    return Usage(
        input_tokens=max(0, int(tokens.get("input_tokens") or 0) - cached),
        cache_read_tokens=cached,
        output_tokens=int(tokens.get("output_tokens") or 0),
    )


def _parts(fields: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the parts of a piece of an assistant message, as the host's codec reads them."""
    try:
        messages = decode([{"role": "assistant", **fields}], "cohere")
    except InvalidMessage:  # a known kind that lacks what it should have: it is kept as it came
        return (Opaque(format="cohere", data=dict(fields)),)
    return messages[0].parts
