"""Evidence recall at a token budget: is the message that holds the answer among those chosen?

    python benchmarks/recall.py --scorer evidence_recall.py DATA.json [DATA.json ...]

The scorer and the data are not part of memex. A data file holds conversations with messages and
questions, each question with the ids of the messages that annotators marked as its evidence; the
public originals are LoCoMo (github.com/snap-research/locomo) and RealMem. The scorer is a module
with ``load(path)`` and ``evaluate(factory, conversations, budgets)``; a factory makes an object
with ``append(message)`` and ``select(query, budget)``, which returns message ids, best first.

Compared in the same run: baselines and other libraries (``recall_peers``; one that is not installed is
named as missing), what the rankers of memex select, and whole windows of memex. The first two pay
for the messages alone, as the scorer counts them. The windows also pay for the heading, for the
reference of each quote and for recent messages. All embed with the same model, all-MiniLM-L6-v2.

Prints a table and JSON. Exits with 1 where recall is not 10 points ahead of plain BM25 at 2,048
tokens, or recall with semantic not 10 points ahead of the reciprocal-rank hybrid.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "recall_peers"))

import chains
import embedding
import scale
from scoring import scorer_at

BUDGETS = (512, 1024, 2048, 4096, 8192)
AHEAD = 10.0
PEERS = {
    "plain BM25": ("baselines", "Bm25"),
    "MiniLM cosine": ("baselines", "Cosine"),
    "RRF of BM25 and MiniLM": ("baselines", "ReciprocalRank"),
    "k-means clusters": ("clusters", "Clusters"),
    "LangChain vector memory": ("langchain_vectors", "VectorMemory"),
    "LlamaIndex Memory": ("llamaindex_memory", "LlamaMemory"),
    "LlamaIndex vector block": ("llamaindex_memory", "LlamaVectors"),
    "mem0 (infer=False)": ("mem0_memory", "Mem0"),
}


def peers() -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
    """Return the baselines that can run here, and why the others cannot."""
    able: dict[str, Callable[[], Any]] = {}
    missing: dict[str, str] = {}
    for name, (module, attribute) in PEERS.items():
        try:
            found = getattr(importlib.import_module(module), attribute)
            if getattr(found, "embeds", False):
                embedding.model()
            able[name] = found
        except ImportError as error:
            missing[name] = str(error)
    return able, missing


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


def worse(found: Mapping[str, Any]) -> list[str]:
    """Return where something of memex finds less than plain BM25, by category at 2,048 tokens."""
    if "plain BM25" not in found:
        return []
    plain = found["plain BM25"]["recall@2048 by category"]
    return [
        f"{name}: {category} {value} < {plain[category]}"
        for name, figure in found.items()
        if name in chains.CHAINS
        for category, value in figure["recall@2048 by category"].items()
        if value < plain[category]
    ]


def compare(scorer: ModuleType, path: Path, policies: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return the figures of one data file."""
    conversations = scorer.load(path)
    embedded: list[Any] = [make for make in policies.values() if getattr(make, "embeds", False)]
    for one in embedded:
        said = [one.embedded(row) for conversation in conversations for row in conversation["messages"]]
        asked = [
            q["query"] for conversation in conversations for q in conversation["questions"] if q["scored"]
        ]
        embedding.embed(said + asked)  # in batches
    found = {}
    for name, make in policies.items():
        found[name] = figures(scorer, *scorer.evaluate(make, conversations, BUDGETS))
        print(f"{path.stem}: {name}: {found[name]['recall@2048']} % at 2,048 tokens", file=sys.stderr)
    pairs = (("recall", "plain BM25"), ("recall + semantic", "RRF of BM25 and MiniLM"))
    ahead = {
        f"{ours} before {theirs}": round(found[ours]["recall@2048"] - found[theirs]["recall@2048"], 1)
        for ours, theirs in pairs
        if ours in found and theirs in found
    }
    return {"policies": found, "points ahead at 2048": ahead, "worse than plain BM25": worse(found)}


def table(name: str, result: Mapping[str, Any]) -> str:
    """Return the figures of one data file as a table."""
    categories = sorted(next(iter(result["policies"].values()))["recall@2048 by category"])
    head = [name, *(f"R@{budget}" for budget in BUDGETS), *categories, "ms"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for policy, figure in result["policies"].items():
        by_category = figure["recall@2048 by category"]
        cells = [*(figure[f"recall@{b}"] for b in BUDGETS), *(by_category[c] for c in categories)]
        lines.append(f"| {policy} | " + " | ".join(map(str, [*cells, figure["ms per question"]])) + " |")
    return "\n".join(lines)


def main() -> int:
    """Run the comparison."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("data", nargs="+", type=Path)
    arguments.add_argument("--scorer", required=True, type=Path)
    arguments.add_argument("--vectors", type=Path, help="an .npz file that keeps the vectors between runs")
    arguments.add_argument("--sizes", default="", help="threads to time, such as 500,5000,50000")
    arguments.add_argument("--timing", action="store_true", help="time only, and select nothing")
    arguments.add_argument("--store", default="inmemory:", help="the store of the threads to time")
    arguments.add_argument("--only", default="", help="comma-separated names, to run only these")
    given = arguments.parse_args()
    scorer = scorer_at(given.scorer)
    able, missing = peers()
    policies = {"last-n": scorer.LastN, **able, **chains.able(missing)}
    if given.only:
        policies = {name: policies[name] for name in given.only.split(",") if name in policies}
    if given.vectors:
        embedding.load(given.vectors)
    sets = {path.stem: compare(scorer, path, policies) for path in given.data if not given.timing}
    if given.vectors:
        embedding.save(given.vectors)
    for name, result in sets.items():
        print(table(name, result), end="\n\n", file=sys.stderr)
    sizes = [int(size) for size in given.sizes.split(",") if size]
    times = scale.times([c for path in given.data[:1] for c in scorer.load(path)], sizes, given.store)
    passed = all(
        points >= AHEAD for result in sets.values() for points in result["points ahead at 2048"].values()
    )
    print(json.dumps({"sets": sets, "missing": missing, "times": times, "passed": passed}, indent=2))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
