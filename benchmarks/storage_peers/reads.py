"""Reading: the newest messages, a whole thread, what a search finds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from storage_peers.child import Child
from storage_peers.contest import Contest
from storage_peers.subjects import RAW, RAW_BARE, SQLITE, SUBJECTS
from storage_peers.talk import Talk

ROWS, MESSAGES = f"{RAW}, rows", f"{RAW}, messages"
NEWEST = 20
_WHOLE_LISTS = ("langchain", "langgraph", "memexllm")


def tail(contest: Contest) -> None:
    """Measure reading the newest messages of the long threads."""

    def ask(child: Child, number: int) -> Iterator[tuple[str, Any]]:
        for label, how in _hows(child):
            if "tail" in child.can and not (child.name in _WHOLE_LISTS and number > 1):
                times = 1 if child.name in _WHOLE_LISTS else 40
                yield label, child.ask(do="tail", count=NEWEST, times=times, how=how)

    found = contest.rounds(contest.long, 8, ask)
    medians = {
        label: 1e6 * statistics.median(wall for answer in answers for wall in answer["walls"])
        for label, answers in found.items()
    }
    _compare(contest, "tail", f"newest {NEWEST}", medians, "us", {MESSAGES: ("at most", 1.5), ROWS: None})


def iterate(contest: Contest) -> None:
    """Measure reading the whole long threads."""

    def ask(child: Child, number: int) -> Iterator[tuple[str, Any]]:
        for label, how in _hows(child):
            if "iterate" in child.can and (SUBJECTS[child.name].ours or not number):
                yield label, child.ask(do="iterate", how=how)

    found = contest.rounds(contest.long, 5, ask)
    medians = {}
    for label, answers in found.items():
        read = answers[0]["result"]
        medians[label] = 1e6 * statistics.median(answer["wall"] for answer in answers) / read
    _compare(
        contest,
        "iterate",
        "each message of a whole thread",
        medians,
        "us",
        {MESSAGES: ("at most", 2), ROWS: None},
    )


def _hows(child: Child) -> list[tuple[str, str]]:
    if child.name == RAW:
        return [(ROWS, "rows"), (MESSAGES, "messages")]
    return [(child.name, "messages")] if child.name != RAW_BARE else []


def _compare(
    contest: Contest,
    measure: str,
    name: str,
    figures: dict[str, float],
    unit: str,
    limits: dict[str, tuple[str, float] | None],
) -> None:
    for label, figure in figures.items():
        length = contest.length(label) if label in SUBJECTS else contest.messages
        contest.report.add(measure, f"{name}, of {length:,}", label, figure, unit)
    for other, limit in limits.items():
        if SQLITE in figures and other in figures:
            contest.report.add(
                measure,
                name,
                SQLITE,
                figures[SQLITE],
                unit,
                against=(other, figures[other]),
                limit=limit,
                note="" if limit else "for information: no messages are made there",
            )


def growth(contest: Contest, kept: dict[str, dict[str, Any]]) -> None:
    """Measure by how much the memory of a fresh process grows while it reads the whole long thread."""
    for name in (RAW, SQLITE, "memex-jsonl", "openai-agents", "langchain"):
        if name in kept and name in contest.pythons:
            with contest.excusing(name):
                child = Child(name, contest.pythons[name], contest.folder / f"{name}-long").greet()
                found = child.ask(do="growth")
                child.close()
                grown, text = found["grown"] / 1e6, kept[name]["text_bytes"] / 1e6
                contest.report.add(
                    "iterate",
                    f"memory grows by, for {found['result']:,} messages",
                    name,
                    grown,
                    "MB",
                    limit=("at most", 8) if name == SQLITE else None,
                    note=f"text {text:.0f} MB",
                )


def search(contest: Contest) -> None:
    """Measure the first ten hits of searches in a thread and in the whole store."""
    for kind, queries in Talk().queries().items():
        for whole in (True, False):

            def ask(
                child: Child, _: int, whole: bool = whole, queries: Any = queries
            ) -> Iterator[tuple[str, Any]]:
                if "search" in child.can and child.name in (RAW, SQLITE, "memex-inmemory", "memex-jsonl"):
                    for query in queries:
                        yield child.name, child.ask(do="search", words=query, times=3, whole=whole)

            found = contest.rounds(contest.long, 5, ask)
            totals = {}
            for name, answers in found.items():
                best = [
                    statistics.median(
                        wall for answer in answers[at :: len(queries)] for wall in answer["walls"]
                    )
                    for at in range(len(queries))
                ]
                totals[name] = 1e3 * statistics.mean(best)
            where = "whole store" if whole else "one thread"
            title = f"{kind} words, {where}, of {contest.messages:,}"
            for name, figure in totals.items():
                contest.report.add("search", title, name, figure, "ms")
            if SQLITE in totals and RAW in totals:
                contest.report.add(
                    "search",
                    title,
                    SQLITE,
                    totals[SQLITE],
                    "ms",
                    against=(RAW, totals[RAW]),
                    limit=("at most", 1.3),
                )
