"""A door for programs that have a transformers model and no memory: messages in, answer out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from memex import BadRequest, Event, FinishReason, Message, Request, Tool, Usage, decode
from memex_hf.backend import HF, defaults_of, ends_of
from memex_hf.opening import read_bytes
from memex_hf.running.engine import Engine
from memex_hf.tokenizing import Words


class Generated(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        text: Its words.
        message: It as a message, ready to be appended: ``{"role": "assistant", ...}``.
        usage: Tokens computed (``input_tokens``), reused (``cache_read_tokens``) and generated.
        finish: Why it ended.
    """

    text: str
    message: dict[str, Any]
    usage: Usage
    finish: FinishReason


class Cache:
    """Keys and values that live across calls of :func:`generate`, for one model and tokenizer.

    Any number of conversations may share it; those that begin alike share what they begin with.

    Args:
        budget: Bytes to keep, such as ``"4GiB"``.
        chunk: Tokens of a prompt that are run at once; by default as many as suit the device.
        lanes: Conversations that stay ready to go on without a copy.
    """

    def __init__(self, budget: str | int = "4GiB", *, chunk: int | None = None, lanes: int = 8) -> None:
        self._budget = read_bytes(budget)
        self._chunk = chunk
        self._lanes = lanes
        self._made_for: tuple[Any, Any] | None = None
        self._backend: HF | None = None

    def backend(self, model: Any, tokenizer: Any) -> HF:
        """Return the backend that generates with this cache, made on first use.

        Raises:
            BadRequest: If the cache was used with another model or tokenizer.
        """
        if self._backend is None:
            name = getattr(model.config, "name_or_path", "") or type(model).__name__
            engine = Engine(model, budget=self._budget, chunk=self._chunk, most_lanes=self._lanes)
            words = Words(tokenizer, name=name, ends=ends_of(model, tokenizer))
            self._backend = HF(name, engine, words, defaults=defaults_of(model), background=False)
            self._made_for = (model, tokenizer)
        elif self._made_for is None or self._made_for[0] is not model or self._made_for[1] is not tokenizer:
            raise BadRequest("hf: this cache belongs to another model or tokenizer; make a new Cache()")
        return self._backend


def generate(
    model: Any,
    tokenizer: Any,
    messages: Sequence[Mapping[str, Any] | Message],
    *,
    cache: Cache | None = None,
    tools: Sequence[Tool] = (),
    max_new_tokens: int = 256,
    **settings: Any,
) -> Generated:
    """Answer messages with a model that the program has loaded itself.

    Call it with the whole conversation each time, and the same cache: only what is new is computed.

    Args:
        model: A causal language model of transformers.
        tokenizer: Its tokenizer, with a chat template.
        messages: As for a chat template, or memex messages.
        cache: Keeps what was computed; without one nothing is kept.
        tools: What the model may call.
        max_new_tokens: Most tokens of the answer.
        **settings: ``temperature``, ``top_p``, ``top_k``, ``seed``, ``stop``, ``deadline``, ...
    """
    backend = (cache or Cache()).backend(model, tokenizer)
    asked = [m if isinstance(m, Message) else decode([m], "hf")[0] for m in messages]
    request = Request(
        messages=tuple(asked), tools=tuple(tools), answer_tokens=max_new_tokens, settings=settings
    )
    events = list(backend.stream(request))
    return _generated(events, backend)


def _generated(events: Sequence[Event], backend: HF) -> Generated:
    text = "".join(event.text for event in events)
    thought = "".join(event.reasoning for event in events)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thought:
        message["reasoning_content"] = thought
    calls = [event.tool_call for event in events if event.tool_call is not None]
    if calls:
        message["tool_calls"] = [
            {"type": "function", "id": call.id, "function": {"name": call.name, "arguments": call.parsed}}
            for call in calls
        ]
    backend.remember(events[-1], text)
    usage = next(event.usage for event in reversed(events) if event.usage is not None)
    finish = events[-1].finish
    return Generated(text, message, usage, finish or "other")
