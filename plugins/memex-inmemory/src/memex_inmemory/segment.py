"""A thread's own stretch of the log, and how a fork looks through to what it shares."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from memex import Entry, StoredPlan, TermIndex, ThreadInfo, VectorSpace, decode_message

_RULES = frozenset({"system", "developer"})


class Row(NamedTuple):
    """A stored message. It is kept as bytes, so that nobody holds an object the store also holds."""

    id: str
    role: str
    body: bytes
    tokens: int
    counter: str | None
    number: int
    """Its place in the namespace's search index."""
    forgotten: bool = False

    def entry(self, seq: int) -> Entry:
        """Return the row as an entry."""
        return Entry(seq, decode_message(self.body), self.tokens, self.counter)


class Segment:
    """What one thread has of its own. What comes before belongs to its parent.

    Rows are only ever appended or replaced, never removed, so a reader needs no lock.

    Attributes:
        name: The thread's id; None once it was forgotten and only its forks look at it.
        parent: The segment that the thread was forked from.
        forked_at: The last message it shares; its own start after it.
        plan_base: The plan number before its own first one.
        shared_plans: The last number of its parent's plans that it shares.
        vectors: Those of its own messages, by space and sequence number.
    """

    def __init__(
        self,
        name: str,
        created: datetime,
        parent: Segment | None = None,
        forked_at: int = 0,
        plan_base: int = 0,
        shared_plans: int | None = None,
    ) -> None:
        self.name: str | None = name
        self.created = created
        self.parent = parent
        self.forked_at = forked_at
        self.plan_base = plan_base
        self.shared_plans = plan_base if shared_plans is None else shared_plans
        self.rows: list[Row] = []
        self.places: dict[str, int] = {}
        self.rules: list[int] = []
        self.index = TermIndex()
        self.state: dict[str, bytes] = {}
        self.plans: list[StoredPlan] = []
        self.vectors: dict[VectorSpace, dict[int, bytes]] = {}

    @property
    def head(self) -> int:
        """Sequence number of the newest message."""
        return self.forked_at + len(self.rows)

    @property
    def info(self) -> ThreadInfo:
        """The thread as a user sees it."""
        parent, forked_at, _ = self.origin
        return ThreadInfo(
            self.name or "",
            self.head,
            self.created,
            parent.name if parent else None,
            forked_at if parent else None,
        )

    @property
    def origin(self) -> tuple[Segment | None, int, int]:
        """The nearest of its parents that was not forgotten, and the last message and plan it shares."""
        parent, seq, plan = self.parent, self.forked_at, self.shared_plans
        while parent is not None and parent.name is None:
            seq, plan = min(seq, parent.forked_at), min(plan, parent.shared_plans)
            parent = parent.parent
        return (parent, seq, plan) if parent else (None, 0, 0)

    def lineage(self) -> Iterator[tuple[Segment, int]]:
        """Yield the segments that make up the thread, its own first, each with its last shared seq."""
        segment: Segment | None = self
        upto = self.head
        while segment is not None:
            yield segment, upto
            upto = min(upto, segment.forked_at)
            segment = segment.parent

    def shares(self, other: Segment, seq: int) -> bool:
        """Tell whether ``other``'s message ``seq`` is part of this thread."""
        return any(segment is other and seq <= upto for segment, upto in self.lineage())

    def add(self, row: Row) -> int:
        """Append a row and return its sequence number."""
        self.rows.append(row)
        seq = self.head
        self.places[row.id] = seq
        if row.role in _RULES:
            self.rules.append(seq)
        return seq

    def row(self, seq: int) -> Row:
        """Return the segment's own row ``seq``."""
        return self.rows[seq - self.forked_at - 1]

    def replace(self, seq: int, row: Row) -> None:
        """Put ``row`` in place of the segment's own row ``seq``."""
        self.rows[seq - self.forked_at - 1] = row

    def locate(self, message_id: str) -> tuple[Segment, int] | None:
        """Return where the thread has a message, None if it has not."""
        for segment, upto in self.lineage():
            seq = segment.places.get(message_id)
            if seq is not None and seq <= upto:
                return segment, seq
        return None

    def walk(
        self, start: int, stop: int, roles: Collection[str] | None, *, reverse: bool
    ) -> Iterator[tuple[int, Row]]:
        """Yield the thread's rows between ``start`` and ``stop``, reading as it goes."""
        spans = [
            (segment, max(start, segment.forked_at + 1), min(stop, upto)) for segment, upto in self.lineage()
        ]
        for segment, first, last in spans if reverse else reversed(spans):
            seqs = segment.rules_between(first, last) if _only_rules(roles) else range(first, last + 1)
            for seq in reversed(seqs) if reverse else seqs:
                row = segment.row(seq)
                if roles is None or row.role in roles:
                    yield seq, row

    def rows_at(self, seqs: Collection[int]) -> Iterator[tuple[int, Row]]:
        """Yield the thread's rows at these places in log order, each once."""
        spans = list(self.lineage())
        segment, upto = spans.pop()
        for seq in sorted(set(seqs)):
            while seq > upto and spans:
                segment, upto = spans.pop()
            if 1 <= seq <= upto:
                yield seq, segment.row(seq)

    def rules_between(self, first: int, last: int) -> list[int]:
        """Return the segment's own system and developer messages between two places."""
        return self.rules[bisect_left(self.rules, first) : bisect_right(self.rules, last)]

    def all_plans(self) -> Iterator[StoredPlan]:
        """Yield the thread's plans, newest first, then those it shares with its parents."""
        segment: Segment | None = self
        number = head = 1 << 62
        while segment is not None:
            for plan in reversed(segment.plans):
                if plan.number <= number and plan.head <= head:
                    yield plan
            number, head = min(number, segment.shared_plans), min(head, segment.forked_at)
            segment = segment.parent


def _only_rules(roles: Collection[str] | None) -> bool:
    return roles is not None and set(roles) <= _RULES
