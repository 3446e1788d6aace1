"""What a question and an appended message cost as a thread grows, against what is promised.

    python benchmarks/recall_growth.py [--messages 500 5000 50000 500000] [--no-hybrid]

Words are drawn from a vocabulary of 20,000 by Zipf's law; so are those of half of the questions, which have
3 to 12. The rest of them ask for words that are all as likely, so mostly rare ones. A question is a whole
window, ``recall ▸ fifo`` with 4,000 tokens, in memory and on an SQLite file; the hybrid is
``recall ▸ semantic ▸ fifo`` on SQLite with random vectors of 384 numbers that are at hand: what an embedder
takes for the question comes on top. Times are milliseconds of CPU, of all threads (so run it with
``OPENBLAS_NUM_THREADS=1``): of each question the least of several tries, of all questions the median and
the most; of single appended messages the median.

Prints a table and JSON. Exits with 1 where the median question takes more than 10 ms at 50,000 messages, the
hybrid more than 50 ms, or where time grows as fast as the thread does from there on. 500,000 messages need
5 GB of memory and some minutes.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from vectors import SEMANTIC, Offers, messages

from memex import Memex

LIMIT_MS = {"inmemory": 10.0, "sqlite": 10.0, "hybrid": 50.0}
PROMISED_AT = 50_000
CHAINS: dict[str, list[Any]] = {"recall": ["recall", "fifo"], "hybrid": ["recall", SEMANTIC, "fifo"]}
TRIES = 5
BATCH = 5_000


def questions(count: int = 24) -> list[str]:
    """Return questions of 3 to 12 words, every other one of words as they are said."""
    chance = random.Random(1)
    weights = [1 / (rank + 10) for rank in range(20_000)]
    words = [f"w{rank}" for rank in range(20_000)]
    asked = [
        chance.choices(words, None if number % 2 else weights, k=3 + number % 10) for number in range(count)
    ]
    return [" ".join(some) for some in asked]


def spent(call: Callable[[], Any]) -> float:
    """Return the milliseconds of CPU that a call takes."""
    started = time.process_time()
    call()
    return (time.process_time() - started) * 1e3


def opened(store: str, chain: Sequence[Any]) -> Memex:
    """Open a memory."""
    return Memex(store, chain=chain, budget=4_000, plugins=[Offers()])


def fill(memory: Memex, count: int) -> float:
    """Append messages in batches; return what one takes."""
    thread, made = memory.thread("t"), messages(count)
    took = 0.0
    while batch := list(islice(made, BATCH)):
        started = time.process_time()
        thread.append(batch)
        took += time.process_time() - started
    return took / count * 1e3


def asked(memory: Memex) -> dict[str, float]:
    """Return what questions take."""
    thread = memory.thread("t")
    thread.window("warm up", record=False)
    least = [
        min(spent(lambda said=said: thread.window(said, record=False)) for _ in range(TRIES))  # type: ignore[misc]
        for said in questions()
    ]
    return {"median": round(statistics.median(least), 2), "most": round(max(least), 2)}


def appended(memory: Memex) -> float:
    """Return what a single message takes."""
    thread = memory.thread("t")
    return round(statistics.median(spent(lambda m=m: thread.append(m)) for m in messages(201)), 3)  # type: ignore[misc]


def measure(count: int, folder: Path, *, hybrid: bool) -> dict[str, Any]:
    """Measure threads of one length."""
    row: dict[str, Any] = {"messages": count}
    stores = {"inmemory": "inmemory:", "sqlite": f"sqlite:{folder / f'{count}.db'}"}
    for name, store in stores.items():
        with opened(store, CHAINS["recall"]) as memory:
            row[f"{name} fill"] = round(fill(memory, count), 4)
            row[name] = asked(memory)
            row[f"{name} append"] = appended(memory)
        gc.collect()
    if hybrid:
        from memex_semantic.sharing import embeddings_for, reader_of

        with opened(stores["sqlite"], CHAINS["hybrid"]) as memory:
            head = memory.thread("t").info.head
            embeddings = embeddings_for("random", 200, memory)
            row["embed"] = round(spent(lambda: embeddings.embed("t", reader_of("t", memory), head)) / head, 4)
            row["hybrid first"] = round(
                spent(lambda: memory.thread("t").window("w1 w2", record=False)), 1
            )  # reads the vectors
            row["hybrid"] = asked(memory)
    return row


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the figures as a table."""
    heads = ["messages", "recall in memory", "recall on SQLite", "hybrid"]
    heads += ["append in memory", "append on SQLite"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in rows:
        asked = [row.get(name) for name in LIMIT_MS]
        cells = [f"{found['median']} (most {found['most']})" if found else "" for found in asked]
        appends = [str(row[f"{name} append"]) for name in ("inmemory", "sqlite")]
        lines.append(f"| {row['messages']:,} | " + " | ".join([*cells, *appends]) + " |")
    return "\n".join(lines)


def broken(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return which promises do not hold."""
    found = []
    for name, limit in LIMIT_MS.items():
        known = {row["messages"]: row[name]["median"] for row in rows if name in row}
        at = known.get(PROMISED_AT)
        if at is not None and at > limit:
            found.append(f"{name}: {at} ms at {PROMISED_AT:,} messages; {limit} ms are promised")
        for longer, took in known.items():
            if at is not None and longer > PROMISED_AT and took / at >= longer / PROMISED_AT:
                found.append(f"{name}: {took} ms at {longer:,} messages: time grows as the thread does")
    return found


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, nargs="+", default=[500, 5_000, 50_000])
    parser.add_argument("--no-hybrid", action="store_true")
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in chosen.messages:
            rows.append(measure(count, Path(folder), hybrid=not chosen.no_hybrid))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    wrong = broken(rows)
    print(table(rows), end="\n\n", file=sys.stderr)
    print(json.dumps({"limits_ms": LIMIT_MS, "at": PROMISED_AT, "rows": rows, "broken": wrong}, indent=1))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
