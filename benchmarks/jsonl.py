"""What does memex-jsonl cost as a thread grows, and what does its search keep in memory?

Threads of two lengths are written; each figure is taken in a fresh process, in CPU time, the least of
``--runs`` of them. ``ratio`` compares the long thread with the short one: 1 means that length costs
nothing. Search figures are those of the long thread; its messages have 40 different words each.

    python benchmarks/jsonl.py [--short 1000] [--long 100000] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from memex_jsonl.store import JsonlStore

from memex import Message

WORDS = [f"word{number}" for number in range(20_000)]


def fill(folder: str, count: int) -> None:
    """Write a thread."""
    chance = random.Random(1)
    store = JsonlStore(folder, durability="fast")
    for start in range(0, count, 500):
        texts = (" ".join(chance.sample(WORDS, 40)) for _ in range(min(500, count - start)))
        store.append("t", [Message.user(text) for text in texts])
    JsonlStore(folder).append("t", [Message.user("the last one, synced")])


def milliseconds(act: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    before = time.process_time()
    act()
    return (time.process_time() - before) * 1e3


def megabytes() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: str) -> dict[str, float]:
    """Return the figures of a fresh process, in ms and MB."""
    said = [Message.user("one more") for _ in range(101)]
    found: dict[str, float] = {}
    store = JsonlStore(folder)
    found["cold tail of 20"] = milliseconds(lambda: list(islice(store.entries("t", reverse=True), 20)))
    found["first append"] = milliseconds(lambda: store.append("t", [said.pop()]))
    found["append"] = milliseconds(lambda: [store.append("t", [one]) for one in said]) / len(said)
    found["tail of 20"] = min(
        milliseconds(lambda: list(islice(store.entries("t", reverse=True), 20))) for _ in range(5)
    )
    before = megabytes()
    found["first find"] = milliseconds(lambda: store.find("t", ["word7"], upto=1 << 30, limit=20))
    found["find"] = min(
        milliseconds(lambda: store.find("t", ["word7"], upto=1 << 30, limit=20)) for _ in range(5)
    )
    found["words in memory, MB"] = megabytes() - before
    found["search of one thread"] = milliseconds(lambda: store.search("word7 word8", thread="t", match="any"))
    return found


def least(folder: Path, runs: int) -> dict[str, float]:
    """Return the least of several processes."""
    all_runs = []
    for _ in range(runs):
        command = [sys.executable, __file__, "--measure", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        all_runs.append(json.loads(done.stdout))
    return {name: round(min(run[name] for run in all_runs), 3) for name in all_runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--short", type=int, default=1_000)
    parser.add_argument("--long", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
        return
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for length in ("short", "long"):
            fill(f"{name}/{length}", getattr(asked, length))
            result[length] = {"messages": getattr(asked, length)} | least(Path(name) / length, asked.runs)
    result["ratio"] = {
        name: round(result["long"][name] / value, 2)
        for name, value in result["short"].items()
        if name != "messages" and value
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
