"""Keys and values that live across turns: every claim of memex-hf, measured.

Builds models of several architectures with random weights and holds conversations with them, with
reuse and without, and prints what came out as JSON and as a table::

    python benchmarks/kv.py [--quick] [--models llama,qwen] [--json kv.json] [--markdown kv.md]
    python benchmarks/kv.py --device cuda --big   # about 1 B weights in bf16 at 8k, 32k and 100k tokens

Exits with 1 if a figure is outside its limit.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import kv_big
import kv_clock
import kv_measures
import kv_models
import kv_turns
import torch
import transformers

Row = dict[str, Any]
MEASURES: dict[str, Callable[..., Iterator[Row]]] = {
    "identical": kv_measures.identical,
    "prefilled": kv_measures.prefilled,
    "first-token": kv_measures.first_token,
    "decoding": kv_measures.decoding,
    "eviction": kv_turns.eviction,
    "fork": kv_turns.fork,
    "sharing": kv_turns.sharing,
    "memory": kv_turns.memory,
    # Others are added here: a function that yields rows {measure, model, figure, limit, passed, ...}.
}


def machine(device: str) -> Row:
    """Return where the figures come from."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {
        "device": name,
        "cpus": os.cpu_count(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "clock": kv_clock.name(),
    }


def table(rows: list[Row], where: Row) -> str:
    """Return the rows as a markdown table."""
    lines = [
        f"Measured on {where['device']} ({where['cpus']} CPUs), torch {where['torch']}, transformers "
        f"{where['transformers']}, Python {where['python']}, load {where['load']}, in {where['clock']}.",
        "",
        "| measure | model | figure | limit | |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        mark = "ok" if row["passed"] else "**outside**"
        lines.append(f"| {row['measure']} | {row['model']} | {row['figure']} | {row['limit']} | {mark} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run what is asked for."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--big", action="store_true", help="about 1 B weights, long contexts")
    arguments.add_argument("--contexts", default="8000,32000,100000", help="for --big")
    arguments.add_argument("--quick", action="store_true", help="fewer seeds and repetitions")
    arguments.add_argument("--only", default=",".join(MEASURES), help="measures, by name")
    arguments.add_argument("--models", default=",".join(kv_models.configs(64, 2)))
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--markdown", type=Path)
    given = arguments.parse_args()
    quieten()
    kv_clock.choose(given.device)
    rows: list[Row] = []
    begun = time.perf_counter()
    for row in chosen(given):
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    where = machine(given.device)
    result = {**where, "seconds": round(time.perf_counter() - begun), "rows": rows}
    print(json.dumps(result, indent=2))
    print(table(rows, where))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if given.markdown:
        given.markdown.write_text(table(rows, where), encoding="utf-8")
    return 0 if all(row["passed"] for row in rows) else 1


def chosen(given: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of the measures that are asked for."""
    if given.big:
        yield from kv_big.long_contexts(given.device, [int(size) for size in given.contexts.split(",")])
        return
    for name in given.only.split(","):
        yield from MEASURES[name](given.device, given.models.split(","), quick=given.quick)


def quieten() -> None:
    """Keep what libraries say about missing kernels out of the figures."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")


if __name__ == "__main__":
    sys.exit(main())
