"""Why is this message in the window, or not? Answered from the plans alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from memex._entry import Entry
from memex._plan import Plan
from memex._ranges import Elsewhere, Range, contains, show_ranges

if TYPE_CHECKING:
    from memex._thread import Thread

_EARLIER = "shortened-earlier"
Fate = Literal["kept", "recalled", "summarised", "shortened", "dropped", "outside", "forgotten", "later"]

REASONS = {
    "standing": "system and developer messages always stay",
    "pinned": "it is pinned",
    "newest": "it is the newest user message",
    "pending": "it belongs to an exchange with a tool that is not finished",
    "in-window": "it fits, and the window has not evicted it",
    "over-budget": "it was evicted to make room: the oldest go first",
    "less-important": "it was evicted to make room: other turns hold more in fewer tokens",
    "over-messages": "it was evicted: more messages than allowed, the oldest go first",
    "over-turns": "it was evicted: more turns than allowed, the oldest go first",
    "recalled": "it is likely to hold what is asked",
    "neighbour": "it stands beside a message that matches the question",
    "quoted": "it is quoted before the question instead, because the window was about to be cut",
    "cleared": "the result of the tool was taken out to make room; a stub says what was there",
    "shortened": "a stub says what the tool gave back",
    "shortened-earlier": "an earlier plan put a stub in the place of what the tool gave back",
    "orphan-tool-call": "its tool call never got a result, and providers refuse that",
    "orphan-tool-result": "its tool call is not in the log, or far from it",
    "superseded": "a later answer, or later system text, takes its place",
    "empty": "it has no content",
    "repeated-system": "it repeats an earlier system message",
    "before-window": "it is older than the first window of this thread, which began at its newest messages",
    "earlier-plan": "an earlier plan left it out",
    "not-quoted": "it is in another thread, and was not quoted",
    "not-looked-at": "it is in another thread, and no policy looked there",
    "forgotten": "it was forgotten; only its place is left",
    "later": "it was stored after this plan was made",
}


class Explanation(msgspec.Struct, frozen=True):
    """Why one message is where it is.

    Attributes:
        entry: The message.
        plan: Number of the plan that was asked about.
        fate: What became of it in that plan.
        reason: The short code.
        by: The policy that decided, or ``host``.
        since: Number of the plan in which that was decided.
        detail: More, such as its score.
        thread: The thread that it is of, where that is another one.
    """

    entry: Entry
    plan: int
    fate: Fate
    reason: str
    by: str
    since: int
    detail: dict[str, Any] = {}
    thread: str = ""

    def __str__(self) -> str:
        why = REASONS.get(self.reason, self.reason)
        when = "" if self.since == self.plan else f", in plan {self.since}"
        more = "".join(f"; {key} {_value_text(value)}" for key, value in self.detail.items())
        which = f"plan {self.plan}" if self.plan else "this plan"
        where = f" of thread {self.thread}" if self.thread else ""
        return f"#{self.entry.seq}{where} is {self.fate} in {which}: {why} ({self.by}{when}){more}"


def _value_text(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{key} {inner}" for key, inner in value.items())


def explain(thread: Thread, entry: Entry, plan: Plan) -> Explanation:
    """Say what became of ``entry`` in ``plan``; earlier plans are read only where they decide."""
    here = explain_in(entry, plan)
    if here.reason not in ("before-window", _EARLIER):
        return here
    first = plan
    decide = _shorten if here.fate == "shortened" else _drop
    before = plan.number or None  # a plan that was not recorded comes after all that were
    for earlier in thread.plans(before=before) if plan.opened.after_plan else ():
        first = earlier
        found = decide(entry, earlier)
        if found is not None:
            return msgspec.structs.replace(found, plan=plan.number)
        if earlier.opened.after_plan is None:
            break
    return msgspec.structs.replace(here, since=first.number)


def explain_in(entry: Entry, plan: Plan) -> Explanation:
    """Say what became of ``entry`` in ``plan`` as far as this plan alone tells."""
    told = _told(entry, plan)
    ranked = _ranked(plan, entry.seq)
    return msgspec.structs.replace(told, detail=ranked | told.detail) if ranked else told


def _told(entry: Entry, plan: Plan) -> Explanation:
    seq, number = entry.seq, plan.number
    if entry.message.status == "forgotten":
        return Explanation(entry, number, "forgotten", "forgotten", "host", number)
    if seq > plan.head:
        return Explanation(entry, number, "later", "later", "host", number)
    if any(placed.seqs and contains([placed.seqs], seq) for placed in plan.window):
        return Explanation(entry, number, "kept", plan.why_kept(seq), "host", number)
    added = _added(entry, plan) if contains(plan.recalled(), seq) else None
    if added is None and seq in plan.shortened():
        return _shorten(entry, plan) or Explanation(entry, number, "shortened", _EARLIER, "host", number)
    return (
        added or _drop(entry, plan) or Explanation(entry, number, "outside", "before-window", "host", number)
    )


def _added(entry: Entry, plan: Plan) -> Explanation | None:
    return _decided(entry, plan, "recall", "recalled") or _decided(entry, plan, "summarise", "summarised")


def _drop(entry: Entry, plan: Plan) -> Explanation | None:
    return _decided(entry, plan, "drop", "dropped")


def _shorten(entry: Entry, plan: Plan) -> Explanation | None:
    return _decided(entry, plan, "shorten", "shortened")


def _decided(entry: Entry, plan: Plan, kind: str, fate: Fate) -> Explanation | None:
    for step in plan.steps:
        for change in step.changes:
            if change.kind == kind and contains(change.seqs, entry.seq):
                detail = detail_of(change.detail, str(entry.seq))
                number = plan.number
                return Explanation(entry, number, fate, change.reason, step.policy, number, detail)
    return None


def _ranked(plan: Plan, seq: int) -> dict[str, Any]:
    """Return what rankings said of a message beside its score: what the score is made of."""
    said: dict[str, Any] = {}
    for step in plan.steps:
        for change in step.changes:
            if change.kind == "rank" and change.detail and contains(change.seqs, seq):
                said |= detail_of(change.detail, str(seq))
    return said


def detail_of(detail: Any, key: str) -> dict[str, Any]:
    """Return what a change says about one message: ``{"score": {"12": 3.1}}`` gives its score."""
    picked: dict[str, Any] = {}
    for name, value in detail.items():
        if not isinstance(value, dict):
            picked[name] = value
        elif key in value:
            picked[name] = value[key]
    return picked


class Row(msgspec.Struct, frozen=True):
    """A line of the table that explains a whole plan.

    Attributes:
        seqs: The messages.
        fate: What became of them.
        reason: The short code.
        by: The policy that decided, or ``host``.
        tokens: What they cost in the window or, if dropped, gave back; None if unknown.
        elsewhere: Messages of other threads, by the id of the thread, or its tag where nobody looked or
            the thread is gone; quoted before ``seqs``.
    """

    seqs: tuple[Range, ...]
    fate: Fate
    reason: str
    by: str
    tokens: int | None = None
    elsewhere: Elsewhere = ()

    @property
    def messages(self) -> str:
        """The messages, for a reader: ``thread support-41: 12-13; 4``."""
        others = [f"thread {name}: {show_ranges(ranges)}" for name, ranges in self.elsewhere]
        return "; ".join([*others, *([show_ranges(self.seqs)] if self.seqs or not others else [])])


def rows(plan: Plan) -> Iterator[Row]:
    """Yield the table of a plan: what is in, in order, then what is not."""
    for placed in plan.window:
        if placed.seqs is not None:
            reason = plan.why_kept(placed.seqs[0])
            yield Row((placed.seqs,), "kept", reason, "host", placed.tokens)
        elif placed.derived == "recall":
            by = _author(plan, "recall")
            others = tuple((_called(plan, tag), ranges) for tag, ranges in placed.elsewhere)
            yield Row(placed.covers, "recalled", "recalled", by, placed.tokens, others)
        elif placed.derived == "stub":
            by = _author(plan, "shorten")
            yield Row(
                placed.covers, "shortened", "shortened" if by != "host" else _EARLIER, by, placed.tokens
            )
        else:
            by = _author(plan, "summarise")
            yield Row(placed.covers, "summarised", "summarised", by, placed.tokens)
    for step in plan.steps:
        for change in step.changes:
            if change.kind == "drop":
                yield Row(change.seqs, "dropped", change.reason, step.policy, change.tokens)
    if plan.opened.outside:
        reason = "before-window" if plan.opened.after_plan is None else "earlier-plan"
        yield Row(plan.opened.outside, "outside", reason, "host")


def _called(plan: Plan, tag: str) -> str:
    """Return what a thread is called: its id where that is known."""
    name = plan.names.get(tag)
    return f"{tag} (gone)" if name == "" else name or tag


def _author(plan: Plan, kind: str) -> str:
    authors = dict.fromkeys(s.policy for s in plan.steps for c in s.changes if c.kind == kind)
    return ", ".join(authors) or "host"
