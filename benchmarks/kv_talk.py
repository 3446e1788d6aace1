"""Conversations for kv.py, held at the level of tokens, with everything that runs counted."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import kv_models
import torch
from kv_clock import now
from memex_hf.ledger import NOTE, Ledger, digest
from memex_hf.prompts import Prompts
from memex_hf.running.engine import Engine
from memex_hf.running.generating import Run, generate_ids
from memex_hf.sampling import Sampling
from memex_hf.tokenizing import Words

from memex import Message

GREEDY = Sampling()


class Watch:
    """Counts the tokens that go into a model's own forward, and when."""

    def __init__(self, model: Any) -> None:
        self.steps: list[tuple[float, int]] = []
        self._handle = model.register_forward_pre_hook(self._note, with_kwargs=True)

    def _note(self, _module: Any, _arguments: Any, given: dict[str, Any]) -> None:
        self.steps.append((now(), given["input_ids"].shape[1]))

    def tokens(self) -> int:
        """Return how many went in since the last call."""
        total = sum(count for _, count in self.steps)
        self.steps.clear()
        return total

    def close(self) -> None:
        """Stop counting."""
        self._handle.remove()


class Talk:
    """One conversation with an engine."""

    def __init__(self, engine: Engine, system: str = "") -> None:
        self.engine = engine
        self.prompts = Prompts(Words(kv_models.tokenizer(), name="bench"))
        self.messages: list[Message] = [Message.system(system)] if system else []
        self.ids: tuple[int, ...] = ()
        self.out: tuple[int, ...] = ()
        self.first = 0.0

    def fork(self) -> Talk:
        """Return a conversation that goes on from here; the engine is not told."""
        other = Talk(self.engine)
        other.messages = list(self.messages)
        return other

    def ask(self, question: str, most: int) -> tuple[int, ...]:
        """Ask, and return the tokens of the answer."""
        begun = now()
        self.messages.append(Message.user(question))
        self.ids = self.prompts.prompt(self.messages).ids
        steps = generate_ids(self.engine, self.ids, GREEDY, Run(), most=most, ends=frozenset())
        out = [next(steps)]  # type: ignore[call-overload]
        self.first = now() - begun
        out.extend(steps)
        self.out = tuple(out)
        said = self.prompts.words.text(self.out) or "?"
        note = Ledger(self.prompts.words.fingerprint, self.out, said=digest(said)).to_note()
        self.messages.append(Message.assistant(said, extra={NOTE: note}))
        return self.out


def cache_name(model: Any) -> str:
    """Return what this transformers calls a cache."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"


def generated(model: Any, ids: Sequence[int], most: int) -> tuple[int, ...]:
    """Return what ``model.generate`` gives for the whole prompt, greedily."""
    given = torch.tensor([list(ids)], device=model.device)
    with torch.no_grad():
        whole = model.generate(given, attention_mask=torch.ones_like(given), max_new_tokens=most)
    return tuple(whole[0, len(ids) :].tolist())


def scores_of(model: Any, ids: Sequence[int]) -> torch.Tensor:
    """Return the scores after a whole prompt, computed in one pass without a cache."""
    with torch.no_grad():
        given = torch.tensor([list(ids)], device=model.device)
        scores: torch.Tensor = model(input_ids=given, use_cache=False).logits[0, -1]
    return scores


def scores_with_reuse(engine: Engine, ids: Sequence[int]) -> torch.Tensor:
    """Return the scores after a prompt whose beginning is kept."""
    with engine.turn:
        lane = engine.begin(ids, len(ids))
    scores = engine.prefill(lane, ids)
    with engine.turn:
        engine.end(lane)
    assert scores is not None
    return scores
