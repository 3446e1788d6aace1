"""Recall over threads: is the evidence found from another thread, and what does looking there cost?

    python benchmarks/recall_threads.py --scorer evidence_recall.py DATA.json

Scorer and data are those of ``recall.py``. All conversations of the file become threads of one
namespace, as they are and then each session by itself, and each question is asked

- in the thread that holds its evidence, looking nowhere else (where a conversation is one thread),
- in that thread with ``threads = "all"``,
- in an empty thread with ``threads = "all"``.

What fits 2,048 tokens is counted twice: of what the ranking says, messages alone, and of a whole window
whose heading and references are paid, too. Then questions are timed beside 10, 100 and 1,000 threads,
as they are, with a time that they ask about, and with each thread asked by itself.

Prints JSON. Exits with 1 where an empty thread finds less than nine tenths of what the right thread does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "recall_peers"))

import msgspec
from chains import message_of
from scoring import scorer_at

from memex import Budget, Memex, Message, Store, Thread, Window, ranker
from memex._weighing import ordered

BUDGET = 2_048
LEAST = 0.9
ALL = {"use": "recall", "threads": "all", "most": 1_000}
_EMPTY = "asked here"
_START = datetime(2020, 1, 1, tzinfo=UTC)
Ask = Callable[[Thread, str], Iterator[tuple[str, int]]]


class Namespace:
    """Conversations as threads of one namespace, in memory.

    Args:
        conversations: As the scorer loads them.
        by_session: Whether each session is a thread of its own.
    """

    def __init__(self, conversations: Sequence[Any], *, by_session: bool) -> None:
        self.seen: Window | None = None

        def see(window: Window) -> Window:
            self.seen = window
            return window.replace(rankings=())

        self.memory = Memex("inmemory:")
        self.see = ranker(see)
        self.places: dict[tuple[str, str], tuple[str, int]] = {}
        self.costs: dict[tuple[str, int], int] = {}
        self.memory.thread(_EMPTY)
        for conversation in conversations:
            for row in conversation["messages"]:
                name = conversation["id"] + (f" {row['session']}" if by_session else "")
                (entry,) = self.memory.thread(name).append(message_of(row))
                self.places[conversation["id"], row["id"]] = name, entry.seq
                self.costs[name, entry.seq] = row["tokens"]

    def ranked(self, name: str, question: str, recall: Any) -> Iterator[tuple[str, int]]:
        """Yield what fits, in the order in which it is packed; messages alone are paid."""
        thread = self.memory.thread(name, chain=[recall, self.see], budget=1_000_000_000)
        thread.window(question, record=False)
        left = BUDGET
        for weighed in ordered(self.seen) if self.seen else ():
            place = (name, weighed.place) if isinstance(weighed.place, int) else weighed.place
            left -= self.costs[place]
            if left < 0:
                return
            yield place

    def window(self, name: str, question: str, recall: Any) -> Iterator[tuple[str, int]]:
        """Yield what is in a whole window; everything but the question is paid."""
        thread = self.memory.thread(name, chain=[recall, "fifo"])
        asked = thread.counter.count_message(thread.window(question, record=False).messages[-1])
        thread = self.memory.thread(name, chain=[recall, "fifo"], budget=Budget(BUDGET + asked, 0))
        window = thread.window(question, record=False)
        for place in (*(p for d in window.derived for p in d.places), *window.seqs):
            yield (name, place) if isinstance(place, int) else place


class OneByOne:
    """A store that does not look into many threads at once (:class:`memex.SpanningStore`).

    Args:
        store: One that does, perhaps.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        """Return what the other store has."""
        if name in ("find_in", "entries_in"):
            raise AttributeError(name)
        return getattr(self._store, name)


def found(conversations: Sequence[Any], *, by_session: bool) -> dict[str, Any]:
    """Return percent of the evidence by where a question is asked."""
    namespace = Namespace(conversations, by_session=by_session)
    where: dict[str, tuple[str | None, Any]] = {
        "in its thread": (None, "recall"),
        "in its thread, all": (None, ALL),
        "in an empty thread, all": (_EMPTY, ALL),
    }
    figures: dict[str, Any] = {}
    for label, (name, recall) in where.items():
        if by_session and name is None:
            continue  # its evidence may lie in several
        for kind in ("ranked", "window"):
            shares = []
            for conversation in conversations:
                for question in conversation["questions"]:
                    if not question["scored"]:
                        continue
                    evidence = {namespace.places[conversation["id"], one] for one in question["evidence"]}
                    chosen = getattr(namespace, kind)(name or conversation["id"], question["query"], recall)
                    shares.append(len(evidence & set(chosen)) / len(evidence))
            figures.setdefault(label, {})[kind] = round(100 * statistics.mean(shares), 1)
            print(f"{label}, {kind}: {figures[label][kind]} %", file=sys.stderr)
    return {"threads": len({name for name, _ in namespace.costs}), **figures}


def times(conversations: Sequence[Any], sizes: Sequence[int], length: int, store: str) -> dict[str, Any]:
    """Return what a question costs in an empty thread beside others, by how many there are."""
    asked = [q["query"] for conversation in conversations for q in conversation["questions"] if q["scored"]]
    asked = asked[:: max(1, len(asked) // 40)]
    said = [message_of(row) for conversation in conversations for row in conversation["messages"]]
    return {str(size): _of_size(asked, said, size, length, store) for size in sizes}


def _of_size(asked: Sequence[str], said: Sequence[Any], size: int, length: int, store: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        where = f"{store}{Path(folder) / 't.db'}" if store.endswith(("sqlite:", "jsonl:")) else store
        with Memex(where, budget=4_000) as memory:
            for number in range(size):
                batch = [
                    msgspec.structs.replace(
                        said[(number * length + at) % len(said)],
                        id=f"m{at}",
                        created=_START + timedelta(days=number, minutes=at),
                    )
                    for at in range(length)
                ]
                memory.thread(f"t{number}").append(batch)
            figures: dict[str, Any] = {"messages a thread": length}
            for most in sorted({min(size, 100), size}):
                chain = [{"use": "recall", "threads": "all", "most": most}, "fifo"]
                thread = memory.thread("empty", chain=chain)
                figures[f"ms, most={most}"] = _milliseconds(thread, asked)
                dated = [_last_week(question, size) for question in asked]
                figures[f"ms, about last week, most={most}"] = _milliseconds(thread, dated)
                alone = Memex(OneByOne(memory.store), budget=4_000).thread("empty", chain=chain)
                figures[f"ms, each thread by itself, most={most}"] = _milliseconds(alone, asked)
                figures[f"bytes of a plan, most={most}"] = len(
                    thread.window(asked[0], record=False).plan.to_stored()
                )
            return figures


def _last_week(question: str, size: int) -> Message:
    asked = f"{question.rstrip('?')} last week?"
    return Message.user(asked, id="asked", created=_START + timedelta(days=size))


def _milliseconds(thread: Thread, asked: Sequence[str | Message]) -> float:
    thread.window("warm up", record=False)
    spent = []
    for question in asked:
        started = time.process_time()
        thread.window(question, record=False)
        spent.append(1e3 * (time.process_time() - started))
    return round(statistics.median(spent), 2)


def main() -> int:
    """Run, print, and tell whether the claim holds."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("data", type=Path, help="a file of conversations and questions")
    arguments.add_argument("--scorer", type=Path, required=True)
    arguments.add_argument("--sizes", default="10,100,1000", help="how many threads to time; empty for none")
    arguments.add_argument("--length", type=int, default=50, help="messages of each of those")
    arguments.add_argument("--store", default="inmemory:", help="where the timed threads live")
    arguments.add_argument("--timing", action="store_true", help="only time")
    given = arguments.parse_args()
    conversations = scorer_at(given.scorer).load(given.data)
    result: dict[str, Any] = {}
    passed = True
    if not given.timing:
        result["whole"] = found(conversations, by_session=False)
        result["by session"] = found(conversations, by_session=True)
        passed = _near(result["whole"])
    sizes = [int(size) for size in given.sizes.split(",") if size]
    result["times"] = times(conversations, sizes, given.length, given.store)
    print(json.dumps({**result, "passed": passed}, indent=2))
    return 0 if passed else 1


def _near(whole: Mapping[str, Any]) -> bool:
    right, empty = whole["in its thread"], whole["in an empty thread, all"]
    return all(empty[kind] >= LEAST * right[kind] for kind in right)


if __name__ == "__main__":
    sys.exit(main())
