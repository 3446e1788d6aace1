"""From what the Messages API sends to neutral events: streamed or whole, the same events come out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from memex import (
    BackendError,
    Citation,
    ContextOverflow,
    Event,
    FinishReason,
    InvalidMessage,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
    decode,
)

RAW: Final = "anthropic:raw"
STOP: Final = "anthropic:stop"

PAUSES: Final = 8
"""How often an answer with tools of the server may pause."""

_FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
_APPENDED: Final = {"text_delta": "text", "thinking_delta": "thinking"}


class Reading:
    """Reads one answer: feed it the stream's events, or the whole message.

    Nothing is said before there is something to say, so that a call which breaks off before can
    be made again.

    Args:
        model: The model that was asked.
        limit: Its context in tokens, where known.
        keep_raw: Whether the provider's own message goes into the extra of the finish event.
        pauses: How often an answer may pause (``pause_turn``) before that counts as its end.

    Attributes:
        paused: Whether the answer paused: what :meth:`continued` gives is to be sent, and what comes
            back is to be fed to this object.
    """

    def __init__(
        self, model: str, *, limit: int | None = None, keep_raw: bool = True, pauses: int = PAUSES
    ) -> None:
        self._model = model
        self._limit = limit
        self._keep_raw = keep_raw
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, list[str]] = {}
        self._started = False
        self._finished = False
        self._pauses = pauses
        self._said: list[dict[str, Any]] = []
        self._spent = Usage()
        self.paused = False

    def whole(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """Yield the events of a message that came whole.

        Raises:
            ContextOverflow: If the model's context ended before the answer did.
            BackendError: If it is no message.
        """
        if message.get("type") != "message" or not isinstance(message.get("content"), list):
            raise BackendError(f"anthropic:{self._model} answered with something that is no message")
        self._open(message)
        for index, block in enumerate(message["content"]):
            yield from self._begin(index, dict(block))
            yield from self._end(index)
        yield from self._finish()

    def feed(self, event: Mapping[str, Any]) -> Iterator[Event]:
        """Yield the events of one event of the stream; those of an unknown type say nothing.

        Raises:
            ContextOverflow: If the model's context ended before the answer did.
        """
        match event.get("type"):
            case "message_start":
                self._open(event.get("message") or {})
            case "content_block_start":
                yield from self._begin(_index(event), dict(event.get("content_block") or {}))
            case "content_block_delta":
                yield from self._delta(_index(event), event.get("delta") or {})
            case "content_block_stop":
                yield from self._end(_index(event))
            case "message_delta":
                self._amend(event)
            case "message_stop":
                yield from self._finish()

    def close(self) -> Iterator[Event]:
        """Yield the finish where a stop reason came and the stream then ended without its last event."""
        if not self._finished and self._message.get("stop_reason"):
            yield from self._finish()

    def continued(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of the call that goes on with an answer that paused."""
        return {**params, "messages": [*params["messages"], {"role": "assistant", "content": [*self._said]}]}

    # -- blocks --------------------------------------------------------------------------------

    def _begin(self, index: int, block: dict[str, Any]) -> Iterator[Event]:
        self._blocks[index] = block
        if block.get("type") == "text" and block.get("text"):
            yield from self._say(Event(kind="text", text=block["text"]))
        elif block.get("type") == "thinking" and block.get("thinking"):
            yield from self._say(Event(kind="reasoning", reasoning=block["thinking"]))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Event]:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        kind = str(delta.get("type"))
        if field := _APPENDED.get(kind):
            words = delta.get(field) or ""
            block[field] = (block.get(field) or "") + words
            if words and field == block.get("type") == "text":
                yield from self._say(Event(kind="text", text=words))
            elif words and field == block.get("type") == "thinking":
                yield from self._say(Event(kind="reasoning", reasoning=words))
        elif kind == "input_json_delta":
            self._inputs.setdefault(index, []).append(delta.get("partial_json") or "")
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
        else:
            _merge(block, delta)

    def _end(self, index: int) -> Iterator[Event]:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        written = "".join(self._inputs.pop(index, ()))
        value = _object(written) if written else None
        if value is not None:
            block["input"] = value
        self._message.setdefault("content", []).append(block)
        # The exact text is all there is, where it is no JSON object.
        broken = _broken_call(block, written) if written and value is None else None
        for part in _parts(block) if broken is None else (broken,):
            match part:
                case ToolCall():
                    yield from self._say(Event(kind="tool_call", tool_call=part))
                case Text():
                    pass  # it was said already
                case Reasoning(text="", signature=None, encrypted=None):
                    pass
                case _:
                    yield from self._say(Event(kind="part", part=part))

    # -- the message ---------------------------------------------------------------------------

    def _open(self, message: Mapping[str, Any]) -> None:
        self._message = {**message, "content": []}
        self.paused = False

    def _pause(self) -> None:
        self.paused = True
        self._pauses -= 1
        self._said += self._message.get("content") or []
        self._spent = _sum(self._spent, usage_of(self._message))

    def _say(self, event: Event) -> Iterator[Event]:
        yield from self._start()
        yield event

    def _start(self) -> Iterator[Event]:
        if not self._started:
            self._started = True
            yield Event(
                kind="start",
                response_id=self._message.get("id"),
                model=self._message.get("model") or self._model,
            )

    def _amend(self, event: Mapping[str, Any]) -> None:
        self._message.update(event.get("delta") or {})
        if "diagnostics" in event:
            self._message["diagnostics"] = event["diagnostics"]
        # Totals so far: they replace, and what is absent stays.
        told = {name: count for name, count in (event.get("usage") or {}).items() if count is not None}
        self._message["usage"] = {**(self._message.get("usage") or {}), **told}

    def _finish(self) -> Iterator[Event]:
        reason = self._message.get("stop_reason")
        if self._finished or not reason:
            return  # without a reason the answer is not known to be whole
        if reason == "model_context_window_exceeded":
            self._overflow()
        if reason == "pause_turn" and self._pauses > 0:
            if not self.paused:
                self._pause()
            return
        self._finished = True
        details = self._message.get("stop_details") or {}
        if reason == "refusal" and not self._message.get("content") and details.get("explanation"):
            yield from self._say(Event(kind="part", part=Refusal(details["explanation"])))
        yield from self._start()
        yield Event(kind="usage", usage=_sum(self._spent, usage_of(self._message)))
        yield Event(kind="finish", finish=_FINISH.get(reason, "other"), extra=self._extra(reason, details))

    def _overflow(self) -> NoReturn:
        limit = f" of {self._limit:,} tokens" if self._limit else ""
        raise ContextOverflow(
            f"anthropic:{self._model}: its context{limit} ended before the answer did; send a shorter window",
            limit=self._limit,
        )

    def _extra(self, reason: str, details: Mapping[str, Any]) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if reason not in ("end_turn", "tool_use"):
            told = {
                "reason": reason,
                "sequence": self._message.get("stop_sequence"),
                "details": details or None,
            }
            extra[STOP] = {name: value for name, value in told.items() if value is not None}
        if self._keep_raw:
            extra[RAW] = {**self._message, "content": [*self._said, *self._message["content"]]}
        return extra


def _index(event: Mapping[str, Any]) -> int:
    return int(event.get("index") or 0)


def usage_of(message: Mapping[str, Any]) -> Usage:
    """Return the neutral usage of a message; Anthropic's input tokens are those no cache served."""
    usage = message.get("usage") or {}
    details = usage.get("output_tokens_details") or {}
    return Usage(
        input_tokens=usage.get("input_tokens") or 0,
        cache_read_tokens=usage.get("cache_read_input_tokens") or 0,
        cache_write_tokens=usage.get("cache_creation_input_tokens") or 0,
        output_tokens=usage.get("output_tokens") or 0,
        reasoning_tokens=details.get("thinking_tokens") or 0,
        cache_miss=_miss(message.get("diagnostics")),
    )


def _sum(one: Usage, other: Usage) -> Usage:
    names = [name for name in Usage.__struct_fields__ if name != "cache_miss"]
    counts = {name: getattr(one, name) + getattr(other, name) for name in names}
    return Usage(**counts, cache_miss=one.cache_miss or other.cache_miss)


def _miss(diagnostics: Any) -> str:
    reason = (diagnostics or {}).get("cache_miss_reason") or {}
    tokens = reason.get("cache_missed_input_tokens")
    return f"{reason.get('type', '')}: {tokens} tokens" if tokens else str(reason.get("type") or "")


def _parts(block: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the parts of a whole block, as the host's codec reads them."""
    known = {name: value for name, value in block.items() if value is not None}
    try:
        messages = decode([{"role": "assistant", "content": [known]}], "anthropic")
    except InvalidMessage:  # a known type that lacks what such a block has: it is kept as it came
        call = _broken_call(block, json.dumps(block.get("input", {}), separators=(",", ":")))
        return (Opaque(format="anthropic", data=known) if call is None else call,)
    parts = tuple(part for message in messages for part in message.parts)
    if any(isinstance(part, Text) for part in parts):
        return tuple(part for part in parts if isinstance(part, Citation))
    return parts


def _broken_call(block: Mapping[str, Any], arguments: str) -> ToolCall | None:
    """Return a call whose input is no JSON object, or one that memex does not read: the model is told.

    As a call it gets a result, so that the conversation goes on. What lacks a name or an id cannot get one.
    """
    call_id, name = block.get("id"), block.get("name")
    if block.get("type") != "tool_use" or not isinstance(call_id, str) or not isinstance(name, str):
        return None
    return ToolCall(id=call_id, name=name, arguments=arguments)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _merge(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Add a delta of a kind that is not known: texts and lists grow, the rest is replaced."""
    for name, value in delta.items():
        if name == "type" or value is None:
            continue
        before = block.get(name)
        grows = (isinstance(before, str) and isinstance(value, str)) or (
            isinstance(before, list) and isinstance(value, list)
        )
        block[name] = before + value if grows and name != "signature" else value
