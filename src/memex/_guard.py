"""The laws, checked after every policy, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from memex._entry import Derived, Entry
from memex._errors import BudgetExceeded, PolicyViolation
from memex._message import Role
from memex._plan import Change
from memex._ranges import contains, expand, show_ranges, to_ranges
from memex._stubs import stub_of
from memex._window import Window

_STANDING: frozenset[Role] = frozenset({"system", "developer"})
_CHANGES = msgspec.json.Decoder(tuple[Change, ...])


def check_step(before: Window, after: object) -> Window:
    """Return ``after`` if the step from ``before`` keeps every law.

    Raises:
        PolicyViolation: With the short code of the law that was broken.
    """
    if not isinstance(after, Window):
        raise PolicyViolation(
            f"a policy returns a Window, not {type(after).__name__}; did it forget to return?",
            law="window",
        )
    for law, found in _broken(before, after):
        raise PolicyViolation(found, law=law)
    return after


def _broken(before: Window, after: Window) -> Iterator[tuple[str, str]]:
    if (
        after.log is not before.log
        or after.counter is not before.counter
        or after.budget != before.budget
        or (after.tools_tokens, after.allowance) != (before.tools_tokens, before.allowance)
        or after.protected is not before.protected
    ):
        yield "frame", "log, counter, budget, tools and protection are the host's and stay as they are"
    yield from _not_items(after)
    yield from _out_of_order(after)
    yield from _foreign(before, after)
    yield from _foreign_stubs(before, after)
    missing = sorted(before.protected.keys() - {e.seq for e in after.entries})
    if missing:
        why = ", ".join(f"#{seq} ({before.protected[seq]})" for seq in missing)
        yield "protected", f"protected messages are gone: {why}"
    yield from _split(before, after)
    yield from _bad_derived(before, after)
    yield from _unexplained(before, after)


def _not_items(after: Window) -> Iterator[tuple[str, str]]:
    items: tuple[object, ...] = after.items  # a stranger may have put anything there
    for item in items:
        if not isinstance(item, (Entry, Derived)):
            yield "items", f"a window is made of entries, not of {type(item).__name__}"


def _out_of_order(after: Window) -> Iterator[tuple[str, str]]:
    seqs = [entry.seq for entry in after.present]
    if any(b <= a for a, b in pairwise(seqs)):
        yield "order", "messages stand in the log's order, each once"


def _foreign(before: Window, after: Window) -> Iterator[tuple[str, str]]:
    """Yield entries that are not the log's own: altered, invented or with another count."""
    known = {id(entry) for entry in before.entries}
    strange = [entry for entry in after.entries if id(entry) not in known]
    if not strange:
        return
    genuine = {e.seq: e for e in before.entries} | {e.seq: e for e in after.log.at(e.seq for e in strange)}
    for entry in strange:
        if genuine.get(entry.seq) != entry:
            yield "log", f"#{entry.seq} is not what the log holds; policies never alter or invent messages"


def _foreign_stubs(before: Window, after: Window) -> Iterator[tuple[str, str]]:
    """Yield stubs that are not as the host writes them: a policy must not speak for a tool."""
    known = {id(stub) for stub in before.derived}
    for stub in after.stubs.values():
        if id(stub) in known:
            continue
        seq = stub.covers[0][0]
        exchange = next((u.entries for u in before.units if any(e.seq == seq for e in u.entries)), ())
        original = next(iter(after.log.at([seq])), None) if exchange else None
        if original is None or stub != stub_of(original, exchange, after.counter, shown=stub.shown):
            yield "log", f"what stands for #{seq} is not its stub; use shorten()"


def _split(before: Window, after: Window) -> Iterator[tuple[str, str]]:
    present = {entry.seq for entry in after.present}
    for unit in before.units:
        kept = [entry for entry in unit.entries if entry.seq in present]
        if kept and len(kept) < len(unit.entries):
            seqs = show_ranges(to_ranges(e.seq for e in unit.entries))
            yield "tool-pair", f"the exchange with a tool in {seqs} was split"
    added = present - {entry.seq for entry in before.present}
    if added:
        for unit in after.units:
            if not unit.whole and any(entry.seq in added for entry in unit.entries):
                seqs = show_ranges(to_ranges(e.seq for e in unit.entries))
                yield "tool-pair", f"half an exchange with a tool was brought back in {seqs}"


def _bad_derived(before: Window, after: Window) -> Iterator[tuple[str, str]]:
    known = {id(derived) for derived in before.derived}
    for position, item in enumerate(after.items):
        if not isinstance(item, Derived):
            continue
        # Asked as ranges: a summary may cover the whole log, and a stranger may claim any number.
        if any(not 1 <= a <= b <= after.log.head for a, b in item.covers) or not (
            item.covers or item.elsewhere
        ):
            yield "derived", "a derived entry names the messages of the log that it covers"
        if id(item) not in known:
            if item.elsewhere:
                yield from _bad_elsewhere(after, item)
            if item.tokens != after.log.cost(item.message, after.counter):
                yield "derived", "a derived entry costs what the counter says"
        if any(contains(item.covers, seq) for seq in after.seqs):
            yield "derived", "a derived entry covers messages that are in the window themselves"
        if item.kind == "recall" and not _before_newest(after, position):
            yield "prefix", "recalled messages stand just before the newest user message"


def _bad_elsewhere(after: Window, item: Derived) -> Iterator[tuple[str, str]]:
    """Yield what a block must not quote from other threads, as far as it names it."""
    if item.kind != "recall":
        yield "derived", "only quotes speak for messages of other threads"
    for thread, ranges in item.elsewhere:
        log = after.log.beside.log(thread)
        if log is None or not ranges or any(not 1 <= a <= b <= log.head for a, b in ranges):
            yield "derived", "a block of quotes names messages of threads that log.others() gave"
        elif any(after.log.beside.is_own(thread, first) for first, _ in ranges):  # forks share beginnings
            yield "derived", "a message that this thread holds itself is not quoted from another"
        elif any(after.log.beside.once(thread, seq) != (thread, seq) for span in ranges for seq in span):
            yield "derived", "a message that threads share is quoted once"
        elif any(True for first, last in ranges for _ in log.entries(first, last, roles=_STANDING)):
            yield "derived", "system text of another thread is never quoted"


def _before_newest(after: Window, position: int) -> bool:
    if after.newest is None:
        return position == len(after.items) - 1
    return position + 1 < len(after.items) and after.items[position + 1] is after.newest


def _unexplained(before: Window, after: Window) -> Iterator[tuple[str, str]]:
    told = after.changes[len(before.changes) :]
    if unreadable := _unreadable(told):
        yield "reason", f"what it says of its changes cannot be kept in a plan: {unreadable}"
        return
    dropped = {e.seq for e in before.present} - {e.seq for e in after.present}
    shortened = after.stubs.keys() - before.stubs.keys()
    silent = (dropped - _named(told, "drop")) | (shortened - _named(told, "shorten"))
    if silent or after.changes[: len(before.changes)] != before.changes:
        yield "reason", f"no reason was given for {show_ranges(to_ranges(silent)) or 'an earlier change'}"
    new = _digests(after) - _digests(before)
    if new and not any(change.kind in ("recall", "summarise") for change in told):
        yield "reason", "a derived entry came without a reason"


def _named(told: tuple[Change, ...], kind: str) -> set[int]:
    return {seq for change in told if change.kind == kind for seq in expand(change.seqs)}


def _digests(window: Window) -> set[str]:
    return {derived.digest for derived in window.derived if derived.kind != "stub"}


def _unreadable(told: tuple[Change, ...]) -> str:
    """Say why a later process could not read these changes: a plan that it cannot read stops the thread."""
    try:
        _CHANGES.decode(msgspec.json.encode(told))
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        return str(error)
    return ""


def check_budget(window: Window, skipped: list[str]) -> None:
    """Raise if the finished window does not fit.

    Args:
        window: What the chain gave.
        skipped: Names of policies that failed and were skipped.

    Raises:
        BudgetExceeded: With what must stay and what could be done.
    """
    if window.room >= 0:
        return
    must = sum(entry.tokens for entry in window.entries if entry.seq in window.protected)
    needed = must + window.tools_tokens
    if needed > window.limit:
        kinds: dict[str, int] = {}
        for entry in window.entries:
            if entry.seq in window.protected:
                why = window.protected[entry.seq]
                kinds[why] = kinds.get(why, 0) + entry.tokens
        if window.tools_tokens:
            kinds["tools"] = window.tools_tokens
        parts = ", ".join(f"{why} {tokens:,}" for why, tokens in kinds.items())
        raise BudgetExceeded(
            f"what must be sent takes {needed:,} tokens ({parts}), but the budget leaves "
            f"{window.limit:,} for the prompt ({window.budget.total:,} less {window.budget.answer:,} for "
            "the answer): raise the budget or shorten the system text, pins or question",
            needed=needed,
            limit=window.limit,
        )
    because = f"; skipped after a failure: {', '.join(skipped)}" if skipped else ""
    raise BudgetExceeded(
        f"the chain left {window.tokens:,} tokens, but the budget leaves {window.limit:,} for the prompt: "
        f"end the chain with a policy that evicts, such as fifo{because}",
        needed=window.tokens,
        limit=window.limit,
    )
