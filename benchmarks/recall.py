"""Evidence recall at a token budget: is the message that holds the answer in the window?

    python benchmarks/recall.py --scorer evidence_recall.py DATA.json [DATA.json ...]

The scorer and the data are not part of memex. A data file holds conversations with messages and
questions, each question with the ids of the messages that annotators marked as its evidence; the
public originals are LoCoMo (github.com/snap-research/locomo) and RealMem. The scorer is a module
with ``load(path)`` and ``evaluate(factory, conversations, budgets)``; a factory makes an object
with ``append(message)`` and ``select(query, budget)``, which returns message ids, best first.

Compared in the same run: the newest messages (last-n), plain BM25, the ranking of memex-recall
alone, and whole windows of memex. The windows pay for the heading and references of the
quotes, and for what the built-in counter counts too much; the others pay for nothing but
the messages. Prints JSON; exits with 1 if the ranking is worse than plain BM25 at 2,048 tokens.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from memex_recall.ranking import rank

from memex import Budget, Memex, Message, TermIndex, terms

BUDGETS = (512, 1024, 2048, 4096, 8192)
Row = Mapping[str, Any]


class Bm25:
    """Plain BM25 over whole messages, k1 = 1.2, b = 0.75."""

    def __init__(self) -> None:
        self.index = TermIndex()
        self.messages: list[Row] = []

    def append(self, message: Row) -> None:
        """Take the next message."""
        self.messages.append(message)
        self.index.add(len(self.messages), terms(message["content"]))

    def select(self, query: str, budget: int) -> list[str]:
        """Return the ids of what fits, best first."""
        best = [self.messages[seq - 1] for _, seq in self.index.rank(terms(query), match_all=False)]
        return fitting(best, budget)


class Thread:
    """What the policies of memex share: a thread in memory, with the scorer's messages in it."""

    chain: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.memory = Memex("inmemory:", chain=self.chain)
        self.thread = self.memory.thread("t")
        self.rows: list[Row] = []

    def append(self, message: Row) -> None:
        """Take the next message."""
        self.rows.append(message)
        make = Message.assistant if message["role"] == "assistant" else Message.user
        self.thread.append(make(message["content"], id=message["id"], name=message["name"]))


class Ranking(Thread):
    """The ranking of memex-recall: as much of it as fits."""

    def select(self, query: str, budget: int) -> list[str]:
        """Return the ids of what fits, best first."""
        found = rank(self.thread.log(), query, upto=len(self.rows), worth=0.0, pool=400)
        ranked = [self.rows[r.entry.seq - 1] for r in found]
        # A message that fills a quarter of the budget alone must not push out all others.
        return fitting(sorted(ranked, key=lambda row: row["tokens"] > budget / 4), budget)


class Window(Thread):
    """A whole window of memex: what was recalled, then what is in the window itself."""

    chain: ClassVar[list[Any]] = ["recall", "fifo"]

    def select(self, query: str, budget: int) -> list[str]:
        """Return the ids of what fits, best first."""
        asked = self.memory.counter.count_message(Message.user(query))
        thread = self.memory.thread("t", budget=Budget(budget + asked, 0))
        plan = thread.window(query, record=False).plan
        recalled = [seq for first, last in plan.recalled() for seq in range(first, last + 1)]
        return [self.rows[seq - 1]["id"] for seq in (*recalled, *plan.kept()) if seq <= len(self.rows)]


class RecallHeavyWindow(Window):
    """The same with three quarters of the prompt for quotes."""

    chain: ClassVar[list[Any]] = [{"use": "recall", "share": 0.75}, "fifo"]


def fitting(rows: Iterable[Row], budget: int) -> list[str]:
    """Return the ids of those that fit, in order; what does not fit is passed over."""
    ids = []
    for row in rows:
        if row["tokens"] <= budget:
            budget -= row["tokens"]
            ids.append(row["id"])
    return ids


def figures(scorer: ModuleType, records: list[Any], timing: Mapping[str, float]) -> dict[str, Any]:
    """Return what is printed of one policy."""
    keys = [f"{kind}@{budget}" for kind in ("recall", "all") for budget in BUDGETS]
    categories = sorted({record["category"] for record in records})
    return {
        **{key: round(100 * scorer.mean(records, key), 1) for key in keys},
        "recall@2048 by category": {
            category: round(
                100 * scorer.mean([r for r in records if r["category"] == category], "recall@2048"), 1
            )
            for category in categories
        },
        "ms per question": round(1e3 * timing["select_s"] / timing["selects"], 2),
    }


def main() -> int:
    """Run the comparison."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("data", nargs="+", type=Path)
    arguments.add_argument("--scorer", required=True, type=Path)
    given = arguments.parse_args()
    scorer = _module(given.scorer)
    policies: dict[str, Callable[[], Any]] = {
        "last-n": scorer.LastN,
        "plain BM25": Bm25,
        "recall, ranking": Ranking,
        "recall ▸ fifo, window": Window,
        "recall(share=0.75) ▸ fifo, window": RecallHeavyWindow,
    }
    results: dict[str, Any] = {}
    passed = True
    for path in given.data:
        conversations = scorer.load(path)
        found = {
            name: figures(scorer, *scorer.evaluate(make, conversations, BUDGETS))
            for name, make in policies.items()
        }
        ahead = round(found["recall, ranking"]["recall@2048"] - found["plain BM25"]["recall@2048"], 1)
        passed = passed and ahead >= 0
        results[path.stem] = {"policies": found, "points ahead of plain BM25 at 2048": ahead}
    print(json.dumps({"sets": results, "passed": passed}, indent=2, ensure_ascii=False))
    return 0 if passed else 1


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("scorer", path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
