"""The measures: what is done, with whom it is compared, and what is promised."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from storage_peers.child import Child
from storage_peers.contest import SMALL, Contest
from storage_peers.subjects import PEERS, RAW, RAW_BARE, SQLITE, SQLITE_BARE, SQLITE_THREAD, SUBJECTS, Absent
from storage_peers.talk import Talk

ROWS, MESSAGES = f"{RAW}, rows", f"{RAW}, messages"
NEWEST = 20
PAIRS = ((SQLITE, RAW), (SQLITE_BARE, RAW_BARE))
_WHOLE_LISTS = ("langchain", "langgraph", "memexllm")


def append(contest: Contest) -> None:
    """Measure durable single appends to a short and to a long thread."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    spent: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for number in range(12):
        places = (("short", contest.small), ("long", contest.long))
        for where, children in places[:: -1 if number % 2 else 1]:
            asked = contest.rounds(children, 1, _append_some)
            for name, answers in asked.items():
                spent.setdefault((name, where), []).extend(answers)
    for (name, where), answers in spent.items():
        rate = statistics.median(
            answer["count"] / (answer["ended"] - answer["started"]) for answer in answers
        )
        cpu = 1e6 * sum(answer["cpu"] for answer in answers) / sum(answer["count"] for answer in answers)
        found.setdefault(name, {})[where] = rate, cpu
        length = SMALL if where == "short" else contest.length(name)
        note = "not durable" if name == "memex-inmemory" else ""
        contest.report.add("append", f"rate at {length:,} messages", name, rate, "appends/s", note=note)
        contest.report.add("append", f"CPU at {length:,} messages", name, cpu, "us/append", note=note)
        errors = sum(answer["errors"] for answer in answers)
        if errors:
            why = next(answer["error"] for answer in answers if answer["error"])
            contest.report.add("append", "failed appends", name, errors, "", limit=("at most", 0), note=why)
    for name, by_length in found.items():
        if len(by_length) == 2 and SUBJECTS[name].module != "memex_stores":
            _growth(contest, name, by_length, limit=None)
    for ours, limit in PAIRS:
        if ours in found and limit in found:
            _append_limits(contest, found, ours, limit)
    if SQLITE in found:
        worst = min(rate for rate, _ in found[SQLITE].values())
        for peer in PEERS:
            if peer in found:
                best = max(rate for rate, _ in found[peer].values())
                contest.report.add(
                    "append",
                    "rate, our worse length and its better",
                    SQLITE,
                    worst,
                    "appends/s",
                    against=(peer, best),
                    limit=("more than", 1),
                )


def _append_some(child: Child, _: int) -> Iterator[tuple[str, Any]]:
    child.ask(do="prepare", count=50 if SUBJECTS[child.name].ours else 20)
    yield child.name, child.ask(do="append")


def _append_limits(contest: Contest, found: dict[str, Any], ours: str, limit: str) -> None:
    for where, length in (("short", SMALL), ("long", contest.messages)):
        if where in found[ours] and where in found[limit]:
            (rate, cpu), (raw_rate, raw_cpu) = found[ours][where], found[limit][where]
            contest.report.add(
                "append",
                f"rate at {length:,} messages",
                ours,
                rate,
                "appends/s",
                against=(limit, raw_rate),
                limit=("at least", 0.8),
            )
            contest.report.add(
                "append",
                f"CPU at {length:,} messages",
                ours,
                cpu,
                "us/append",
                against=(limit, raw_cpu),
                limit=("at most", 4),
            )
    _growth(contest, ours, found[ours], limit=("at most", 1.1))


def _growth(contest: Contest, name: str, by_length: dict[str, Any], limit: tuple[str, float] | None) -> None:
    (_, short), (_, long) = by_length["short"], by_length["long"]
    contest.report.add(
        "append",
        f"CPU at {contest.length(name):,} messages",
        name,
        long,
        "us/append",
        against=(f"itself at {SMALL}", short),
        limit=limit,
    )


def import_(contest: Contest) -> None:
    """Tell what filling the long threads took."""
    rates = {}
    for name, spent in contest.loaded.items():
        count = spent["messages"]
        if not count or name in contest.report.absent:
            continue
        rates[name] = count / spent["wall"]
        contest.report.add(
            "import",
            f"{count:,.0f} messages",
            name,
            rates[name],
            "messages/s",
            note=f"{1e6 * spent['cpu'] / count:.1f} us CPU each",
        )
    for ours, limit in PAIRS:
        if ours in rates and limit in rates:
            contest.report.add(
                "import",
                f"{contest.messages:,} messages",
                ours,
                rates[ours],
                "messages/s",
                against=(limit, rates[limit]),
                limit=("at least", 0.5),
            )
    for peer in PEERS:
        if peer in rates and SQLITE in rates:
            promised = ("at least", 5.0) if peer == "langchain" else None
            contest.report.add(
                "import",
                "all that it was given",
                SQLITE,
                rates[SQLITE],
                "messages/s",
                against=(peer, rates[peer]),
                limit=promised,
                note="" if contest.length(peer) == contest.messages else "other lengths",
            )


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


def bytes_(contest: Contest, kept: dict[str, dict[str, Any]]) -> None:
    """Tell how much more than the text the files of the long threads take."""
    limits = {SQLITE: ("at most", 60.0), SQLITE_BARE: ("at most", 30.0)}
    for name, sizes in kept.items():
        if sizes["bytes"] and name != SQLITE_THREAD:
            over = 100 * (sizes["bytes"] / sizes["text_bytes"] - 1)
            contest.report.add(
                "bytes",
                f"over the text, {sizes['messages']:,} messages",
                name,
                over,
                "%",
                limit=limits.get(name),
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


def writers(contest: Contest, processes: int = 8) -> None:
    """Measure eight processes that append to one file, each to its own thread."""
    rates: dict[str, float] = {}
    skipped = ("memex-inmemory", SQLITE_THREAD, RAW_BARE, SQLITE_BARE)
    names = [name for name in contest.pythons if name not in skipped]
    for group in (
        [name for name in names if name in (RAW, SQLITE)],
        *([n] for n in names if n not in (RAW, SQLITE)),
    ):
        crews: dict[str, list[Child]] = {}
        for name in group:
            with contest.excusing(name):
                crews[name] = _crew(contest, name, processes)
        spent: dict[str, list[tuple[float, float, int, str]]] = {name: [] for name in crews}
        for _ in range(6 if SQLITE in group else 3):
            for name, crew in crews.items():
                with contest.excusing(name):
                    spent[name].append(_together(crew, 80 if SUBJECTS[name].ours else 20))
        for crew in crews.values():
            for child in crew:
                child.kill()
        for name, rounds in spent.items():
            if not rounds or name not in contest.pythons:
                continue
            rates[name] = statistics.median(rate for rate, _, _, _ in rounds)
            errors = sum(failed for _, _, failed, _ in rounds)
            cpu = statistics.median(each for _, each, _, _ in rounds)
            contest.report.add(
                "writers",
                f"{processes} processes together",
                name,
                rates[name],
                "appends/s",
                note=f"{cpu:.0f} us CPU each",
            )
            contest.report.add(
                "writers",
                f"errors of {processes} processes",
                name,
                errors,
                "",
                limit=("at most", 0) if name == SQLITE else None,
                note=next((why for _, _, _, why in rounds if why), ""),
            )
    if RAW in rates and SQLITE in rates:
        contest.report.add(
            "writers",
            f"{processes} processes together",
            SQLITE,
            rates[SQLITE],
            "appends/s",
            against=(RAW, rates[RAW]),
            limit=("at least", 0.8),
        )


def _crew(contest: Contest, name: str, processes: int) -> list[Child]:
    folder, python = contest.folder / f"{name}-writers", contest.pythons[name]
    first = Child(name, python, folder, thread="thread-0").greet()
    rest = [Child(name, python, folder, thread=f"thread-{number}") for number in range(1, processes)]
    try:
        return [first, *(child.greet() for child in rest)]
    except Absent:
        for child in (first, *rest):
            child.kill()
        raise


def _together(crew: list[Child], count: int) -> tuple[float, float, int, str]:
    """Return the combined rate, the CPU time an append, the errors and the first error's words."""
    for child in crew:
        child.send(do="prepare", count=count)
    for child in crew:
        child.answer()
    for child in crew:
        child.send(do="append")
    answers = [child.answer() for child in crew]
    errors = sum(answer["errors"] for answer in answers)
    done = sum(answer["count"] for answer in answers)
    wall = max(answer["ended"] for answer in answers) - min(answer["started"] for answer in answers)
    why = next((answer["error"] for answer in answers if answer["error"]), "")
    return (done - errors) / wall, 1e6 * sum(answer["cpu"] for answer in answers) / done, errors, why
