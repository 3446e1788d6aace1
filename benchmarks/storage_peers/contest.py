"""Subjects side by side: every round asks each of them in turn, so that noise falls on all alike."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from storage_peers.child import Child
from storage_peers.report import Report
from storage_peers.subjects import SUBJECTS, Absent, interpreter

SMALL = 100
CHUNK = 5_000


class Contest:
    """The subjects that are there, each with a short and a long thread in files of their own.

    Args:
        names: Subjects asked for.
        folder: A folder on a real disk.
        environments: Where the peers' environments are.
        messages: Length of the long thread.
        report: Where figures go.
    """

    def __init__(
        self, names: Iterable[str], folder: Path, environments: Path, messages: int, report: Report
    ) -> None:
        self.folder, self.messages, self.report = folder, messages, report
        self.pythons: dict[str, Path] = {}
        self.long: dict[str, Child] = {}
        self.small: dict[str, Child] = {}
        self.loaded: dict[str, dict[str, float]] = {}
        for name in names:
            with self.excusing(name):
                self.pythons[name] = interpreter(name, environments)

    def excusing(self, name: str) -> _Excusing:
        """Return a context in which a subject that breaks becomes absent."""
        return _Excusing(self, name)

    def give_up(self, name: str, why: str) -> None:
        """Note a subject as absent, and measure it no more."""
        self.report.absent[name] = why
        print(f"absent: {name}: {why}", file=sys.stderr)
        self.pythons.pop(name, None)
        for children in (self.long, self.small):
            if name in children:
                children.pop(name).kill()

    def start(self) -> None:
        """Fill the long threads, chunk by chunk in turn, and open the short ones."""
        for name in list(self.pythons):
            with self.excusing(name):
                child = Child(name, self.pythons[name], self.folder / f"{name}-long").greet()
                self.long[name] = child
                self.loaded[name] = {"messages": 0, "wall": 0.0, "cpu": 0.0}
        told = 0
        while waiting := [name for name in self.long if self.room(name)]:
            for name in waiting:
                self.load(name, min(self.room(name), CHUNK if self.length(name) == self.messages else SMALL))
            done = max(int(spent["messages"]) for spent in self.loaded.values())
            if done % (self.messages // 4 or 1) < CHUNK and done > told:
                told = done
                print(f"filling threads: {done:,} of {self.messages:,}", file=sys.stderr)
        for name in list(self.long):
            with self.excusing(name):
                child = Child(name, self.pythons[name], self.folder / f"{name}-small").greet()
                self.small[name] = child
                child.ask(do="prepare", count=SMALL)
                child.ask(do="load")

    def length(self, name: str) -> int:
        """Return how long a subject's long thread gets."""
        return min(self.messages, SUBJECTS[name].most)

    def room(self, name: str) -> int:
        """Return how many messages its long thread still lacks."""
        return self.length(name) - int(self.loaded[name]["messages"])

    def load(self, name: str, count: int) -> None:
        """Append a batch to the long thread."""
        with self.excusing(name):
            self.long[name].ask(do="prepare", count=count)
            spent = self.long[name].ask(do="load")
            self.loaded[name]["messages"] += count
            for clock in ("wall", "cpu"):
                self.loaded[name][clock] += spent[clock]

    def rounds(
        self, children: dict[str, Child], times: int, ask: Callable[[Child, int], Iterator[tuple[str, Any]]]
    ) -> dict[str, list[Any]]:
        """Ask every subject in turn, several times over; collect the answers by label.

        Args:
            children: Whom to ask.
            times: How often.
            ask: Yields labelled answers of one child in a round; none where it has no such ability.
        """
        found: dict[str, list[Any]] = {}
        for number in range(times):
            for name in list(children)[:: -1 if number % 2 else 1]:
                if name not in children:
                    continue
                with self.excusing(name):
                    for label, answer in ask(children[name], number):
                        found.setdefault(label, []).append(answer)
        return found

    def close_long(self) -> dict[str, dict[str, Any]]:
        """Close the long threads and return what each kept: bytes of text and of files."""
        kept = {}
        for name in list(self.long):
            with self.excusing(name):
                answer = self.long[name].close()
                del self.long[name]
                sizes = [
                    file.stat().st_size
                    for file in (self.folder / f"{name}-long").rglob("*")
                    if file.is_file()
                ]
                kept[name] = answer | {"bytes": sum(sizes)}
        return kept

    def close(self) -> None:
        """End every process and remove every file."""
        for children in (self.long, self.small):
            for child in children.values():
                with suppress(Absent):
                    child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class _Excusing:
    def __init__(self, contest: Contest, name: str) -> None:
        self._contest, self._name = contest, name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Absent):
            self._contest.give_up(self._name, str(error))
            return True
        return False
