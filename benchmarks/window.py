"""Does a turn cost the same on a thread of 100,000 messages as on one of 1,000?

Builds threads of rising length in SQLite, with words drawn by Zipf's law, and measures turns at a
4,000-token budget through two chains. Two times are given: the window alone (reading, policies,
guard, plan; nothing written), and the whole turn with its durable writes and a model that answers at
once. The limit: at 100,000 messages at most 1.5 times the time at 1,000 with fifo, 3 times with
recall. Each window is asked for ``--turns`` times with another question; medians are reported.

    python benchmarks/window.py [--sizes 100,1000,10000,100000] [--turns 40]
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from memex import Capabilities, Event, Memex, Message, Request, Thread

CHAINS = {"fifo": (["fifo"], 1.5), "recall + fifo": (["recall", "fifo"], 3.0)}
BUDGET = 4_000
VOCABULARY = 20_000


class AtOnce:
    """A model that answers at once, so that only memex is measured."""

    name, model = "at-once", "1"
    capabilities = Capabilities()

    def stream(self, request: Request) -> Iterator[Event]:
        """Answer with as many words as a short answer has."""
        yield Event(kind="text", text=f"noted, {len(request.messages)} messages seen " + "and so on " * 10)
        yield Event(kind="finish", finish="stop")

    def close(self) -> None:
        """Hold nothing."""


class Talk:
    """Sentences whose words follow Zipf's law, as in real conversations."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = [
            "".join(self._random.choices(letters, k=self._random.randint(2, 9))) for _ in range(VOCABULARY)
        ]
        self._weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(VOCABULARY)))

    def sentence(self, words: int) -> str:
        """Return a sentence of so many words."""
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=words))


def fill(thread: Thread, talk: Talk, count: int) -> None:
    """Append ``count`` messages in batches."""
    for start in range(0, count, 5_000):
        batch = min(5_000, count - start)
        thread.append([Message.of("assistant" if i % 2 else "user", talk.sentence(25)) for i in range(batch)])


def median_ms(calls: int, call: Callable[[], object]) -> float:
    """Return the median time of a call in milliseconds."""
    times = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return round(statistics.median(times), 3)


def measure(folder: Path, size: int, turns: int) -> dict[str, dict[str, float]]:
    """Return window and turn times for each chain at one thread length."""
    return {name: measure_chain(folder, size, turns, chain) for name, (chain, _) in CHAINS.items()}


def measure_chain(folder: Path, size: int, turns: int, chain: list[str]) -> dict[str, float]:
    """Return window and turn times for one chain at one thread length."""
    talk = Talk(seed=size)
    path = folder / f"{size}-{len(chain)}.db"
    with Memex(f"sqlite:{path}", backend=AtOnce(), chain=chain, budget=BUDGET) as memory:
        thread = memory.thread("long")
        fill(thread, talk, size)
        for _ in range(5):
            thread.send(talk.sentence(8))
        window = median_ms(turns, lambda: thread.window(talk.sentence(8), record=False))
        turn = median_ms(turns, lambda: thread.send(talk.sentence(8)))
        return {"window_ms": window, "turn_ms": turn, "tokens": thread.plan().tokens}


def main() -> int:
    """Print a table and JSON; fail if a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100,1000,10000,100000")
    parser.add_argument("--turns", type=int, default=40)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        found = {size: measure(Path(folder), size, options.turns) for size in sizes}
    ratios, failed = {}, False
    for name, (_, limit) in CHAINS.items():
        print(f"{name}:")
        for size in sizes:
            times = found[size][name]
            window, turn = times["window_ms"], times["turn_ms"]
            print(f"  {size:>7,} messages: window {window:7.2f} ms, turn {turn:7.2f} ms")
        if 1_000 in found:
            ratios[name] = {
                kind: round(found[sizes[-1]][name][kind] / found[1_000][name][kind], 2)
                for kind in ("window_ms", "turn_ms")
            }
            failed |= max(ratios[name].values()) > limit
            print(f"  {sizes[-1]:,} against 1,000: {ratios[name]}, limit {limit}")
    print(json.dumps({"benchmark": "window", "budget": BUDGET, "results": found, "ratios": ratios}))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
