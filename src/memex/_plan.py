"""The decision record of one window: what is in, what is out, why, by whom and at what cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

import msgspec

from memex._anchor import Anchor
from memex._errors import StoreDamaged
from memex._outcome import Outcome
from memex._ranges import Elsewhere, Range, contains, expand

FORMAT = 1


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all records of a plan have in common: no text of any message."""


class Change(_Record, frozen=True):
    """One thing a step did.

    Attributes:
        kind: ``drop`` takes messages out; ``recall`` and ``summarise`` add a derived entry; ``shorten``
            puts stubs in the place of tool results; ``rank`` says what older messages are worth and
            changes nothing yet.
        seqs: The messages it is about.
        reason: A short code: ``over-budget``, ``recalled``, ``orphan-tool-call``, ...
        tokens: What it took out or added.
        detail: More for a reader, such as scores by sequence number; a message of another thread is
            ``tag#number`` there.
        elsewhere: Messages of other threads that it is about, by the tags of those threads.
    """

    kind: Literal["drop", "recall", "summarise", "rank", "shorten"]
    seqs: tuple[Range, ...]
    reason: str
    tokens: int
    detail: Mapping[str, Any] = {}
    elsewhere: Elsewhere = ()


class Size(_Record, frozen=True):
    """How big a window is."""

    messages: int
    tokens: int


class Step(_Record, frozen=True):
    """What one policy did.

    Attributes:
        policy: Name of the policy; ``opening`` is the host's own first step.
        plugin: Distribution it comes from.
        version: Version of that.
        before: Size of the window it was given.
        after: Size of the window it gave back.
        fresh_tokens: Fresh tokens if the window were sent now.
        changes: What it did.
        error: Why it was skipped, if it was.
    """

    policy: str
    plugin: str
    version: str
    before: Size
    after: Size
    fresh_tokens: int
    changes: tuple[Change, ...] = ()
    error: str | None = None


class Placed(_Record, frozen=True):
    """A run of messages that are in the window for the same reason, or a derived entry.

    Attributes:
        seqs: First and last sequence number; for a derived entry, None.
        tokens: What it costs.
        derived: ``recall``, ``summary`` or ``stub``.
        digest: Fingerprint of a derived entry's content.
        covers: Messages that a derived entry speaks for.
        shown: How many characters of the beginning of each tool result a stub shows.
        elsewhere: Messages of other threads that a recalled block quotes, by the tags of those threads.
    """

    tokens: int
    seqs: Range | None = None
    derived: str | None = None
    digest: str | None = None
    covers: tuple[Range, ...] = ()
    shown: int = 0
    elsewhere: Elsewhere = ()


class PolicyRef(_Record, frozen=True):
    """A link of the chain as it was set, so that it can be built again."""

    policy: str
    plugin: str
    version: str
    settings: Mapping[str, Any] = {}


class Opened(_Record, frozen=True):
    """Where the window began.

    Attributes:
        start: First sequence number that was read from the log.
        after_plan: Number of the plan whose window it continues; None if it opened anew.
        why: Why it opened anew, if it did.
        outside: Messages that no policy was given: left out by an earlier plan, or before ``start``.
    """

    start: int
    after_plan: int | None = None
    why: str | None = None
    outside: tuple[Range, ...] = ()


class LeftOutPart(_Record, frozen=True):
    """A part that could not go to the model: bound to another one, or unknown to it."""

    seq: int
    part: str
    why: str


class Plan(_Record, frozen=True):
    """The decision record of one window. It names messages by sequence number and holds no text.

    Attributes:
        thread: Id of the thread.
        head: Sequence number of the newest stored message.
        previous: Number of the plan it was made after, 0 for none. Where several turns are under way at
            once, that need not be the number before its own.
        pending: Digest of a question that was asked but not stored.
        pending_at: When that question was asked: what it calls yesterday is counted from there. No part
            of the record that is replayed.
        opened: Where the window began.
        total: The budget's tokens.
        answer: Those reserved for the answer.
        tools: Tokens of the tool definitions, and of the schema of the answer.
        tools_digest: Fingerprint of them.
        counter: Name of the counter.
        target: ``provider:model`` the window was made for, when it was sent.
        limited: Why the budget is smaller than the one that was set: what the model really takes.
        chain: The policies in order.
        on_error: What happens to a policy that fails.
        pins: The pinned messages.
        protected: Why messages must stay: reason to sequence numbers.
        steps: What each policy did.
        window: What the model sees, in order.
        tokens: Prompt tokens, tools included.
        fresh_tokens: Those after the longest prefix shared with the previous window.
        stable: How many leading messages that prefix holds.
        left_out: Parts that could not go to the model.
        anchor: What the provider counted of an earlier window, where that corrected an estimate.
        beside: Other threads that policies asked for: the head that each had, by tag. A tag stands for a
            thread as long as that is there, and tells nothing when it was forgotten.
        names: The id that belongs to each tag, empty where the thread is gone; as far as somebody
            looked, and no part of the record.
        outcome: What became of it, where it was sent: read from the answer, no part of the record.
        number: Its place among the thread's plans; given by the store, 0 before.
        milliseconds: Time each step took; not part of the record that is replayed.
        format: Version of this record.
    """

    thread: str
    head: int
    opened: Opened
    total: int
    answer: int
    counter: str
    chain: tuple[PolicyRef, ...]
    steps: tuple[Step, ...]
    window: tuple[Placed, ...]
    tokens: int
    fresh_tokens: int
    stable: int
    tools: int = 0
    tools_digest: str | None = None
    previous: int = 0
    pending: str | None = None
    pending_at: datetime | None = None
    target: str | None = None
    limited: str | None = None
    on_error: str = "raise"
    pins: tuple[Range, ...] = ()
    protected: Mapping[str, tuple[Range, ...]] = {}
    left_out: tuple[LeftOutPart, ...] = ()
    anchor: Anchor | None = None
    beside: Mapping[str, int] = {}
    names: Mapping[str, str] = {}
    outcome: Outcome | None = None
    number: int = 0
    milliseconds: tuple[float, ...] = ()
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """Return the record that replay must give again: everything but number, names, times and outcome."""
        bare = msgspec.structs.replace(
            self, number=0, names={}, pending_at=None, milliseconds=(), outcome=None
        )
        return msgspec.json.encode(bare, order="sorted")

    def to_stored(self) -> bytes:
        """Return the plan as it is kept, times included."""
        bare = msgspec.structs.replace(self, number=0, names={}, outcome=None)
        return msgspec.json.encode(bare, order="sorted")

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def kept(self) -> Iterator[int]:
        """Yield the sequence numbers of the messages in the window, in order."""
        return expand(placed.seqs for placed in self.window if placed.seqs is not None)

    @property
    def limit(self) -> int:
        """Prompt tokens that were allowed, as the counter counts."""
        moved = self.anchor.credit - self.anchor.tightened if self.anchor else 0
        return self.total - self.answer + moved

    @property
    def evicted_fresh(self) -> int:
        """Fresh tokens that evictions cost: those that a cache would have served without them."""
        return sum(
            max(0, step.fresh_tokens - before.fresh_tokens)
            for before, step in pairwise(self.steps)
            if any(change.kind == "drop" for change in step.changes)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know besides the table, one line each."""
        from memex._plan_text import notes

        return tuple(notes(self))

    def recalled(self) -> tuple[Range, ...]:
        """Return the messages that derived entries speak for, without those that are only shortened."""
        return tuple(span for placed in self.window if placed.derived != "stub" for span in placed.covers)

    def shortened(self) -> dict[int, int]:
        """Return the messages that stubs stand for, each with how many characters are shown."""
        return {placed.covers[0][0]: placed.shown for placed in self.window if placed.derived == "stub"}

    def why_kept(self, seq: int) -> str:
        """Return the short code of why a message of the window is in it."""
        return next((r for r, seqs in self.protected.items() if contains(seqs, seq)), "in-window")

    def __str__(self) -> str:
        from memex._plan_text import plan_text

        return plan_text(self)

    def _repr_html_(self) -> str:
        from memex._plan_text import plan_html

        return plan_html(self)


_DECODER = msgspec.json.Decoder(Plan)


def read_plan(body: bytes, number: int) -> Plan:
    """Return a stored plan.

    Raises:
        StoreDamaged: If it is not a plan of this version of memex.
    """
    try:
        plan = _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise StoreDamaged(f"plan {number} cannot be read: {error}") from error
    if plan.format != FORMAT:
        raise StoreDamaged(f"plan {number} has format {plan.format}; this memex reads {FORMAT}")
    return msgspec.structs.replace(plan, number=number)


def keys_of(placed: Iterable[Placed]) -> Iterator[int | str]:
    """Yield what identifies each message of a window: its number, or a derived entry's digest."""
    for item in placed:
        if item.seqs is None:
            yield item.digest or ""
        else:
            yield from range(item.seqs[0], item.seqs[1] + 1)
