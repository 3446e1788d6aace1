"""Where a window begins: at the low-water mark of the last one, never at the start of the log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from memex._counter import Counter
from memex._entry import Derived, Entry, Item
from memex._groups import Unit, units
from memex._log import Log
from memex._message import Role
from memex._plan import Change, Opened, Plan
from memex._ranges import Range, expand, to_ranges
from memex._stubs import stub_of
from memex._superseding import Standing, standing
from memex._window import is_question

_STANDING: frozenset[Role] = frozenset({"system", "developer"})
# How far from a cut or a pin the other half of an exchange with a tool is looked for.
_LOOK_BACK = 200


class Opening(msgspec.Struct, frozen=True):
    """An opened window before it is one.

    Attributes:
        items: What the chain is given, in log order.
        protected: Why messages must stay.
        changes: What was left out at once, and why.
        before: The items before those changes.
        opened: Where it began, for the plan.
    """

    items: tuple[Item, ...]
    before: tuple[Item, ...]
    protected: Mapping[int, str]
    changes: tuple[Change, ...]
    opened: Opened


def open_entries(
    log: Log,
    *,
    limit: int,
    counter: Counter,
    pins: Iterable[int],
    previous: Plan | None,
    anew: str | None,
    pending: Entry | None,
) -> Opening:
    """Read what the chain is given: O(new + kept), whatever the length of the thread.

    Args:
        log: The thread up to here.
        counter: How the stubs of the last window are counted again.
        limit: Prompt tokens; without a previous window, reading back stops once they are passed.
        pins: Sequence numbers of pinned messages.
        previous: The plan of the last window; its messages are continued.
        anew: Why the last window is not continued, if it is not.
        pending: A question that is not stored.
    """
    texts = _standing(log, previous, anew)
    held = {entry.seq: entry for entry in texts.held}
    pinned = [seq for seq in pins if 1 <= seq <= log.head]
    tail, complete = _read_back(log, previous.head + 1 if previous and not anew else 1, limit)
    if previous and not anew and not complete:
        anew = "more was added since than a window holds"
    kept = list(previous.kept()) if previous and not anew else []
    shortened = previous.shortened() if previous and not anew else {}
    entries = {entry.seq: entry for entry in tail}
    known = entries.keys() | held.keys()
    entries |= held | {e.seq: e for e in log.at({*kept, *shortened, *pinned} - known)}
    if pending is not None:
        entries[pending.seq] = pending
    if not any(is_question(entry.message) for entry in (*tail, *([pending] if pending else ()))):
        entries |= _newest_question(log)
    calls = _calls_before(log, [*tail, *([pending] if pending else ())])
    entries.update(calls)  # one that was left out while it had no result is brought back with it
    if not tail and pending is None:  # a question that was not stored may have put out a waiting call
        calls |= {e.seq: e for e in log.at([log.head]) if e.message.tool_calls or e.message.tool_results}
        entries.update(calls)
    for seq in (*pinned, *calls):
        entries.update(_exchange(log, seq, entries))
    before = tuple(entries[seq] for seq in sorted(entries))
    asking = pending is not None
    superseded = [
        e
        for e in before
        if e.seq not in pinned and (_is_replaced(e, texts.replaced) or log.superseded(e, asking=asking))
    ]
    current = tuple(entries[seq] for seq in sorted(entries.keys() - {e.seq for e in superseded}))
    groups = units(current)
    protected = _protected(groups, current, held, pinned)
    left, changes = _leave_out(groups, protected, texts.repeats)
    if superseded:
        changes = (*changes, _dropped(superseded, "superseded"))
    # What must stay since then, such as a result that was pinned, is whole again.
    stubs = _stubs(groups, {seq: n for seq, n in shortened.items() if seq not in protected}, counter)
    start = tail[0].seq if tail else log.head + 1
    return Opening(
        items=_with_stubs(left, stubs),
        before=_with_stubs(before, stubs),
        protected=protected,
        changes=changes,
        opened=Opened(
            start=min([start, *kept, *shortened]),
            after_plan=previous.number if previous and not anew else None,
            why=anew,
            outside=gaps(entries, log.head),
        ),
    )


def gaps(present: Collection[int], head: int) -> tuple[Range, ...]:
    """Return the ranges of ``1..head`` that hold none of ``present``."""
    found: list[Range] = []
    at = 1
    for first, last in to_ranges(seq for seq in present if seq <= head):
        if first > at:
            found.append((at, first - 1))
        at = last + 1
    if at <= head:
        found.append((at, head))
    return tuple(found)


def _standing(log: Log, previous: Plan | None, anew: str | None) -> Standing:
    """Return what the system and developer messages come to.

    A caller that sends the same system text every turn gets its first copy, once; and of a text that is
    sent with other words each time the last, as long as nobody forgets that.
    """
    known = list(expand(previous.protected.get("standing", ()))) if previous and not anew else []
    found = log.at(known)
    if len(found) < len(known):  # one was forgotten: a message that repeats it stands in its place now
        previous, found = None, []
    elif anew:  # old messages are read again, and the repeats among them
        previous = None
    return standing([*found, *log.entries(previous.head + 1 if previous else 1, roles=_STANDING)])


def _is_replaced(entry: Entry, replaced: Collection[str]) -> bool:
    return entry.message.role in _STANDING and entry.message.id in replaced


def _newest_question(log: Log) -> dict[int, Entry]:
    """Return the newest user message by number, where a long run of tool calls has left it behind."""
    users = log.entries(roles={"user"}, reverse=True)
    return next(({entry.seq: entry} for entry in users if is_question(entry.message)), {})


def _calls_before(log: Log, new: Sequence[Entry]) -> dict[int, Entry]:
    """Return the calls, by number, that results in ``new`` answer and that stand before ``new``."""
    wanted: set[str] = set()
    for entry in reversed(new):
        wanted.update(result.call_id for result in entry.message.tool_results)
        wanted.difference_update(call.id for call in entry.message.tool_calls)
    found: dict[int, Entry] = {}
    before = new[0].seq if new else 1
    earlier = log.entries(max(1, before - _LOOK_BACK), before - 1, reverse=True) if wanted else ()
    for entry in earlier:
        asked = wanted.intersection(call.id for call in entry.message.tool_calls)
        if asked:
            found[entry.seq] = entry
            wanted -= asked
        if not wanted:
            break
    return found


def _exchange(log: Log, seq: int, entries: dict[int, Entry]) -> dict[int, Entry]:
    """Return what a message stays with, by number, where it is part of an exchange with a tool."""
    part = entries.get(seq)
    if part is None or not (part.message.tool_calls or part.message.tool_results):
        return {}
    around = {e.seq: e for e in log.entries(max(1, seq - _LOOK_BACK), seq + _LOOK_BACK)} | dict(entries)
    unit = next(u for u in units(around[at] for at in sorted(around)) if part in u.entries)
    return {entry.seq: entry for entry in unit.entries}


def _read_back(log: Log, start: int, limit: int) -> tuple[list[Entry], bool]:
    """Return the newest entries from ``start`` on, and whether that was all of them.

    Reading stops once they cost more than ``limit`` and the cut splits no exchange with a tool.
    """
    found: list[Entry] = []
    tokens = past = 0
    uncalled: set[str] = set()
    for entry in log.entries(start, reverse=True):
        found.append(entry)
        tokens += entry.tokens
        uncalled.update(result.call_id for result in entry.message.tool_results)
        uncalled.difference_update(call.id for call in entry.message.tool_calls)
        if tokens <= limit:
            continue
        past += 1
        if past > _LOOK_BACK or not uncalled:
            return found[::-1], entry.seq <= start
    return found[::-1], True


def _protected(
    groups: tuple[Unit, ...],
    entries: tuple[Entry, ...],
    standing: Mapping[int, Entry],
    pinned: Iterable[int],
) -> Mapping[int, str]:
    protected = dict.fromkeys(standing, "standing")
    present = {entry.seq for entry in entries}
    for seq in pinned:
        if seq in present:
            protected.setdefault(seq, "pinned")
    newest = next((e for e in reversed(entries) if is_question(e.message)), None)
    if newest is not None:
        protected.setdefault(newest.seq, "newest")
    if entries and (entries[-1].message.tool_calls or entries[-1].message.tool_results):
        # A unit is in log order, so the one that holds the newest entry ends with it.
        last = next(unit for unit in groups if unit.entries[-1] is entries[-1])
        for entry in last.entries if not last.unasked else ():  # a result without its call is refused
            protected.setdefault(entry.seq, "pending")
    for unit in groups:
        reasons = {protected[e.seq] for e in unit.entries if e.seq in protected}
        for entry in unit.entries if reasons else ():
            protected.setdefault(entry.seq, min(reasons))
    return MappingProxyType(dict(sorted(protected.items())))


def _stubs(groups: tuple[Unit, ...], shortened: Mapping[int, int], counter: Counter) -> dict[int, Derived]:
    """Return the stubs of the last window, written again."""
    return {
        entry.seq: stub_of(entry, unit.entries, counter, shown=shortened[entry.seq])
        for unit in groups
        for entry in unit.entries
        if entry.seq in shortened
    }


def _with_stubs(entries: tuple[Entry, ...], stubs: Mapping[int, Derived]) -> tuple[Item, ...]:
    return tuple(stubs.get(entry.seq, entry) for entry in entries) if stubs else entries


def _leave_out(
    groups: tuple[Unit, ...], protected: Mapping[int, str], repeats: Collection[int]
) -> tuple[tuple[Entry, ...], tuple[Change, ...]]:
    """Take out what no model should be sent, each with its reason."""
    reasons: dict[str, list[Entry]] = {}
    kept: list[Entry] = []
    for unit in groups:
        reason = _why_not(unit, repeats)
        if reason and not any(entry.seq in protected for entry in unit.entries):
            reasons.setdefault(reason, []).extend(unit.entries)
        else:
            kept.extend(unit.entries)
    changes = tuple(_dropped(entries, reason) for reason, entries in sorted(reasons.items()))
    return tuple(sorted(kept, key=lambda entry: entry.seq)), changes


def _dropped(entries: Iterable[Entry], reason: str) -> Change:
    gone = tuple(entries)
    tokens = sum(entry.tokens for entry in gone)
    return Change(kind="drop", seqs=to_ranges(e.seq for e in gone), reason=reason, tokens=tokens)


def _why_not(unit: Unit, repeats: Collection[int]) -> str | None:
    if unit.unanswered:
        return "orphan-tool-call"
    if unit.unasked:
        return "orphan-tool-result"
    if not any(entry.message.parts for entry in unit.entries):
        return "empty"
    if all(entry.seq in repeats for entry in unit.entries):
        return "repeated-system"
    return None
