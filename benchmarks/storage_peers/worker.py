"""The child process in which one library does what it is told, and times itself.

    python worker.py MODULE CLASS FOLDER THREAD SETTINGS

It runs with the interpreter of the library's own environment. Commands come as lines of JSON on
standard input, each with ``do``; each is answered with one line of JSON. Messages are made into the
library's own shape before the clock starts. The clocks are the wall's and this process's CPU time.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from talk import Talk


class Worker:
    """One library with one folder to keep its data in."""

    def __init__(self, subject: Any) -> None:
        self.subject = subject
        self.number = 0
        self.text_bytes = 0
        self.units: list[Any] = []

    @cached_property
    def talk(self) -> Talk:
        """What is said; made when it is first needed, so that a mere reader stays small."""
        return Talk()

    def prepare(self, count: int) -> dict[str, Any]:
        """Make the next ``count`` messages, untimed."""
        said = self.talk.batch(self.number, count)
        self.number += count
        self.text_bytes += sum(one.size for one in said)
        self.units = self.subject.prepare(said)
        return {"text_bytes": self.text_bytes, "messages": self.number}

    def append(self) -> dict[str, Any]:
        """Append what was prepared, one durable write each."""
        walls, errors, what = [], 0, ""
        append = self.subject.append
        os.sync()  # so that nobody pays for what others left to be written
        started, cpu = time.perf_counter(), time.process_time()
        for unit in self.units:
            before = time.perf_counter()
            try:
                append(unit)
            except Exception as error:  # noqa: BLE001 - it is counted and told
                errors, what = errors + 1, f"{type(error).__name__}: {error}"[:200]
            walls.append(time.perf_counter() - before)
        cpu = time.process_time() - cpu
        ended = time.perf_counter()
        count = len(self.units) * self.subject.messages_per_append
        return {
            "count": count,
            "cpu": cpu,
            "walls": walls,
            "errors": errors,
            "error": what,
            "started": started,
            "ended": ended,
        }

    def load(self) -> dict[str, Any]:
        """Append what was prepared as one batch."""
        return timed(lambda: self.subject.load(self.units)) | {"count": self.number}

    def tail(self, count: int, times: int, how: str) -> dict[str, Any]:
        """Read the newest messages several times."""
        return repeated(times, lambda: self.subject.tail(count, how))

    def iterate(self, how: str) -> dict[str, Any]:
        """Read the whole thread once."""
        return timed(lambda: self.subject.iterate(how))

    def growth(self) -> dict[str, Any]:
        """Tell by how much the process's peak memory grows while the whole thread is read."""
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
        before = resident("VmRSS")
        found = timed(lambda: self.subject.iterate("messages"))
        return found | {"grown": resident("VmHWM") - before}

    def search(self, words: list[str], times: int, *, whole: bool) -> dict[str, Any]:
        """Search for the best ten several times, in the whole store or in the thread."""
        return repeated(times, lambda: self.subject.search(words, whole))

    def memory(self) -> dict[str, Any]:
        """Tell the peak memory of this process in bytes."""
        return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}

    def threads(self, threads: int, count: int) -> dict[str, Any]:
        """Append ``count`` messages in batches of 100, spread over so many threads."""
        wall = cpu = 0.0
        for batch in range(count // 100):
            self.subject.use(f"thread-{batch % threads}")
            self.prepare(100)
            spent = timed(lambda: self.subject.load(self.units))
            wall, cpu = wall + spent["wall"], cpu + spent["cpu"]
        return {"wall": wall, "cpu": cpu}

    def can(self) -> dict[str, Any]:
        """Tell what the library has a public way to do."""
        cannot = getattr(self.subject, "cannot", ())
        names = ("append", "load", "tail", "iterate", "search", "use")
        return {"can": [name for name in names if name not in cannot and hasattr(self.subject, name)]}

    def close(self) -> dict[str, Any]:
        """Close the store."""
        self.subject.close()
        return {"text_bytes": self.text_bytes, "messages": self.number}


def resident(field: str) -> int:
    """Return a figure of ``/proc/self/status`` in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def timed(call: Callable[[], Any]) -> dict[str, Any]:
    """Return the wall and CPU time of a call, and what it returned."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    cpu = time.process_time() - cpu
    return {"wall": time.perf_counter() - wall, "cpu": cpu, "result": result}


def repeated(times: int, call: Callable[[], Any]) -> dict[str, Any]:
    """Return the wall times of several calls and the CPU time of all."""
    found = [timed(call) for _ in range(times)]
    return {
        "walls": [one["wall"] for one in found],
        "cpu": sum(one["cpu"] for one in found),
        "result": found[-1]["result"],
    }


def main() -> None:
    """Answer commands until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not get among the answers
    module, name, folder, thread, settings = sys.argv[1:]

    def answer(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        worker = Worker(getattr(import_module(module), name)(Path(folder), thread, **json.loads(settings)))
        answer(worker.can())
        for line in sys.stdin:
            command = json.loads(line)
            answer(getattr(worker, command.pop("do"))(**command))
    except Exception as error:  # noqa: BLE001 - the parent reports it
        traceback.print_exc()
        answer({"failed": f"{type(error).__name__}: {error}"[:300]})
        sys.exit(1)


if __name__ == "__main__":
    main()
