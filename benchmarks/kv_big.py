"""Long contexts for kv.py: a model of about 1 B weights, prompts of 8,000 to 100,000 tokens."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from kv_clock import now, timed
from kv_models import BIG, build, configs
from kv_talk import GREEDY, cache_name, generated
from memex_hf.running.engine import Engine
from memex_hf.running.generating import Run, generate_ids
from transformers import DynamicCache

NEW = 64
MOST = 33
Row = dict[str, Any]


def long_contexts(device: str, contexts: Sequence[int]) -> Iterator[Row]:
    """Time the first token, the limit, and decoding, at each length."""
    fields = BIG if device != "cpu" else {**configs(256, 4)["llama"], "vocab_size": BIG["vocab_size"]}
    dtype = torch.bfloat16 if device != "cpu" else torch.float32
    model = build(fields, dtype=dtype, device=device, spread=None)
    size = sum(weights.numel() for weights in model.parameters()) / 1e9
    name = f"llama, {size:.1f} B, {str(dtype).removeprefix('torch.')}"
    for context in contexts:
        yield from _at(model, name, context)
        if device == "cuda":
            torch.cuda.empty_cache()


def _at(model: Any, name: str, context: int) -> Iterator[Row]:
    chance = random.Random(context)
    engine = Engine(model, budget=2**36, chunk=2048)
    ids = [chance.randrange(3, 32_000) for _ in range(context - 4 * (NEW + MOST))]
    first, bare, rate = [], [], []
    for turn in range(4):
        begun = now()
        steps = generate_ids(engine, ids, GREEDY, Run(), most=MOST, ends=frozenset())
        out = [next(steps)]
        at_first = now()
        out.extend(steps)
        if turn:
            first.append(at_first - begun)
            rate.append((MOST - 1) / (now() - at_first))
        ids = [*ids, *out, *(chance.randrange(3, 32_000) for _ in range(NEW))]
    ids = ids[:-NEW]
    again = _bare(model, ids, NEW + 1, step=0)
    with without_cudnn(model.device.type):
        bare = _bare(model, ids, NEW + 1, step=1)
    full, plain = _generate(model, ids)
    with without_cudnn(model.device.type):
        full_without, plain_without = _generate(model, ids)
    reuse = statistics.median(first)
    del engine
    yield {
        "measure": f"first token at {len(ids):,} tokens, reuse against generate on the whole prompt",
        "model": name,
        "figure": f"{full / reuse:.1f}x faster ({1e3 * reuse:.1f} ms, {1e3 * full:.0f} ms; "
        f"without cuDNN's attention {1e3 * full_without:.0f} ms)",
        "limit": "reported",
        "passed": True,
    }
    yield {
        "measure": f"first token at {len(ids):,} tokens, against a bare forward over the new tokens",
        "model": name,
        "figure": f"{reuse / bare:.2f}x ({1e3 * bare:.1f} ms)",
        "limit": "at most 1.25x",
        "passed": reuse / bare <= 1.25,
    }
    yield {
        "measure": "the same, against a forward of the very same length again and again",
        "model": name,
        "figure": f"{reuse / again:.2f}x ({1e3 * again:.1f} ms; no turn has the length of another)",
        "limit": "reported",
        "passed": True,
    }
    fast = statistics.median(rate)
    yield {
        "measure": f"tokens per second of decoding at {len(ids):,} tokens against generate",
        "model": name,
        "figure": f"{fast / plain:.2f}x ({fast:.1f}, {plain:.1f})",
        "limit": "at least 1.0x",
        "passed": fast / plain >= 1,
    }
    yield {
        "measure": "the same, generate without cuDNN's attention, which memex-hf leaves out",
        "model": name,
        "figure": f"{fast / plain_without:.2f}x ({fast:.1f}, {plain_without:.1f})",
        "limit": "reported",
        "passed": True,
    }


def _generate(model: Any, ids: Sequence[int]) -> tuple[float, float]:
    """Return the seconds to the first token of ``generate`` on a whole prompt, and its tokens a second."""
    whole = [timed(generated, model, ids, 1) for _ in range(3)][1:]
    many = timed(generated, model, ids, MOST)
    full = statistics.median(whole)
    return full, (MOST - 1) / max(1e-9, many - full)


@contextmanager
def without_cudnn(device: str) -> Iterator[None]:
    """Leave out cuDNN's attention, which makes a plan for every new length."""
    if device != "cuda":
        yield
        return
    before = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


def _bare(model: Any, ids: Sequence[int], new: int, *, step: int) -> float:
    """Time a forward over the last tokens with transformers' own cache warm, in the median of five.

    Args:
        model: The model.
        ids: All tokens.
        new: How many are not in the cache.
        step: How many more are new each time: 0 measures the same length five times.
    """
    given = torch.tensor([list(ids)], device=model.device)
    name = cache_name(model)
    cache = DynamicCache(config=model.config)

    def run(part: torch.Tensor) -> list[Any]:
        out = model(input_ids=part, use_cache=True, logits_to_keep=1, **{name: cache})
        found: list[Any] = out.logits.argmax(-1).tolist()
        return found

    times = []
    with torch.no_grad():
        run(given[:, : -new - 5 * step])
        run(given[:, -new - 5 * step :])
        for again in range(5):
            cache.crop(-new - again * step)
            times.append(timed(run, given[:, -new - again * step :]))
    return statistics.median(times)
