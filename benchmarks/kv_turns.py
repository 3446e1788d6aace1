"""Measures for kv.py that go through a whole memory: eviction, forks, sharing, the byte budget."""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from kv_clock import now
from kv_models import build, configs, tokenizer, words
from kv_talk import Watch
from memex_hf.backend import HF
from memex_hf.counter import HFCounter
from memex_hf.running.engine import Engine
from memex_hf.tokenizing import Words

from memex import Memex, Message, Thread

Row = dict[str, Any]


def backend(model: Any, *, budget: int = 2**32, background: bool = False, lanes: int = 8) -> HF:
    """Return a backend with a model that ends no answer by itself."""
    engine = Engine(model, budget=budget, most_lanes=lanes)
    return HF("bench", engine, Words(tokenizer(), name="bench"), background=background)


def eviction(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Time the first token over 64 turns within 2,000 tokens: three ways to evict."""
    for name in models:
        model = build(configs(256, 4)[name], dtype=torch.float32, device=device, spread=None)
        turns = 64 if not quick else 40
        every, batch, warm = (
            _first_tokens(model, turns, low_water=low, background=background)
            for low, background in ((1.0, False), (0.5, False), (0.5, True))
        )
        ratio = statistics.mean(every) / statistics.mean(batch)
        yield {
            "measure": f"mean first token, {turns} turns at 2,000 tokens, low-water 0.5 against per-message",
            "model": name,
            "figure": f"{ratio:.1f}x better ({_ms(statistics.mean(every))}, {_ms(statistics.mean(batch))})",
            "limit": "at least 8x",
            "passed": ratio >= 8,
        }
        tail = sorted(warm)[int(0.95 * len(warm))] / statistics.median(warm)
        without = sorted(batch)[int(0.95 * len(batch))] / statistics.median(batch)
        yield {
            "measure": "first token with background prefill: 95th percentile against the median",
            "model": name,
            "figure": f"{tail:.2f}x (median {_ms(statistics.median(warm))}; without: {without:.2f}x, "
            f"largest {_ms(max(batch))}, with: {_ms(max(warm))})",
            "limit": "at most 1.5x",
            "passed": tail <= 1.5,
        }


def _first_tokens(model: Any, turns: int, *, low_water: float, background: bool) -> list[float]:
    """Return the time to the first token of every turn after the first eviction could happen."""
    made = backend(model, background=background)
    watch = Watch(model)
    found = []
    counter = HFCounter(Words(tokenizer(), name="bench"))
    chain = [{"use": "fifo", "low_water": low_water}]
    with Memex(
        "inmemory:", backend=made, chain=chain, budget=2_000, answer_tokens=64, counter=counter
    ) as memory:
        thread = memory.thread("t")
        thread.append(Message.system(words(60, 1)))
        for turn in range(24):  # the window is nearly full when the clock starts
            thread.append([Message.user(words(24, turn)), Message.assistant(words(36, turn))])
        for turn in range(turns):
            watch.steps.clear()
            begun = now()
            events = list(thread.stream(words(24, 1000 + turn), max_new_tokens=32))
            computed = next(event.usage.input_tokens for event in events if event.usage)
            first = _after(watch, computed)  # the first token goes in again
            if turn:
                found.append(first - begun)
            made.wait_until_prepared(60)  # the user reads
    made.close()
    watch.close()
    return found


def _after(watch: Watch, computed: int) -> float:
    """Return when the model was run for the first time after the prompt."""
    for at, count in watch.steps:
        if computed <= 0:
            return at
        computed -= count
    raise LookupError("the answer has one token")


def fork(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Fork a conversation of 4,000 tokens: how long, and what is copied."""
    for name in models:
        model = build(configs(64, 2)[name], dtype=torch.float32, device=device)
        made = backend(model)
        with Memex("inmemory:", backend=made, chain=[], budget=20_000, answer_tokens=64) as memory:
            thread = memory.thread("t")
            thread.append(Message.system(words(3900, 1)))
            thread.send(words(50, 2), max_new_tokens=8)
            before, copied = made.engine.shelf.nbytes, made.engine.shelf.tally.copied
            seconds = []
            forks: list[Thread] = []
            for _ in range(5 if quick else 25):
                begun = now()
                forks.append(thread.fork())
                seconds.append(now() - begun)
            moved = made.engine.shelf.tally.copied - copied + made.engine.shelf.nbytes - before
            usage = forks[0].send(words(10, 3), max_new_tokens=8).usage
        median = statistics.median(seconds)
        yield {
            "measure": "a fork at 4,000 tokens",
            "model": name,
            "figure": f"{_ms(median)}, {moved} bytes copied; its first turn computes {usage.input_tokens} "
            f"tokens of {usage.prompt_tokens:,}",
            "limit": "under 1 ms, nothing copied",
            "passed": median < 1e-3 and moved == 0 and usage.input_tokens < 60,
        }


def sharing(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Hold many conversations with one system text: it is computed once."""
    threads = 10 if quick else 40
    for name in models:
        made = backend(build(configs(64, 2)[name], dtype=torch.float32, device=device))
        with Memex("inmemory:", backend=made, chain=[], budget=8_000, answer_tokens=64) as memory:
            for index in range(threads):
                thread = memory.thread(f"t{index}")
                thread.append(Message.system(words(500, 1)))
                thread.send(words(10, index), max_new_tokens=4)
        per_thread = (made.engine.counts.prefilled - 500) / threads
        yield {
            "measure": f"tokens prefilled for each of {threads} conversations with one system text of 500",
            "model": name,
            "figure": f"{per_thread:.0f}, and the system text once",
            "limit": "under 50",
            "passed": per_thread < 50,
        }


def memory(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Hold 200 threads in random order within a byte budget."""
    for name in models[:1] if quick else models:
        most, real, reused = _within_budget(name, device, turns=200 if quick else 600)
        yield {
            "measure": "the byte budget under 200 threads in random order",
            "model": name,
            "figure": f"at most {most:.3f} of it counted, {real:.3f} in live tensors; "
            f"{reused:.0%} of prompt tokens reused",
            "limit": "at most 1.05",
            "passed": max(most, real) <= 1.05,
        }


def _within_budget(name: str, device: str, *, turns: int) -> tuple[float, float, float]:
    """Return the largest share of the budget that was counted, that was alive, and the share reused."""
    model = build(configs(64, 2)[name], dtype=torch.float32, device=device)
    before = _tensor_bytes(device)
    budget = 4 * 2**20
    made = backend(model, budget=budget)
    counted, held, reused, prompts = [], [], 0, 0
    chance = random.Random(1)
    with Memex("inmemory:", backend=made, chain=["fifo"], budget=900, answer_tokens=64) as memory:
        for turn in range(turns):
            thread = memory.thread(f"t{chance.randrange(200)}")
            if not thread.info.head:
                thread.append(Message.system(words(60, 1)))
            usage = thread.send(words(chance.randrange(5, 60), turn), max_new_tokens=8).usage
            reused += usage.cache_read_tokens
            prompts += usage.prompt_tokens
            counted.append(made.engine.shelf.nbytes)
            if turn % 20 == 19:
                held.append(_tensor_bytes(device) - before)
    return max(counted) / budget, max(held) / budget, reused / prompts


def _tensor_bytes(device: str) -> int:
    """Return the bytes of all tensors that are alive."""
    gc.collect()
    if device == "cuda":
        return torch.cuda.memory_allocated()
    sizes = {}
    for thing in gc.get_objects():
        if type(thing) in (torch.Tensor, torch.nn.Parameter):
            storage = thing.untyped_storage()
            sizes[storage.data_ptr()] = storage.nbytes()
    return sum(sizes.values())


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.2f} ms"
