"""Times in questions: what memex-recall understands, and what libraries for dates make of the same texts.

    python benchmarks/dates.py

Two lists: questions that name a time, with the days that are meant, and ordinary sentences that name none.
Each finder gives what it found first in a text as a stretch of days, or as one day where it knows only
moments. Counted: the right stretch, at least its first day, something found in a sentence without a time, and
processor time for a text and for the import. A library that is not installed is named as missing; none of
them is needed. Prints JSON; exits with 1 where memex-recall misses one of its own list, or finds a time
where there is none.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 11, 10, 0)  # noqa: DTZ001 - libraries count from local times; a Wednesday
QUESTIONS = {
    "What did we decide last Friday?": ("2026-03-06", "2026-03-06"),
    "what did I tell you in March last year?": ("2025-03-01", "2025-03-31"),
    "What happened two weeks ago?": ("2026-02-22", "2026-02-28"),
    "what did I say yesterday": ("2026-03-10", "2026-03-10"),
    "What did she find on 7 May 2023?": ("2023-05-07", "2023-05-07"),
    "What was said on 2023-05-07?": ("2023-05-07", "2023-05-07"),
    "Where did we go last summer?": ("2025-06-01", "2025-08-31"),
    "What was the plan at the beginning of June?": ("2025-06-01", "2025-06-10"),
    "What did we discuss in the spring of 2024?": ("2024-03-01", "2024-05-31"),
    "Was haben wir am Montag beschlossen?": ("2026-03-09", "2026-03-09"),
    "Was war letzte Woche?": ("2026-03-02", "2026-03-08"),
    "Qu'avons-nous décidé la semaine dernière ?": ("2026-03-02", "2026-03-08"),
    "¿Qué decidimos el viernes pasado?": ("2026-03-06", "2026-03-06"),
    "昨日何を決めましたか？": ("2026-03-10", "2026-03-10"),
    "上周我们决定了什么？": ("2026-03-02", "2026-03-08"),
}
NONE = (
    "May I ask you something?",
    "We march on and on.",
    "Give me a second, please.",
    "She sat down by the sun.",
    "I have 3 cats and 12 dogs.",
    "Is Python 3.11 faster than 3.12?",
    "Add 1/2 cup of sugar and 3/4 tsp of salt.",
    "The meeting room 204 has 10.0.0.1.",
    "Turn the page to chapter 12, section 3.4.5.",
    "Do you think April likes her new job?",
    "He can do it in the house.",
    "You mon ami, je suis la.",
    "Das war mit dem Mai-Tai.",
    "Open the file at 80 % and 2000 tokens.",
)
_Days = tuple[str, str] | None


def _day(moment: datetime | date) -> tuple[str, str]:
    return (f"{moment:%Y-%m-%d}",) * 2


def of_memex() -> Callable[[str], _Days]:
    """Return what memex-recall finds."""
    from memex_recall.dates import times_in

    def find(text: str) -> _Days:
        named = times_in(text, NOW.replace(tzinfo=UTC))
        if not named:
            return None
        span = named[0].spans[0]
        return f"{span.start:%Y-%m-%d}", f"{span.end - timedelta(days=1):%Y-%m-%d}"

    return find


def of_dateparser() -> Callable[[str], _Days]:
    """Return what dateparser's search finds, told the six languages."""
    from dateparser.search import search_dates

    settings: Any = {"RELATIVE_BASE": NOW, "PREFER_DATES_FROM": "past", "RETURN_TIME_SPAN": True}

    def find(text: str) -> _Days:
        found = search_dates(text, languages=["en", "de", "fr", "es", "ja", "zh"], settings=settings)
        return _day(found[0][1]) if found else None

    return find


def of_parsedatetime() -> Callable[[str], _Days]:
    """Return what parsedatetime finds."""
    import parsedatetime

    calendar = parsedatetime.Calendar()

    def find(text: str) -> _Days:
        found = calendar.nlp(text, NOW)
        return _day(found[0][0]) if found else None

    return find


def of_datefinder() -> Callable[[str], _Days]:
    """Return what datefinder finds."""
    import datefinder

    def find(text: str) -> _Days:
        found = list(datefinder.find_dates(text, base_date=NOW))
        return _day(found[0]) if found else None

    return find


FINDERS = {
    "memex-recall": of_memex,
    "dateparser": of_dateparser,
    "parsedatetime": of_parsedatetime,
    "datefinder": of_datefinder,
}


def measure(make: Callable[[], Callable[[str], _Days]]) -> dict[str, Any]:
    """Return the figures of one finder."""
    started = time.process_time()
    find = make()
    find("yesterday")
    begun = time.process_time() - started
    found = {text: find(text) for text in (*QUESTIONS, *NONE)}
    spent = []
    for _ in range(5):
        started = time.process_time()
        for text in found:
            find(text)
        spent.append((time.process_time() - started) / len(found))
    return {
        "right": sum(found[text] == meant for text, meant in QUESTIONS.items()),
        "first day right": sum((found[text] or ("",))[0] == meant[0] for text, meant in QUESTIONS.items()),
        "found where none is": sum(found[text] is not None for text in NONE),
        "ms per text": round(1e3 * min(spent), 3),
        "ms to import and begin": round(1e3 * begun),
    }


def main() -> int:
    """Run the comparison."""
    figures: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, make in FINDERS.items():
        try:
            figures[name] = measure(make)
        except ImportError as error:
            missing[name] = str(error)
    of = {"questions": len(QUESTIONS), "sentences without a time": len(NONE)}
    print(json.dumps({"of": of, "finders": figures, "missing": missing}, indent=2))
    ours = figures["memex-recall"]
    return 0 if ours["right"] == len(QUESTIONS) and not ours["found where none is"] else 1


if __name__ == "__main__":
    sys.exit(main())
