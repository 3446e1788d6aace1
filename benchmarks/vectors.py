"""What ranking by meaning costs as a thread grows: a question, an appended message, opening, bytes.

    python benchmarks/vectors.py [--messages 500 5000 50000] [--large] [--peers]

Vectors are random, of 384 numbers, and the embedder gives them at once: what a model takes comes on top.
Words are drawn from a vocabulary of 20,000 by Zipf's law, so that ``recall`` has as much to do as it
has on real text. Each thread is in an SQLite file. Times are the least of several tries, in milliseconds of
CPU, of all threads (so run it with ``OPENBLAS_NUM_THREADS=1``); the limit beside them is numpy's product
of as large a matrix and a vector, in the same run. From 50,000 messages on ``search_ms`` is with a
look at bytes first, where numkong is installed (``pip install 'memex-semantic[large]'``).

``--large`` adds 500,000 messages (2 GB of memory, some minutes). ``--peers`` compares the exact search with
what usearch offers - exact with float32 and int8, and HNSW - and needs ``pip install usearch``; HNSW is
built for up to 50,000. Prints JSON; exits with 1 if a question to the hybrid chain at 50,000 takes more
than 50 ms.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import memex_semantic
import numpy as np
from memex_semantic.numeric import matrix as numeric
from memex_semantic.numeric.matrix import Matrix, unit
from memex_semantic.sharing import embeddings_for, reader_of

from memex import Memex, Message, Provider, Thread, hookimpl

DIMENSION = 384
LIMIT_MS = 50.0
QUESTION = "w7 w130 w911 w1707"
SEMANTIC = {"use": "semantic", "embedder": "random"}
CHAINS: dict[str, list[Any]] = {
    "fifo": [],
    "recall": ["recall"],
    "semantic": [SEMANTIC],
    "hybrid": ["recall", SEMANTIC],
}


class Random:
    """An embedder that gives each text a random vector of its own, at once."""

    name = "random-1"
    dimension = DIMENSION
    batch = 1024

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return random vectors; the same for the same text."""
        return [random_vector(text) for text in texts]


def random_vector(text: str) -> Any:
    """Return 384 numbers between -1 and 1 that are the text's own."""
    drawn = np.frombuffer(random.Random(text).randbytes(2 * DIMENSION), np.uint16)
    return drawn.astype(np.float32) / 32768 - 1


class Offers:
    """The plugin that offers it."""

    @hookimpl
    def memex_embedders(self) -> list[Provider]:
        """Offer the embedder."""
        return [Provider("random", f"{__name__}:Random", "Random vectors")]


def messages(count: int) -> Iterator[Message]:
    """Yield messages of some twenty words."""
    chance = random.Random(count)
    weights = list(accumulate(1 / (rank + 10) for rank in range(20_000)))  # once, not for each message
    words = [f"w{rank}" for rank in range(20_000)]
    for number in range(count):
        said = chance.choices(words, cum_weights=weights, k=chance.randint(6, 40))
        make = Message.assistant if number % 2 else Message.user
        yield make(" ".join(said))


def least(call: Callable[[], Any], tries: int = 7) -> float:
    """Return the least CPU time that a call took, in milliseconds; the machine may have other work."""
    times = []
    for _ in range(tries):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return round(min(times) * 1e3, 3)


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Fill a thread and measure it."""
    path = folder / f"{count}.db"

    def opened(*chain: Any) -> Memex:
        return Memex(f"sqlite:{path}", chain=[*chain, "fifo"], budget=8_000, plugins=[Offers()])

    made = messages(count)
    with opened() as memory:
        thread = memory.thread("t")
        while batch := list(islice(made, 1_000)):
            thread.append(batch)
    plain = path.stat().st_size
    with opened() as memory:
        started = time.process_time()
        embeddings_for("random", 200, memory).embed("t", reader_of("t", memory), count)
        embedding = time.process_time() - started
    found: dict[str, Any] = {
        "messages": count,
        "embed_and_store_ms_a_message": round(embedding / count * 1e3, 4),
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "file_without_vectors_mb": round(plain / 1e6, 1),
    }
    with opened(SEMANTIC) as memory:
        found["first_question_ms"] = least(lambda: asks(memory), 1)
        matrix = embeddings_for("random", 200, memory).matrix("t", reader_of("t", memory), count)
        asked = unit(np.array([random_vector(QUESTION)], np.float32))
        found |= searching(matrix, asked, count)
        rows = unit(np.random.default_rng(1).standard_normal((count, DIMENSION), np.float32))
        found["numpy_product_ms"] = least(lambda: rows @ asked[0])
    for name, chain in CHAINS.items():
        with opened(*chain) as memory:
            asks(memory)
            found[f"{name}_window_ms"] = least(functools.partial(asks, memory))
            if name == "hybrid":
                found |= appending(memory)
    return found


def searching(matrix: Matrix, asked: Any, count: int) -> dict[str, Any]:
    """Search as it is done here, and by numpy alone; the ranking must be the same."""
    search = functools.partial(matrix.nearest, asked, upto=count, top=400, beside=0.5)
    looks = count >= numeric.WORTH and numeric.product_of_bytes() is not None
    found = {"search_ms": least(search), "looks_at_bytes": looks}
    best, find = search(), numeric.product_of_bytes
    numeric.product_of_bytes = lambda: None
    try:
        found["search_by_numpy_alone_ms"] = least(search)
        assert list(search().items()) == list(best.items())
    finally:
        numeric.product_of_bytes = find
    return found


def asks(memory: Memex) -> None:
    """Build the window of a question."""
    memory.thread("t").window(QUESTION, record=False)


def appending(memory: Memex) -> dict[str, Any]:
    """Append single messages, each embedded and stored before the next; return what one takes."""
    thread = memory.thread("t")
    embeddings = embeddings_for("random", 200, memory)
    read = reader_of("t", memory)
    new = list(messages(60))
    bare, whole = [], []
    for message in new:
        started = time.process_time()
        (entry,) = memory.store.append("t", [message], tokens=[40], counter=memory.counter.name).entries
        bare.append(time.process_time() - started)
        embeddings.matrix("t", read, entry.seq)
        whole.append(time.process_time() - started)
    return {
        "told_of_a_message_us": telling(thread),
        "append_ms": round(sorted(bare)[len(bare) // 2] * 1e3, 3),
        "append_and_embed_ms": round(sorted(whole)[len(whole) // 2] * 1e3, 3),
        "head": thread.info.head,
    }


def telling(thread: Thread) -> float:
    """Return the microseconds that whoever appends a message spends on having it embedded later."""
    times = []
    for _ in range(7):
        started = time.thread_time()  # not of the thread that embeds
        for _ in range(10_000):
            memex_semantic.memex_message_stored(thread)
        times.append(time.thread_time() - started)
    return round(min(times) * 100, 2)


def peers(count: int) -> dict[str, Any]:
    """Compare exact search with usearch's on the same random vectors."""
    from usearch.index import Index, MetricKind, search

    chance = np.random.default_rng(count)
    rows = unit(chance.standard_normal((count, DIMENSION), np.float32))
    asked = unit(chance.standard_normal((1, DIMENSION), np.float32))
    matrix = Matrix(DIMENSION)
    matrix.extend((seq, row.tobytes()) for seq, row in enumerate(rows, 1))
    small = np.clip(np.round(rows * 512), -127, 127).astype(np.int8)
    asked_small = np.clip(np.round(asked * 512), -127, 127).astype(np.int8)
    found: dict[str, Any] = {
        "messages": count,
        "memex_ms": least(lambda: matrix.nearest(asked, upto=count, top=200)),
        "numpy_product_ms": least(lambda: rows @ asked[0]),
        "usearch_exact_float32_ms": least(lambda: search(rows, asked[0], 200, MetricKind.IP, exact=True)),
        "usearch_exact_int8_ms": least(lambda: search(small, asked_small[0], 200, MetricKind.IP, exact=True)),
    }
    if count <= 50_000:
        exact = set(np.argsort(-(rows @ asked[0]))[:200].tolist())
        index = Index(ndim=DIMENSION, metric="ip", dtype="f32")
        started = time.perf_counter()
        index.add(np.arange(count), rows)
        found["hnsw_build_s"] = round(time.perf_counter() - started, 1)
        found["hnsw_ms"] = least(lambda: index.search(asked[0], 200))
        nearest = index.search(asked[0], 200).keys.tolist()
        found["hnsw_finds_of_the_200_nearest"] = len(exact & set(nearest))
    return found


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, nargs="+", default=[500, 5_000, 50_000])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--peers", action="store_true")
    chosen = parser.parse_args()
    sizes = [*chosen.messages, *([500_000] if chosen.large else [])]
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for count in sizes:
            rows.append(measure(count, Path(folder)))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    report: dict[str, Any] = {"limit_ms": LIMIT_MS, "rows": rows}
    if chosen.peers:
        report["peers"] = [peers(count) for count in sizes]
    print(json.dumps(report, indent=1))
    at_limit = [row for row in rows if row["messages"] == 50_000]
    return int(any(row["hybrid_window_ms"] > LIMIT_MS for row in at_limit))


if __name__ == "__main__":
    sys.exit(main())
