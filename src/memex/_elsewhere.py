"""Messages of other threads in a window: which may be quoted, in which order, and what plans call them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from memex._entry import Entry, Place
from memex._errors import PolicyViolation
from memex._log import Log
from memex._others import by_thread, grouped
from memex._ranges import Elsewhere

if TYPE_CHECKING:
    from memex._window import Window

_STANDING: Final = frozenset({"system", "developer"})  # what rules another conversation rules only that


def entries_at(window: Window, places: Iterable[Place]) -> dict[Place, Entry]:
    """Return the messages at these places, of this thread and of others; tombstones are left out."""
    wanted = list(places)
    found: dict[Place, Entry] = {e.seq: e for e in window.log.at(p for p in wanted if isinstance(p, int))}
    for thread, seqs in by_thread(p for p in wanted if not isinstance(p, int)).items():
        found |= {(thread, entry.seq): entry for entry in other_log(window, thread).at(seqs)}
    return found


def other_log(window: Window, thread: str) -> Log:
    """Return the log of another thread.

    Raises:
        PolicyViolation: If no policy asked for it.
    """
    log = window.log.beside.log(thread)
    if log is None:
        raise PolicyViolation(f"thread {thread!r} is none of those that log.others() gave", law="derived")
    return log


def as_planned(window: Window, places: Iterable[Place]) -> Elsewhere:
    """Return those messages that are of other threads as a plan names them."""
    others = in_order(window, places)
    return window.log.beside.tagged(grouped(others)) if others else ()


def key_of(window: Window, place: Place) -> str:
    """Return what a message is called in the details of a plan."""
    return str(place) if isinstance(place, int) else window.log.beside.key(*place)


def in_order(window: Window, places: Iterable[Place]) -> list[tuple[str, int]]:
    """Return those messages that are of other threads in the order in which they are quoted."""
    others = [place for place in places if not isinstance(place, int)]
    return window.log.beside.in_order(others) if others else []


def quotable(window: Window, log: Log, entry: Entry) -> tuple[str, int] | None:
    """Return where a message of another thread is quoted from; None where it is not to be quoted."""
    message = entry.message
    if message.role in _STANDING or message.status == "forgotten" or log.superseded(entry):
        return None
    if window.log.beside.is_own(log.thread, entry.seq):
        return None
    return window.log.beside.once(log.thread, entry.seq)
