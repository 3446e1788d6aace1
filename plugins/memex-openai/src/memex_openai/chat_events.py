"""From what Chat Completions answers to events: whole answers and streams alike."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

from memex import (
    BackendError,
    Event,
    FinishReason,
    InvalidMessage,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Truncated,
    decode,
)
from memex_openai.faults import told_error
from memex_openai.merging import grow, grow_calls
from memex_openai.presets import Address
from memex_openai.raw import kept
from memex_openai.usage import read_usage

CODEC: Final = "openai"
# vLLM and DeepSeek; OpenRouter, Ollama and Groq; some templates of gpt-oss.
_THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking")
_FINISHES: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_BROKEN_OFF: Final = ("error", "insufficient_system_resource", "abort", "cancelled")


class ChatReader:
    """Reads the chunks of one answer, or the whole of it as if it were one chunk.

    A whole answer and a stream go the same way, so that they become the same message.

    Args:
        address: Who answers.
        keep_raw: Whether the finish brings the provider's own payload.

    Attributes:
        finished: Whether the answer is whole.
    """

    def __init__(self, address: Address, *, keep_raw: bool = True) -> None:
        self._address = address
        self._keep_raw = keep_raw
        self._head: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._fields: dict[str, Any] = {}
        self._calls: list[dict[str, Any]] = []
        self._blocks: list[Any] = []
        self._text: list[str] = []
        self._thought: list[str] = []
        self._thought_field = ""
        self._thoughts: list[tuple[str, str]] = []
        self._started = False
        self._usage: Any = None
        self._whole: Mapping[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """Whether a finish reason came, or what stands for it on this server."""
        return bool(self._finish_reason) or (self._address.server.null_finish and self._usage is not None)

    @property
    def over(self) -> bool:
        """Whether nothing of the answer can follow. No chunk says so: usage may follow the finish reason."""
        return False

    def feed(self, chunk: object) -> Iterator[Event]:
        """Read a chunk and yield what it says.

        Raises:
            BackendError: If it is no chunk, or reports an error.
        """
        if not isinstance(chunk, Mapping):
            raise BackendError(f"{self._who} sent {type(chunk).__name__} where a piece of an answer belongs")
        if chunk.get("error"):
            raise told_error(self._address, chunk["error"], chunk)
        for key, value in chunk.items():
            if key not in self._head and key not in ("choices", "usage"):
                self._head[key] = value
        self._usage = chunk.get("usage") or _groq_usage(chunk) or self._usage
        for choice in chunk.get("choices") or ():
            if isinstance(choice, Mapping) and choice.get("index") in (0, None):
                yield from self._start()
                said = choice.get("delta") or choice.get("message") or {}
                if "message" in choice:
                    self._whole = chunk
                for key, value in choice.items():
                    if value is not None and key not in ("index", "delta", "message"):
                        grow(self._choice, {key: value})
                yield from self._read(said)

    def feed_whole(self, completion: object) -> Iterator[Event]:
        """Read an answer that came in one piece.

        Raises:
            BackendError: If it is none, or reports an error.
        """
        told = completion if isinstance(completion, Mapping) else {}
        if not told.get("choices") and not told.get("error"):
            raise BackendError(
                f"{self._who} sent an answer with no choices in it; check base_url and the model"
            )
        yield from self.feed(completion)

    def end(self) -> Iterator[Event]:
        """Yield what is known only now that nothing more comes: calls, usage, the finish.

        Raises:
            Truncated: If the answer is not whole.
            BackendError: If it cannot be read.
        """
        reason = self._finish_reason
        if reason in _BROKEN_OFF:
            raise Truncated(f"{self._who} broke off its answer ({reason}); what came is stored as incomplete")
        if not self.finished:
            raise Truncated(f"the answer of {self._who} ended without a finish reason; something is missing")
        yield from self._start()
        yield from self._end_thought()
        message = self._decoded()
        for part in message.parts:
            if not isinstance(part, (Text, Reasoning)):
                yield part_event(part)
        usage = read_usage(self._usage)
        if usage is not None:
            yield Event(kind="usage", usage=usage)
        extra: dict[str, Any] = {CODEC: message.extra[CODEC]} if CODEC in message.extra else {}
        if self._keep_raw:
            extra |= kept(self._raw())
        yield Event(kind="finish", finish=self._finish(reason, message.parts), extra=extra)

    @property
    def _who(self) -> str:
        return f"openai ({self._address.label})"

    @property
    def _finish_reason(self) -> str:
        reason = self._choice.get("finish_reason")
        return reason if isinstance(reason, str) else ""

    def _start(self) -> Iterator[Event]:
        if not self._started:
            self._started = True
            name, model = self._head.get("id"), self._head.get("model")
            yield Event(kind="start", response_id=_text(name), model=_text(model))

    def _read(self, said: Mapping[str, Any]) -> Iterator[Event]:
        thought_field = next((f for f in _THOUGHTS if isinstance(said.get(f), str) and said[f]), "")
        if thought_field:
            yield from self._think(said[thought_field], thought_field)
        for key, value in said.items():
            if key in (*_THOUGHTS, "role") or value in (None, "", [], {}):
                continue
            if key == "content":
                yield from self._read_content(value)
            elif key == "tool_calls" and isinstance(value, (list, tuple)):
                grow_calls(self._calls, value)
            else:
                grow(self._fields, {key: value})

    def _read_content(self, content: Any) -> Iterator[Event]:
        for block in content if isinstance(content, (list, tuple)) else [content]:
            if isinstance(block, str):
                yield from self._say(block)
            elif isinstance(block, Mapping) and block.get("type") == "text":
                yield from self._say(str(block.get("text") or ""))
            elif isinstance(block, Mapping) and block.get("type") == "thinking":
                yield from self._think(_thinking(block.get("thinking")), "")
            else:
                self._blocks.append(block)

    def _say(self, text: str) -> Iterator[Event]:
        if text:
            yield from self._end_thought()
            self._text.append(text)
            yield Event(kind="text", text=text)

    def _think(self, text: str, field: str) -> Iterator[Event]:
        if text:
            self._thought_field = field
            self._thought.append(text)
            yield Event(kind="reasoning", reasoning=text)

    def _end_thought(self) -> Iterator[Event]:
        """Tell the whole thought, with a note on the field that it came in and goes back in."""
        if not self._thought:
            return
        text, self._thought = "".join(self._thought), []
        field = self._thought_field
        self._thoughts.append((field, text))
        parts = decode([{"role": "assistant", field: text}], CODEC)[0].parts if field else (Reasoning(text),)
        for part in parts:
            yield Event(kind="part", part=part)

    def _decoded(self) -> Any:
        wire = self._message()
        wire["content"] = [
            *([{"type": "text", "text": wire["content"]}] if wire["content"] else ()),
            *self._blocks,
        ]
        wire["content"] = wire["content"] or None
        try:
            return decode([wire], CODEC)[0]
        except InvalidMessage as error:
            raise BackendError(f"{self._who} sent an answer that memex cannot read: {error}") from error

    def _message(self) -> dict[str, Any]:
        """Return the message as it would have come in one piece, but for its thoughts."""
        wire = {"role": "assistant", "content": "".join(self._text) or None, **self._fields}
        if self._calls:
            wire["tool_calls"] = [_whole_call(call) for call in self._calls]
        return wire

    def _raw(self) -> dict[str, Any]:
        if self._whole is not None:
            return dict(self._whole)
        message = self._message()
        for field, text in self._thoughts:
            message[field or "thinking"] = message.get(field or "thinking", "") + text
        if self._blocks:
            message["blocks"] = self._blocks
        choice = {"index": 0, "message": message, **self._choice}
        head = {**self._head, "object": "chat.completion"}
        return {**head, "choices": [choice], "usage": self._usage}

    def _finish(self, reason: str, parts: tuple[Part, ...]) -> FinishReason:
        finish = _FINISHES.get(reason, "other") if reason else "stop"
        if finish == "stop" and any(type(part).__name__ == "Refusal" for part in parts):
            return "refusal"
        if finish == "stop" and any(isinstance(part, ToolCall) for part in parts):
            return "tool_calls"  # several servers say "stop" then
        return finish


def part_event(part: Part) -> Event:
    """Return the event that tells a whole part."""
    if isinstance(part, ToolCall):
        return Event(kind="tool_call", tool_call=part)
    return Event(kind="part", part=part)


def _whole_call(call: Mapping[str, Any]) -> dict[str, Any]:
    wire = {key: value for key, value in call.items() if key != "index"}
    if not wire.get("id"):
        wire["id"] = f"call_{secrets.token_hex(12)}"
    wire.setdefault("type", "function")
    if wire["type"] == "function" and isinstance(wire.get("function"), dict):
        wire["function"].setdefault("arguments", "")
    return wire


def _thinking(value: Any) -> str:
    if isinstance(value, str):
        return value
    blocks = value if isinstance(value, (list, tuple)) else ()
    return "".join(str(block.get("text") or "") for block in blocks if isinstance(block, Mapping))


def _groq_usage(chunk: Mapping[str, Any]) -> Any:
    groq = chunk.get("x_groq")
    return groq.get("usage") if isinstance(groq, Mapping) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
