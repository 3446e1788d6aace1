"""Single appends: by one process, to short and long threads, and by eight at once."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from storage_peers.child import Child
from storage_peers.contest import SMALL, Contest
from storage_peers.subjects import (
    PAIRS,
    PEERS,
    RAW,
    RAW_BARE,
    SQLITE,
    SQLITE_BARE,
    SQLITE_THREAD,
    SUBJECTS,
    Absent,
)

ROUNDS = 12


def append(contest: Contest) -> None:
    """Measure durable single appends to a short and to a long thread."""
    spent: dict[tuple[str, str], list[dict[str, Any]]] = {}
    places = (("short", contest.small), ("long", contest.long))
    for number in range(ROUNDS):
        for where, children in places[:: -1 if number % 2 else 1]:
            for name, answers in contest.rounds(children, 1, _append_some).items():
                spent.setdefault((name, where), []).extend(answers)
    found = _append_figures(contest, spent)
    for name, by_length in found.items():
        if len(by_length) == 2:
            _growth(
                contest, name, by_length, limit=("at most", 1.1) if name in (SQLITE, SQLITE_BARE) else None
            )
    for ours, limit in PAIRS:
        if ours in found and limit in found:
            _against_raw(contest, found, ours, limit)
    if SQLITE in found:
        _against_peers(contest, found)


def _append_figures(
    contest: Contest, spent: dict[tuple[str, str], list[dict[str, Any]]]
) -> dict[str, dict[str, tuple[float, float]]]:
    """Report rates and CPU times, and return them by subject and length."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
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
    return found


def _append_some(child: Child, _: int) -> Iterator[tuple[str, Any]]:
    child.ask(do="prepare", count=50 if SUBJECTS[child.name].ours else 20)
    yield child.name, child.ask(do="append")


def _against_raw(contest: Contest, found: dict[str, Any], ours: str, limit: str) -> None:
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


def _against_peers(contest: Contest, found: dict[str, Any]) -> None:
    worst = min(rate for rate, _ in found[SQLITE].values())
    for peer in PEERS:
        if peer in found:
            best = max(rate for rate, _ in found[peer].values())
            contest.report.add(
                "append",
                "rate, our worse and its better",
                SQLITE,
                worst,
                "appends/s",
                against=(peer, best),
                limit=("more than", 1),
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
