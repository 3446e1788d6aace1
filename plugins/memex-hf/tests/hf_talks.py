"""Backends with tiny models, and conversations with them, for the tests of hf."""

from __future__ import annotations

import tiny_models as tiny
import torch
from memex_hf.backend import HF, defaults_of, ends_of
from memex_hf.ledger import NOTE, ledger_of
from memex_hf.running.engine import Engine
from memex_hf.tokenizing import Words

from memex import Message, Request


def backend(
    name="llama",
    *,
    dtype=torch.float32,
    ends=(),
    many_ends=False,
    budget=2**28,
    chunk=16,
    lanes=8,
    model=None,
    tokenizer=None,
    **settings,
):
    """Return a backend with a tiny model; with ``many_ends`` it soon comes to an end by itself."""
    model = model or tiny.model(name, dtype)
    tokenizer = tokenizer or tiny.tokenizer()
    ends = [*(ends_of(model, tokenizer) if many_ends else ()), *(range(300, 448) if many_ends else ()), *ends]
    engine = Engine(model, budget=budget, chunk=chunk, most_lanes=lanes)
    words = Words(tokenizer, name=name, ends=ends)
    return HF(name, engine, words, defaults=defaults_of(model), **settings)


class Talk:
    """A conversation that a caller holds by itself, without a memory."""

    def __init__(self, backend, *messages, thread="t"):
        self.backend = backend
        self.messages = list(messages)
        self.thread = thread
        self.usage = None
        self.out = ()

    def fork(self):
        return Talk(self.backend, *self.messages, thread=f"{self.thread}-fork")

    def request(self, most=12, tools=(), **settings):
        return Request(
            messages=tuple(self.messages),
            tools=tuple(tools),
            answer_tokens=most,
            thread=self.thread,
            settings=settings,
        )

    def ask(self, question, most=12, **settings):
        """Ask, and return the exact tokens of the answer."""
        self.messages.append(Message.user(question))
        events = list(self.backend.stream(self.request(most, **settings)))
        self.usage = next(event.usage for event in events if event.usage)
        text = "".join(event.text for event in events)
        thought = "".join(event.reasoning for event in events)
        extra = {key: value for event in events for key, value in event.extra.items()}
        message = Message.assistant(text, extra=extra)
        if thought:
            from memex import Reasoning, Text

            message = Message.assistant([Reasoning(thought), Text(text)], extra=extra)
        self.messages.append(message)
        ledger = ledger_of(message, extra[NOTE]["tokenizer"]) if NOTE in extra else None
        self.out = ledger.ids if ledger else ()
        return self.out


def without_reuse(talk, most=12):
    """Return the tokens that a new engine gives for the last question of a conversation, and its prompt."""
    fresh = Talk(backend(model=talk.backend.engine.model), *talk.messages[:-2])
    fresh.backend._prompts = talk.backend._prompts  # what was never stored with a message is remembered there
    out = fresh.ask(talk.messages[-2].text, most)
    assert fresh.usage.cache_read_tokens == 0
    return out, fresh.usage.prompt_tokens
