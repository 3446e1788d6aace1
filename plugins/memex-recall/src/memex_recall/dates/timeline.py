"""Where in a log a stretch of time lies.

Times mostly rise with the log's order, so a few messages are read and not the thread. Where an import
has them out of order, less is found: what is read is looked at by its own time.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Final

from memex import Log
from memex_recall.dates.spans import Span

_GUESSES: Final = 3
_GAP: Final = 16  # forgotten messages have no time; so many places are looked at for one that has


def looked_at_first(upto: int) -> tuple[int, ...]:
    """Return the places that are looked at in every thread, whatever the time: most have nothing of it."""
    return (1, (upto + 2) // 2, upto)


class Timeline:
    """The times of a thread up to a message."""

    def __init__(self, log: Log, upto: int) -> None:
        self._log = log
        self._upto = upto

    @cached_property
    def _ends(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last message; None where times do not rise, or are not known."""
        times = [time for seq in looked_at_first(self._upto) if (time := self._time(seq)) is not None]
        return (times[0], times[2]) if len(times) == 3 and times == sorted(times) else None

    def seqs(self, span: Span) -> range:
        """Return the places of the messages that were made in a stretch of time."""
        first = self._first(span.start, 1)
        return range(first, self._first(span.end, first))

    def _first(self, moment: datetime, low: int) -> int:
        """Return the first place whose message is not older than a moment.

        Where times rise, one before all or after all of them needs no search. Else the first guesses are made
        as if messages came at an even pace, and the others halve what is left.
        """
        if self._ends is not None and moment > self._ends[1]:
            return self._upto + 1
        if self._ends is not None and moment <= self._ends[0]:
            return low
        high = self._upto + 1  # what is sought lies between low and high, both included
        before, after = self._time(low), self._time(self._upto)
        tried = 0
        while low < high:
            middle = (low + high) // 2
            if tried < _GUESSES and before and after and before < moment < after:
                share = (moment - before) / (after - before)
                middle = min(high - 1, max(low, low + int(share * (high - low))))
            tried += 1
            found = self._time(middle)
            if found is not None and found < moment:
                low, before = middle + 1, found
            else:
                high, after = middle, found or after
        return low

    def _time(self, seq: int) -> datetime | None:
        for places in ([seq], range(seq + 1, min(seq + _GAP, self._upto) + 1)):
            for entry in self._log.at(places)[:1]:
                return entry.message.created
        return None
