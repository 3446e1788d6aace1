"""What does it cost to keep a conversation, against bare ``sqlite3`` and against other libraries?

Measured in one run: memex-sqlite, memex-jsonl and memex-inmemory; ``sqlite3`` alone with the same
columns, word index and durability as memex-sqlite (the limit); the OpenAI Agents SDK's
SQLiteSession, LangChain's SQLChatMessageHistory, LangGraph's SqliteSaver, the log of ``llm``, and
memexllm, each as it comes. Every one runs in a process of its own, the peers in environments of
their own, made once with pip; one that cannot be installed, or breaks, is reported as absent with
the reason. What libraries are given is ready in their own shape before a clock starts: bare
``sqlite3`` gets finished rows and words.

    append   durable single appends to a thread of 100 messages and to a long one: at least 0.8 of
             the rate of sqlite3, at most 4 times its CPU time, ahead of every peer; CPU time at the
             long thread at most 1.1 times that at 100 messages
    import   the long thread in batches of 5,000, words indexed: at least 0.5 of sqlite3's rate, and
             5 times LangChain's
    tail     the newest 20 of the long thread: at most 1.5 times sqlite3
    iterate  the whole long thread: at most 2 times sqlite3, and memory that does not grow with it
    search   the first ten hits, of frequent, middling and rare words: at most 1.3 times FTS5's BM25
             and the rows of its hits
    bytes    files over the text: at most 60 % with the word index, 30 % without
    writers  eight processes and one file: at least 0.8 of sqlite3's combined rate, no errors

sqlite3 reads in two ways: rows alone, and rows made into the same messages as memex makes. Reading
is promised against the second; the first is printed too. A thread is long with ``--messages``
(100,000); libraries that rewrite or read a thread at each append get at most 600 or 1,000 of them,
and the names of their figures say so. Subjects take turns in every round, so that other work on
the machine falls on all; rates are medians of rounds, CPU time (user and system, of the process)
is the mean of all appends. The text is made up, see ``storage_peers/talk.py``.

Mind the disk when reading rates of appends. On a shared one a sync may take 0.15 ms or 4 ms, and
change from file to file and from minute to minute, whoever asks: with three alternating runs of sqlite3
and of openai-agents, both of which sync each append, the medians were 0.15, 4.7, 0.14 and 0.17, 3.4, 2.9 ms.
A rate then tells more about luck than about a library; CPU time does not. Run it on a quiet disk, and
more than once, before believing a ratio of rates.

    python benchmarks/storage.py [--only append,search] [--peers none|all|llm,langchain]
        [--messages 100000] [--full] [--scale] [--no-fail] [--folder build] [--environments .venvs]

``--full`` takes a million messages for everything. ``--scale`` does something else: it writes a million
messages into one thread and into 10,000, and prints time, memory and size. Progress and a table go
to standard error, JSON to standard output. Exits with 1 if a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from storage_peers import appends, bulk, reads
from storage_peers.child import Child
from storage_peers.contest import Contest
from storage_peers.report import Report
from storage_peers.subjects import PEERS, RAW, SQLITE, SUBJECTS, version
from storage_peers.talk import Talk

ROOT = Path(__file__).parents[1]
MEASURES = ("append", "import", "tail", "iterate", "search", "bytes", "writers")
IN_MEMORY = ("tmpfs", "ramfs")


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    real = folder.resolve()
    above = [(mount[1], mount[2]) for mount in mounts if real.is_relative_to(mount[1])]
    return max(enumerate(above), key=lambda found: (len(found[1][0]), found[0]))[1][1]


def sync_us(folder: Path) -> float:
    """Return the median time that the disk takes for four more KiB, in microseconds."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(200):
            os.write(file.fileno(), bytes(4096))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return round(1e6 * statistics.median(times), 1)


def compare(contest: Contest, only: tuple[str, ...]) -> None:
    """Run the measures that are asked for."""
    if set(only) - {"writers"}:
        contest.start()
    if "import" in only:
        bulk.import_(contest)
    for name, measure in (
        ("tail", reads.tail),
        ("iterate", reads.iterate),
        ("search", reads.search),
        ("append", appends.append),
    ):
        if name in only:
            print(f"measuring {name}", file=sys.stderr)
            measure(contest)
    kept = contest.close_long()
    if "bytes" in only:
        bulk.bytes_(contest, kept)
    if "iterate" in only:
        reads.growth(contest, kept)
    if "writers" in only:
        print("measuring writers", file=sys.stderr)
        appends.writers(contest)


def scale(contest: Contest, messages: int) -> None:
    """Write a million messages into one thread and into 10,000."""
    for name in (RAW, SQLITE):
        for threads in (1, 10_000):
            if name not in contest.pythons:
                continue
            with contest.excusing(name):
                title = f"{messages:,} messages in {threads:,} thread{'s' * (threads > 1)}"
                print(f"writing {title}: {name}", file=sys.stderr)
                folder = contest.folder / f"{name}-{threads}"
                child = Child(name, contest.pythons[name], folder, patience=3_600).greet()
                spent = child.ask(do="threads", threads=threads, count=messages)
                peak = child.ask(do="memory")["peak"]
                text = child.close()["text_bytes"]
                size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
                contest.report.add("scale", f"{title}: time", name, spent["wall"], "s")
                contest.report.add("scale", f"{title}: CPU", name, spent["cpu"], "s")
                contest.report.add("scale", f"{title}: peak memory", name, peak / 1e6, "MB")
                contest.report.add(
                    "scale", f"{title}: file", name, size / 1e6, "MB", note=f"text {text / 1e6:.0f} MB"
                )


def _names(peers: str) -> list[str]:
    wanted = {"all": list(PEERS), "none": []}.get(peers, peers.split(","))
    if unknown := set(wanted) - set(PEERS):
        sys.exit(f"no peer {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    return [name for name in SUBJECTS if name not in PEERS or name in wanted]


def _measures(only: str) -> tuple[str, ...]:
    wanted = tuple(only.split(",")) if only else MEASURES
    if unknown := set(wanted) - set(MEASURES):
        sys.exit(f"no measure {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    return wanted


def _about(folder: Path, messages: int) -> dict[str, Any]:
    text = Talk()
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "processors": os.cpu_count(),
        "file system": file_system(folder),
        "fdatasync of 4 KiB, us": sync_us(folder),
        "messages": messages,
        "mean bytes of text": round(statistics.mean(one.size for one in text.batch(0, 10_000)), 1),
    }


def main() -> int:
    """Run it; fail if a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help=f"measures, of {','.join(MEASURES)}")
    parser.add_argument("--peers", default="all", help=f"all, none, or of {','.join(PEERS)}")
    parser.add_argument("--messages", type=int, help="length of the long thread (100,000)")
    parser.add_argument("--full", action="store_true", help="a long thread of a million messages")
    parser.add_argument("--scale", action="store_true", help="a million messages in 1 and in 10,000 threads")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="where files go: on a real disk")
    parser.add_argument("--environments", type=Path, default=ROOT / ".venvs")
    parser.add_argument("--no-fail", action="store_true", help="exit with 0 if a limit is missed")
    given = parser.parse_args()
    only = _measures(given.only)
    messages = given.messages or (1_000_000 if given.full or given.scale else 100_000)
    given.folder.mkdir(parents=True, exist_ok=True)
    if (kind := file_system(given.folder)) in IN_MEMORY:
        sys.exit(f"{given.folder} is on {kind}, where a sync costs nothing; give --folder on a disk")
    started = time.monotonic()
    about = _about(given.folder, messages)
    print(", ".join(f"{key}: {value}" for key, value in about.items()), file=sys.stderr)
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="storage-", dir=given.folder)).resolve()
    names = [RAW, SQLITE] if given.scale else _names(given.peers)
    contest = Contest(names, folder, given.environments.resolve(), messages, report)
    try:
        about["versions"] = {
            name: version(name, contest.pythons[name]) for name in contest.pythons if name in PEERS
        }
        if given.scale:
            scale(contest, messages)
        else:
            compare(contest, only)
    finally:
        contest.close()
    about["seconds"] = round(time.monotonic() - started)
    report.print_table()
    missed = report.missed()
    print(f"\n{len(missed)} limits missed, {about['seconds']} s", file=sys.stderr)
    print(json.dumps({"benchmark": "storage", "about": about, **report.as_json()}))
    return int(bool(missed) and not given.no_fail)


if __name__ == "__main__":
    sys.exit(main())
