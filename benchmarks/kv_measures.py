"""Measures for kv.py that need a model and an engine, and no memory."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from kv_clock import now, timed
from kv_models import build, configs, words
from kv_talk import Talk, Watch, cache_name, generated, scores_of, scores_with_reuse
from memex_hf.running.engine import Engine
from transformers import DynamicCache

Row = dict[str, Any]
BUDGET = 2**32


def identical(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Compare answers with reuse and answers to the whole prompt: continued, evicted, forked."""
    seeds = range(4 if quick else 20)
    for name in models:
        for dtype in (torch.float64, torch.float32):
            model = build(configs(64, 2)[name], dtype=dtype, device=device)
            tally = {"same": 0, "compared": 0, "drift": 0.0, "margin": 0.0, "unexplained": 0}
            for seed in seeds:
                for engine, ids, out in _situations(Engine(model, budget=BUDGET, chunk=64), seed):
                    _compare(model, engine, ids, out, tally)
            exact = dtype == torch.float64 and name != "linear"  # its layers compute in float32 throughout
            passed = tally["same"] == tally["compared"] if exact else tally["unexplained"] == 0
            yield {
                "measure": f"64 tokens with reuse as without, {str(dtype).removeprefix('torch.')}",
                "model": name,
                "figure": f"{tally['same']} of {tally['compared']} identical; largest drift "
                f"{tally['drift']:.1e}, largest margin where they differ {tally['margin']:.1e}",
                "limit": "all identical" if exact else "identical, or margin within 2x drift",
                "passed": passed,
                **tally,
            }


def _situations(engine: Engine, seed: int) -> Iterator[tuple[Engine, tuple[int, ...], tuple[int, ...]]]:
    """Hold a conversation, and yield prompts with their answers at the points of interest."""
    talk = Talk(engine, words(40, seed))
    for turn in range(3):
        talk.ask(words(15, 100 * seed + turn), 24)
    fork = talk.fork()
    talk.ask(words(15, 100 * seed + 50), 64)
    yield engine, talk.ids, talk.out
    fork.ask(words(15, 100 * seed + 60), 64)  # the lane has moved on meanwhile
    yield engine, fork.ids, fork.out
    del talk.messages[1:5]  # what eviction does: the system text stays, the oldest turns go
    talk.ask(words(15, 100 * seed + 70), 64)
    yield engine, talk.ids, talk.out
    talk.ask(words(15, 100 * seed + 80), 64)
    yield engine, talk.ids, talk.out


def _compare(model: Any, engine: Engine, ids: tuple[int, ...], out: tuple[int, ...], tally: Row) -> None:
    expected = generated(model, ids, len(out))
    tally["compared"] += 1
    tally["same"] += out == expected
    differs = next((at for at, (a, b) in enumerate(zip(out, expected, strict=True)) if a != b), None)
    prompt = (*ids, *out[: len(out) if differs is None else differs])
    whole, reused = scores_of(model, prompt), scores_with_reuse(engine, prompt)
    drift = float((whole - reused).abs().max())
    tally["drift"] = max(tally["drift"], drift)
    if differs is not None:
        best = whole.topk(2).values
        margin = float(best[0] - best[1])
        tally["margin"] = max(tally["margin"], margin)
        tally["unexplained"] += margin > 2 * drift


def prefilled(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Count the tokens that go into the model's own forward, over 48 turns to some 5,000 tokens."""
    del quick
    for name in models:
        model = build(configs(64, 2)[name], dtype=torch.float32, device=device)
        talk = Talk(Engine(model, budget=BUDGET), words(200, 1))
        watch = Watch(model)
        extra = []
        known = 0
        for turn in range(48):
            out = talk.ask(words(60, turn), 32)
            new = len(talk.ids) - known
            extra.append(watch.tokens() - (len(out) - 1) - new)
            known = len(talk.ids) + len(out)
        watch.close()
        yield {
            "measure": f"tokens prefilled per turn, 48 turns to {known:,}",
            "model": name,
            "figure": f"new tokens + {max(extra)} at most, + {statistics.median(extra):g} in the median",
            "limit": "new tokens + 2",
            "passed": max(extra) <= 2,
        }


def first_token(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Time the first token at 4,000 tokens: against the whole prompt, and against a bare forward."""
    times = 5 if quick else 15
    for name in models:
        model = build(configs(256, 4)[name], dtype=torch.float32, device=device, spread=None)
        talk = Talk(Engine(model, budget=BUDGET), words(3800, 1))
        talk.ask(words(150, 2), 2)
        ours, bare = [], [0.0]
        for turn in range(times):
            known = len(talk.ids) + len(talk.out) - 1
            talk.ask(words(30, 10 + turn), 2)
            ours.append(talk.first)
            if turn == times // 2:
                bare = _bare(model, talk.ids, len(talk.ids) - known, times)
        whole = [timed(generated, model, talk.ids, 1) for _ in range(max(3, times // 3))]
        reuse, limit, full = map(statistics.median, (ours, bare, whole))
        at = f"at {len(talk.ids):,} tokens"
        yield {
            "measure": f"first token {at}, reuse against generate on the whole prompt",
            "model": name,
            "figure": f"{full / reuse:.1f}x faster ({1e3 * reuse:.1f} ms, {1e3 * full:.0f} ms)",
            "limit": "at least 12x",
            "passed": full / reuse >= 12,
        }
        yield {
            "measure": f"first token {at}, against a bare forward over the new tokens",
            "model": name,
            "figure": f"{reuse / limit:.2f}x ({1e3 * limit:.1f} ms)",
            "limit": "at most 1.25x",
            "passed": reuse / limit <= 1.25,
        }
        yield _conversation(model, name, turns=12 if quick else 48)


def _bare(model: Any, ids: Sequence[int], new: int, times: int) -> list[float]:
    """Time a forward over the last tokens of a prompt, with transformers' own cache warm."""
    given = torch.tensor([list(ids)], device=model.device)
    warm = DynamicCache(config=model.config)
    name = cache_name(model)

    def run(part: torch.Tensor, cache: Any) -> list[int]:
        out = model(input_ids=part, use_cache=True, logits_to_keep=1, **{name: cache})
        found: list[int] = out.logits.argmax(-1).flatten().tolist()
        return found

    with torch.no_grad():
        run(given[:, :-new], warm)
        return [timed(run, given[:, -new:], copy.deepcopy(warm)) for _ in range(times)]


def _conversation(model: Any, name: str, *, turns: int) -> Row:
    talk = Talk(Engine(model, budget=BUDGET), words(200, 3))
    ours = whole = 0.0
    for turn in range(turns):
        ours += timed(talk.ask, words(60, turn), 24)
        whole += timed(generated, model, talk.ids, 24)
    return {
        "measure": f"a whole conversation to {len(talk.ids):,} tokens, {turns} turns",
        "model": name,
        "figure": f"{whole / ours:.1f}x faster ({ours:.1f} s, {whole:.1f} s)",
        "limit": "at least 3x",
        "passed": whole / ours >= 3 or turns < 48,
    }


def decoding(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Compare tokens per second of decoding with ``model.generate``, at 1,000 tokens."""
    for name in models:
        model = build(configs(256, 4)[name], dtype=torch.float32, device=device, spread=None)
        ours, theirs = [], []
        for turn in range(3 if quick else 7):
            talk = Talk(Engine(model, budget=BUDGET), words(1000, turn))
            begun = now()
            talk.ask("go on", 129)
            ours.append(128 / (now() - begun - talk.first))
            one = timed(generated, model, talk.ids, 1)
            many = timed(generated, model, talk.ids, 129)
            theirs.append(128 / (many - one))
        fast, plain = statistics.median(ours), statistics.median(theirs)
        yield {
            "measure": "tokens per second of decoding against generate",
            "model": name,
            "figure": f"{fast / plain:.2f}x ({fast:.0f}, {plain:.0f})",
            "limit": "at least 1.0x",
            "passed": fast / plain >= 1,
        }
