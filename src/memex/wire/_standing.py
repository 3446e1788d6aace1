"""The system text at the beginning of what a caller sends: what is new in it, and what it supersedes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from memex._entry import Entry
from memex._message import Message, Role
from memex._superseding import is_replaceable, standing, superseding
from memex._thread import Thread
from memex.wire._units import Unit, messages_of, units_of

_ROLES: Final[frozenset[Role]] = frozenset({"system", "developer"})


def changed_system(thread: Thread, leading: Sequence[Unit], sent: Sequence[Unit], at: int) -> list[Message]:
    """Return the system text that was sent at the beginning, if it is not the last one up to ``at``.

    Callers of a stateless API send it with every call, and other words in its place are meant instead of
    the old ones. So the first message that is new notes which ones it supersedes:

    - text that stood at the beginning of an earlier call;
    - and, where the caller sends its history again, the text at the thread's own beginning, wherever it
      comes from. Of that, at most as many messages as are sent now, the last ones.

    Text that a program appended otherwise stays, and so does what is pinned.

    Args:
        thread: The thread.
        leading: The system text before everything else that was sent.
        sent: What else was sent.
        at: Up to which message the thread counts.
    """
    if not leading:
        return []
    known = _standing(thread, at)
    if _is_last(thread, leading, sent, at, standing(known).held):
        return []
    new = messages_of(leading)
    said = [_words(message) for message in new]
    resent = any(unit.kind == "assistant" for unit in sent)
    old = _replaceable(known, len(new), resent=resent)
    gone = [message.id for message in old if _words(message) not in said]
    stood = [_words(message) for message in old]
    first = next((place for place, words in enumerate(said) if words not in stood), 0)
    return [superseding(message, gone if place == first else ()) for place, message in enumerate(new)]


def _is_last(
    thread: Thread, leading: Sequence[Unit], sent: Sequence[Unit], at: int, held: Sequence[Entry]
) -> bool:
    """Say whether the thread's last system text up to ``at`` is this, but for what stands in between.

    Text that was superseded since is not the last one, wherever else it stands.
    """
    words = [_words(entry.message) for entry in held]
    later = Counter(unit.print for unit in sent if unit.kind == "system")
    wanted = list(leading)
    entries = thread.memex.store.entries(thread.id, 1, at, roles=_ROLES, reverse=True) if at else ()
    for unit in (u for entry in entries for u in reversed(list(units_of([(entry.seq, entry.message)])))):
        if later[unit.print] > 0:
            later[unit.print] -= 1
        elif not wanted[-1].same(unit) or not (unit.gone or [unit.print] in words):
            return False
        else:
            wanted.pop()
            if not wanted:
                return True
    return False


def _standing(thread: Thread, at: int) -> list[Entry]:
    """Return the system text up to ``at`` that may still hold, in order.

    What the newest window left out is not read again: text that changes with every call, for years, costs
    a call no more than text that stays.
    """
    store = thread.memex.store
    plan = next(thread.plans(), None) if at else None
    if plan is None or plan.head > at:
        return list(store.entries(thread.id, 1, at, roles=_ROLES)) if at else []
    known = [
        e for first, last in plan.protected.get("standing", ()) for e in store.entries(thread.id, first, last)
    ]
    if any(entry.message.status == "forgotten" for entry in known):  # what it superseded holds again
        return list(store.entries(thread.id, 1, at, roles=_ROLES))
    return [*known, *(store.entries(thread.id, plan.head + 1, at, roles=_ROLES) if plan.head < at else ())]


def _replaceable(entries: Sequence[Entry], count: int, *, resent: bool) -> list[Message]:
    """Return the messages of the log in whose place such text stands, but for those superseded already."""
    gone = standing(entries).replaced
    marked = {entry.seq for entry in entries if is_replaceable(entry.message)}
    if resent and not marked:  # the first time that a history which came otherwise is sent with other words
        opening = [entry.seq for place, entry in enumerate(entries, 1) if entry.seq == place]
        marked = set(opening[-count:])
    return [
        entry.message
        for entry in entries
        if entry.seq in marked and entry.message.id not in gone and entry.message.status != "forgotten"
    ]


def _words(message: Message) -> list[object]:
    return [unit.print for unit in units_of([(0, message)])]
