"""What the place of a message in its thread says, whatever its words: who said it, and when.

Every ranking gains by it, so it is weighed once, where they come together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from memex._entry import Entry
from memex._log import Log
from memex._terms import terms

# Each adds to the logarithm of a message's odds to hold what is asked. Fitted on development
# conversations of two public sets, and rounded; benchmarks/recall.py measures what they do.
_ASKED_ABOUT: Final = 3.0  # the question names who said it
_PERSON: Final = 0.9  # a person said it: an answer is found again by what was asked
_OPENING: Final = 1.2  # it opens a session, which says what the session is about
_PAUSE: Final = timedelta(hours=1)  # a session ends with one


def bearing(log: Log, question: str, entries: Sequence[Entry]) -> Mapping[int, float]:
    """Return for each message what its circumstances add to the logarithm of its odds.

    Args:
        log: The thread.
        question: What is asked.
        entries: The messages.
    """
    asked = set(terms(question))
    named = {name for name in {e.message.name or "" for e in entries} if not asked.isdisjoint(terms(name))}
    before = {entry.seq: entry for entry in log.at(entry.seq - 1 for entry in entries)}
    return {
        entry.seq: _ASKED_ABOUT * ((entry.message.name or "") in named)
        + _PERSON * (entry.message.role == "user")
        + _OPENING * opens_session(before.get(entry.seq - 1), entry)
        for entry in entries
    }


def opens_session(before: Entry | None, entry: Entry) -> bool:
    """Tell whether a message begins a session: the thread's first, or after a pause."""
    return before is None or entry.message.created - before.message.created > _PAUSE
