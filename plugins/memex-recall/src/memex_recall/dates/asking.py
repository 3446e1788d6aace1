"""The times that a question asks about, not those that it only mentions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from memex_recall.dates.naming import Named, times_in
from memex_recall.dates.spans import Span
from memex_recall.dates.tokens import LONGEST

_SHORT: Final = timedelta(days=8)
_REQUEST: Final = 3  # sentences; what is longer and asks nothing is told, not asked
_OPEN: Final = 100  # a year: what begins before it has no beginning
# A point inside a word or after a number ends no sentence: am 3. Oktober.
_SENTENCE: Final = re.compile(r"(?:[^.!?。！？\n]|\.(?=\w)|(?<=[0-9])\.)+[.!?。！？\n]*")


class AskedTime(msgspec.Struct, frozen=True):
    """A time that a question asks about.

    Attributes:
        named: What it is called, and what it may mean.
        begun: Whether messages can have been said in it.
    """

    named: Named
    begun: bool


def asked_times(question: str, moment: datetime) -> tuple[AskedTime, ...]:
    """Return the times that a question asks about; at most four.

    "The dinner was last night. What now?" asks about no time: a time counts in a sentence with a
    question mark or, where there is none, in a request of up to three sentences. Today and this week do
    not: the conversation is there anyway.

    Args:
        question: What is asked; only its beginning is looked at.
        moment: When; what is relative is counted from there, in days of its zone.
    """
    now = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return tuple(
        AskedTime(named, begun=named.spans[0].start <= now)
        for named in times_in(_asking(question[:LONGEST]), now)
        if now not in named.spans[0] or named.spans[0].end - named.spans[0].start > _SHORT
    )


def _asking(question: str) -> str:
    sentences = [said for said in _SENTENCE.findall(question) if not said.isspace()]
    asking = [said for said in sentences if "?" in said or "？" in said]
    return " ".join(asking if asking or len(sentences) > _REQUEST else sentences)


def shown(times: Sequence[AskedTime]) -> str:
    """Return for the plan what was understood: ``last week: 2026-03-02 to 2026-03-08``."""
    return "; ".join(f"{t.named.said}: {' or '.join(map(_shown, t.named.spans))}" for t in times)


def _shown(span: Span) -> str:
    if span.start.time() != span.end.time():  # hours, not days
        return f"{span.start:%Y-%m-%d %H:%M} to {span.end:%H:%M}"
    first, last = span.start.date(), (span.end - timedelta(days=1)).date()
    if first.year < _OPEN:
        return f"up to {last}"
    return f"{first}" if first == last else f"{first} to {last}"
