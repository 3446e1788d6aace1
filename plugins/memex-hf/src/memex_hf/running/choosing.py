"""Chooses the next token from a model's scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from memex_hf.sampling import Sampling


class Choosing:
    """Chooses tokens as the settings say, with transformers' own rules.

    Args:
        sampling: The settings.
        device: Where the scores are.
    """

    def __init__(self, sampling: Sampling, device: torch.device) -> None:
        self._greedy = sampling.greedy
        self._rules = _rules(sampling)
        self._penalty = sampling.repetition_penalty != 1
        self._chance: torch.Generator | None = None
        if not sampling.greedy:
            self._chance = torch.Generator(device=device)
            if sampling.seed is None:
                self._chance.seed()
            else:
                self._chance.manual_seed(sampling.seed)

    def choose(self, scores: torch.Tensor, before: Sequence[int]) -> int:
        """Return the next token.

        Args:
            scores: Of every token.
            before: All tokens so far, prompt included.
        """
        if self._greedy and not self._rules:
            return int(scores.argmax())
        row = scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores.clone()
        row = row.unsqueeze(0)
        ids = torch.tensor([list(before) if self._penalty else [0]], device=scores.device)
        for rule in self._rules:
            row = rule(ids, row)
        if self._greedy:
            return int(row.argmax())
        return int(torch.multinomial(row.softmax(-1)[0], 1, generator=self._chance))


def _rules(sampling: Sampling) -> list[Any]:
    from transformers.generation import logits_process as rules

    chosen: list[Any] = []
    if sampling.repetition_penalty != 1:
        chosen.append(rules.RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    if sampling.greedy:
        return chosen
    if sampling.temperature != 1:
        chosen.append(rules.TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        chosen.append(rules.TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        chosen.append(rules.TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        chosen.append(rules.MinPLogitsWarper(sampling.min_p))
    return chosen
