"""Replay: rebuild a plan from the log and its settings, and compare byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from memex._budget import Budget
from memex._entry import Entry, content_digest
from memex._errors import MemexError, ReplayError
from memex._plan import Plan, read_plan
from memex._planner import Settings, build_window
from memex._ranges import expand, show_ranges, to_ranges
from memex._store import StoredPlan

if TYPE_CHECKING:
    from memex._thread import Thread


class Replayed(msgspec.Struct, frozen=True):
    """What a replay found.

    Attributes:
        number: Number of the plan.
        same: Whether it was rebuilt byte for byte.
        why: What differs, or why it cannot be rebuilt; empty when it is the same.
    """

    number: int
    same: bool
    why: str = ""

    def __str__(self) -> str:
        return f"plan {self.number}: {'same, byte for byte' if self.same else self.why}"


def replay(thread: Thread, number: int | None = None) -> Iterator[Replayed]:
    """Rebuild the plans of a thread, oldest first, and yield what came out.

    Args:
        thread: The thread.
        number: Only this plan.

    Raises:
        ReplayError: If there is no such plan.
    """
    if number is None:
        for stored in reversed(list(thread.memex.store.plans(thread.id))):
            yield _replay_one(thread, stored)
        return
    found = _stored(thread, number)
    if found is None:
        raise ReplayError(f"thread {thread.id!r} has no plan {number}")
    yield _replay_one(thread, found)


def _stored(thread: Thread, number: int) -> StoredPlan | None:
    found = next(iter(thread.memex.store.plans(thread.id, before=number + 1)), None)
    return found if found is not None and found.number == number else None


def _replay_one(thread: Thread, stored: StoredPlan) -> Replayed:
    try:
        plan = read_plan(stored.body, stored.number)
    except MemexError as error:
        return Replayed(stored.number, False, str(error))
    try:
        again = rebuild(thread, plan, _previous(thread, plan))
    except MemexError as error:
        return Replayed(plan.number, False, _forgotten(thread, plan) + str(error))
    if again.to_bytes() == plan.to_bytes():
        return Replayed(plan.number, True)
    return Replayed(plan.number, False, _forgotten(thread, plan) + _difference(plan, again))


def _forgotten(thread: Thread, plan: Plan) -> str:
    """Return which messages that the plan names were forgotten since, as the beginning of what differs."""
    changes = (change for step in plan.steps for change in step.changes)
    named = {*plan.kept(), *expand(plan.recalled()), *expand(span for one in changes for span in one.seqs)}
    gone = sorted(named.difference(entry.seq for entry in thread.log(plan.head).at(named)))
    if not gone:
        return ""
    return f"#{show_ranges(to_ranges(gone))} {'was' if len(gone) == 1 else 'were'} forgotten since; "


def _previous(thread: Thread, plan: Plan) -> Plan | None:
    """Return the plan that a plan was made after, which with several turns at once it names itself."""
    if not plan.previous:
        return None
    before = _stored(thread, plan.previous)
    if before is None:
        raise ReplayError(f"plan {plan.previous}, which it was made after, is gone")
    return read_plan(before.body, before.number)


def rebuild(thread: Thread, plan: Plan, previous: Plan | None) -> Plan:
    """Return the plan as the log, its settings and the counter give it today.

    Raises:
        ReplayError: If something it was made from is gone or of another version.
    """
    memex = thread.memex
    counter = thread.counter
    if counter.name != plan.counter:
        raise ReplayError(f"it was counted by {plan.counter!r}; this memory counts by {counter.name!r}")
    log = thread.log(plan.head, beside=plan.beside)
    settings = Settings(
        chain=memex.chain_of(plan.chain, thread.chain),
        budget=Budget(plan.total, plan.answer),
        counter=counter,
        on_error="skip" if plan.on_error == "skip" else "raise",
        tools_tokens=plan.tools,
        tools_digest=plan.tools_digest,
        target=plan.target,
        limited=plan.limited,
    )
    pending = _pending(thread, plan) if plan.pending else None
    window = build_window(log, settings, pins=expand(plan.pins), previous=previous, pending=pending)
    # A fork also replays the plans that it shares with its parent, which name the parent.
    again = msgspec.structs.replace(window.plan, thread=plan.thread)
    if log.looked_beside and log.beside.gone and again.to_bytes() != plan.to_bytes():
        tags = ", ".join(sorted(log.beside.gone))
        raise ReplayError(
            f"thread {tags} was forgotten, or came under another name; the plan looked at it"
            if len(log.beside.gone) == 1
            else f"threads {tags} were forgotten, or came under other names; the plan looked at them"
        )
    return again


def _pending(thread: Thread, plan: Plan) -> Entry:
    """Return the question the plan was made for, if it was stored right afterwards."""
    for entry in thread.entries(plan.head + 1, plan.head + 1):
        if content_digest(entry.message) == plan.pending:
            asked = thread.log(plan.head + 1).counted(entry)
            when = plan.pending_at or entry.message.created
            return msgspec.structs.replace(asked, message=entry.message.replace(created=when))
    raise ReplayError("its question was asked without being stored, so it cannot be rebuilt")


def _difference(plan: Plan, again: Plan) -> str:
    versions = [
        f"{old.policy} is {new.version} now and was {old.version}"
        for old, new in zip(plan.chain, again.chain, strict=True)
        if old.version != new.version
    ]
    if versions:
        return "; ".join(versions)
    fields = [
        name
        for name in plan.__struct_fields__
        if name not in ("number", "names", "pending_at", "milliseconds")
        and getattr(plan, name) != getattr(again, name)
    ]
    gone = sorted(set(plan.kept()) - set(again.kept()))
    lost = f"; not in it now: #{show_ranges(to_ranges(gone))}" if gone else ""
    return f"it comes out differently in {', '.join(fields)}{lost}"
