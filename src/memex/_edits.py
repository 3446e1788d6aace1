"""What a window's own methods do to it: each returns a new window that says what changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from memex._counter import count_message
from memex._elsewhere import as_planned, entries_at, in_order, other_log, quotable
from memex._entry import Derived, Entry, Place
from memex._errors import PolicyViolation
from memex._message import Message
from memex._others import grouped
from memex._plan import Change
from memex._quoting import quote_block
from memex._ranges import to_ranges
from memex._stubs import place_of, stub_of

if TYPE_CHECKING:
    from memex._window import Window

Detail = Mapping[str, Any] | None


def drop(window: Window, entries: Iterable[Entry], reason: str, detail: Detail) -> Window:
    """Do what :meth:`Window.drop` says."""
    gone = _exchanges(window, entries)
    if not gone:
        return window
    _refuse_protected(window, gone, "dropped")
    items = tuple(item for item in window.items if place_of(item) not in gone)
    tokens = sum(entry.tokens for entry in window.present if entry.seq in gone)
    change = Change(kind="drop", seqs=to_ranges(gone), reason=reason, tokens=tokens, detail=detail or {})
    return window.changed(items, change)


def recall(
    window: Window,
    entries: Iterable[Entry],
    reason: str,
    detail: Detail,
    elsewhere: Mapping[str, Iterable[Entry]],
) -> Window:
    """Do what :meth:`Window.recall` says."""
    wanted: dict[Place, Entry] = {
        e.seq: window.log.counted(e) for e in entries if e.seq not in window and not window.log.superseded(e)
    }
    # Of what is shortened in the window, the message itself is quoted, not its stub.
    wanted |= {e.seq: e for e in window.log.at(window.stubs.keys() & wanted.keys())}
    for thread, others in elsewhere.items():
        log = other_log(window, thread)
        said = log.at(entry.seq for entry in others)  # what a policy kept may be forgotten since
        wanted |= {place: entry for entry in said if (place := quotable(window, log, entry))}
    before = next((d for d in window.derived if d.kind == "recall"), None)
    known = set(before.places) if before else set()
    if not wanted.keys() - known:
        return window
    quoted = entries_at(window, known - wanted.keys()) | wanted
    block = _block(window, quoted)
    items = [item for item in window.items if item is not before]
    items.insert(items.index(window.newest) if window.newest else len(items), block)
    new = wanted.keys() - known
    change = Change(
        kind="recall",
        seqs=to_ranges(place for place in new if isinstance(place, int)),
        elsewhere=as_planned(window, new),
        reason=reason,
        tokens=block.tokens - (before.tokens if before else 0),
        detail=detail or {},
    )
    return window.changed(tuple(items), change, same_entries=True)


def recall_block(
    window: Window, entries: Iterable[Entry], elsewhere: Mapping[str, Iterable[Entry]]
) -> Derived:
    """Do what :meth:`Window.recall_block` says."""
    quoted: dict[Place, Entry] = {entry.seq: entry for entry in entries}
    for thread, others in elsewhere.items():
        other_log(window, thread)
        quoted |= {(thread, entry.seq): entry for entry in others}
    return _block(window, quoted)


def _block(window: Window, quoted: Mapping[Place, Entry]) -> Derived:
    own = sorted(place for place in quoted if isinstance(place, int))
    others = in_order(window, quoted)
    message = quote_block([quoted[seq] for seq in own], [(place[0], quoted[place]) for place in others])
    return Derived(
        kind="recall",
        message=message,
        covers=to_ranges(own),
        elsewhere=grouped(others),
        tokens=window.log.cost(message, window.counter),
    )


def summarise(window: Window, entries: Iterable[Entry], message: Message, reason: str) -> Window:
    """Do what :meth:`Window.summarise` says."""
    dropped = window.drop(entries, reason=reason)
    if dropped is window:
        return window
    gone = {entry.seq for entry in window.present} - {entry.seq for entry in dropped.present}
    derived = Derived(
        kind="summary",
        message=message,
        covers=to_ranges(gone),
        tokens=count_message(window.counter, message),
    )
    items = list(dropped.items)
    positions = [place_of(item) or 0 for item in items]
    for index in range(1, len(positions)):  # a derived entry stands with the one before it
        positions[index] = positions[index] or positions[index - 1]
    items.insert(bisect_left(positions, min(gone)), derived)
    change = Change(kind="summarise", seqs=derived.covers, reason=reason, tokens=derived.tokens)
    return dropped.changed(tuple(items), change)


def shorten(window: Window, entries: Iterable[Entry], reason: str, shown: int, detail: Detail) -> Window:
    """Do what :meth:`Window.shorten` says."""
    named = {entry.seq for entry in entries if entry.seq in window}
    if not named:
        return window
    if isinstance(shown, bool) or not isinstance(shown, int) or shown < 0:
        raise PolicyViolation(f"{shown!r} characters cannot be shown of a result", law="shorten")
    _refuse_protected(window, named, "shortened")
    stubs: dict[int, Derived] = {}
    saved = 0
    for unit in window.units:
        for entry in unit.entries:
            if entry.seq not in named:
                continue
            if not entry.message.tool_results:
                raise PolicyViolation(f"#{entry.seq} is no result of a tool: it stays whole", law="shorten")
            stub = stub_of(entry, unit.entries, window.counter, shown=shown)
            if stub.tokens < entry.tokens:
                stubs[entry.seq] = stub
                saved += entry.tokens - stub.tokens
    if not stubs:
        return window
    items = tuple(stubs.get(i.seq, i) if isinstance(i, Entry) else i for i in window.items)
    change = Change(kind="shorten", seqs=to_ranges(stubs), reason=reason, tokens=saved, detail=detail or {})
    return window.changed(items, change)


def _exchanges(window: Window, entries: Iterable[Entry]) -> set[int]:
    """Return the places of ``entries``, and of all that lives and dies with them."""
    named = {entry.seq for entry in entries}
    if not named:
        return set()
    return {e.seq for u in window.units if any(e.seq in named for e in u.entries) for e in u.entries}


def _refuse_protected(window: Window, places: set[int], what: str) -> None:
    kept_by_law = sorted(places & window.protected.keys())
    if kept_by_law:
        why = ", ".join(f"#{seq} is {window.protected[seq]}" for seq in kept_by_law)
        raise PolicyViolation(f"protected messages cannot be {what}: {why}", law="protected")
