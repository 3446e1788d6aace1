"""A measure for kv.py: how far moved keys are from a full recompute, eviction after eviction."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from kv_clock import now
from kv_models import build, configs, words
from kv_talk import Talk, scores_of, scores_with_reuse
from memex_hf.running.engine import Engine
from memex_hf.running.shifting import Shifting

from memex import ConfigError

Row = dict[str, Any]
EVICTIONS = 6


def sinks(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Hold conversations whose oldest turns are evicted, and compare the scores with exact ones."""
    for name in models:
        found = []
        for seed in range(1 if quick else 5):
            model = build(configs(256, 4)[name], dtype=torch.float32, device=device, spread=0.05, seed=seed)
            engine = Engine(model, budget=2**32)
            try:
                found.extend(_evictions(engine, Shifting(engine), seed))
            except ConfigError:
                break
        if not found:
            continue  # not a model whose positions can be moved
        first = [row for row in found if row["eviction"] == 1]
        last = [row for row in found if row["eviction"] == EVICTIONS]
        moved, exact = (statistics.median(row[key] for row in found) for key in ("seconds", "exact_seconds"))
        yield {
            "measure": f"approximate='sinks': first scores after an eviction, {found[0]['tokens']:,} tokens",
            "model": name,
            "figure": f"{exact / moved:.1f}x faster than computing; away from exact by {_drift(first)}; "
            f"after {EVICTIONS} evictions by {_drift(last)}",
            "limit": "none: it is not exact, and says so",
            "passed": all(row["moved"] > 0 for row in found),
        }


def _evictions(engine: Engine, shifting: Shifting, seed: int) -> Iterator[Row]:
    talk = Talk(engine, words(100, seed))
    for turn in range(12):
        talk.ask(words(60, 100 * seed + turn), 24)
    for eviction in range(1, EVICTIONS + 1):
        del talk.messages[1:5]
        asked = [*talk.messages]
        ids = talk.prompts.prompt(asked).ids
        begun = now()
        moved = shifting.shift(ids)
        scores = scores_with_reuse(engine, ids)
        seconds = now() - begun
        begun = now()
        exact = scores_of(engine.model, ids)
        yield {
            "eviction": eviction,
            "tokens": len(ids),
            "moved": moved,
            "seconds": seconds,
            "exact_seconds": now() - begun,
            "relative": float((scores - exact).norm() / (exact - exact.mean()).norm()),
            "divergence": float((exact.softmax(-1) * (exact.log_softmax(-1) - scores.log_softmax(-1))).sum()),
            "same": int(scores.argmax()) == int(exact.argmax()),
        }
        for turn in range(2):
            talk.ask(words(60, 100 * seed + 50 + 2 * eviction + turn), 24)


def _drift(rows: Sequence[Row]) -> str:
    relative, divergence = (statistics.median(row[key] for row in rows) for key in ("relative", "divergence"))
    same = sum(row["same"] for row in rows)
    return (
        f"{100 * relative:.0f} % of the scores' spread, divergence {divergence:.4f} nats, "
        f"most likely token the same in {same} of {len(rows)}"
    )
