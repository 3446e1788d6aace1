"""Fresh tokens over a long conversation: what a prompt cache or a KV cache cannot save.

Holds the same conversation through fifo with its low-water mark and through the window that moves
at every turn (``low_water=1.0``), within the same budget, and prints both as JSON::

    python benchmarks/fresh_tokens.py [--turns 300] [--budget 16000] [--most 0.2]

Exits with 1 if the low-water mark sends more than ``--most`` of the per-turn window's fresh tokens.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

from memex import Memex, Message

SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va".split()  # noqa: SIM905 - easier to read
WORDS = ["".join(syllables) for syllables in product(SYLLABLES, repeat=3)]


def conversation(turns: int) -> Iterator[tuple[Message, Message]]:
    """Yield questions of some 20 words and answers of some 90, the same ones every time."""
    chance = random.Random(7)

    weights = [1 / rank for rank in range(1, len(WORDS) + 1)]  # as words are spread in real texts

    def words(count: int) -> str:
        return " ".join(chance.choices(WORDS, weights, k=max(1, int(chance.gauss(count, count / 4)))))

    for turn in range(turns):
        yield Message.user(f"Question {turn}: {words(20)}?"), Message.assistant(f"{words(90)}.")


def hold(chain: list[Any], turns: int, budget: int) -> dict[str, Any]:
    """Hold the conversation and add up its plans."""
    with Memex("inmemory:", chain=chain, budget=budget) as memory:
        thread = memory.thread("t")
        thread.append(Message.system("You keep the minutes. " + "Be brief. " * 40))
        plans = []
        for question, answer in conversation(turns):
            thread.append(question)
            plans.append(thread.window().plan)
            thread.append(answer)
    return {
        "fresh_tokens": sum(plan.fresh_tokens for plan in plans),
        "sent_tokens": sum(plan.tokens for plan in plans),
        "largest_prompt": max(plan.tokens for plan in plans),
        "evictions": sum(any(c.kind == "drop" for s in plan.steps for c in s.changes) for plan in plans),
        "budget_kept": all(plan.tokens + plan.answer <= plan.total for plan in plans),
    }


def main() -> int:
    """Run the comparison."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--turns", type=int, default=300)
    arguments.add_argument("--budget", type=int, default=16_000)
    arguments.add_argument("--most", type=float, default=0.2)
    given = arguments.parse_args()
    chains: dict[str, list[Any]] = {
        "per turn": [{"use": "fifo", "low_water": 1.0}],
        "low water": ["fifo"],
        "recall and low water": ["recall", "fifo"],
    }
    held = {name: hold(chain, given.turns, given.budget) for name, chain in chains.items()}
    ratio = held["low water"]["fresh_tokens"] / held["per turn"]["fresh_tokens"]
    passed = ratio <= given.most and all(figures["budget_kept"] for figures in held.values())
    figures = {"turns": given.turns, "budget": given.budget, "chains": held}
    print(json.dumps({**figures, "ratio": round(ratio, 4), "limit": given.most, "passed": passed}, indent=2))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
