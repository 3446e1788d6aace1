"""Threads in a dict: what the contracts of policies and backends run on.

A plugin's tests must pass with only the plugin and the host installed, and the host has no store.
This one is for them alone: it keeps nothing, shares nothing between forks and finds no words.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from memex._batch import checked_batch
from memex._entry import Entry
from memex._errors import Conflict, ThreadExists, UnknownMessage, UnknownThread
from memex._message import Message, Role, now
from memex._restoring import checked_entries, checked_plans
from memex._serial import encode_message
from memex._store import Appended, Receipt, StoredPlan, ThreadImage, ThreadInfo


class _Thread:
    def __init__(self, info: ThreadInfo) -> None:
        self.info = info
        self.log: list[Entry] = []
        self.places: dict[str, int] = {}
        self.state: dict[str, bytes] = {}
        self.plans: list[StoredPlan] = []
        self.last_plan = 0

    @property
    def plan_base(self) -> int:
        """The number before the plans that have no gap among them, the newest of all."""
        base = self.last_plan
        for plan in reversed(self.plans):
            if plan.number != base:
                break
            base -= 1
        return base


class ScratchStore:
    """A :class:`~memex.Store` in this process's memory, without search."""

    def __init__(self, namespace: str = "default") -> None:
        self.namespace = namespace
        self._threads: dict[str, _Thread] = {}
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"ScratchStore(namespace={self.namespace!r})"

    def within(self, namespace: str) -> ScratchStore:
        """Return an empty store of that namespace."""
        return ScratchStore(namespace)

    def open_thread(self, thread: str, *, create: bool = True) -> ThreadInfo:
        """Return the thread, opened now if it is new."""
        with self._lock:
            if thread not in self._threads and create:
                self._threads[thread] = _Thread(ThreadInfo(id=thread, head=0, created=now()))
            return self._of(thread).info

    def append(
        self,
        thread: str,
        messages: Sequence[Message],
        *,
        tokens: Sequence[int] | None = None,
        counter: str | None = None,
        expect: int | None = None,
    ) -> Appended:
        """Append a batch, all of it or nothing."""
        with self._lock:
            self.open_thread(thread)
            kept = self._of(thread)
            if expect is not None and expect != kept.info.head:
                raise Conflict(f"thread {thread!r} is at {kept.info.head}, not at {expect}")
            costs = checked_batch(messages, tokens)
            new: list[Entry] = []
            for message, cost in zip(messages, costs, strict=True):
                data = encode_message(message)
                if message.id not in kept.places:
                    new.append(Entry(kept.info.head + len(new) + 1, message, cost, counter))
                elif encode_message(self._at(kept, message.id).message) != data:
                    raise Conflict(f"message {message.id!r} is there with other content")
            kept.log += new
            kept.places |= {entry.message.id: entry.seq for entry in new}
            kept.info = msgspec.structs.replace(kept.info, head=len(kept.log))
            return Appended(tuple(self._at(kept, m.id) for m in messages), len(kept.log), len(new))

    def entries(
        self,
        thread: str,
        start: int = 1,
        stop: int | None = None,
        *,
        roles: Collection[Role] | None = None,
        reverse: bool = False,
    ) -> Iterator[Entry]:
        """Yield the entries between two places."""
        found = self._of(thread).log[max(start, 1) - 1 : stop]
        return (e for e in (reversed(found) if reverse else found) if not roles or e.message.role in roles)

    def get(self, thread: str, ids: Sequence[str]) -> list[Entry]:
        """Return the entries of these ids, without the missing ones."""
        kept = self._of(thread)
        return [self._at(kept, message) for message in ids if message in kept.places]

    def threads(self) -> Iterator[ThreadInfo]:
        """Yield every thread, by id."""
        return iter([self._threads[thread].info for thread in sorted(self._threads)])

    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        """Open ``new`` with a copy of the first ``at`` messages."""
        parent = self._of(thread)
        last = parent.info.head if at is None else at
        if new in self._threads:
            raise ThreadExists(f"thread {new!r} is already there")
        if not 0 <= last <= parent.info.head:
            raise UnknownMessage(f"thread {thread!r} has no message {last}")
        child = _Thread(ThreadInfo(id=new, head=last, created=now(), parent=thread, forked_at=last))
        child.log = parent.log[:last]
        child.places = {entry.message.id: entry.seq for entry in child.log}
        child.state = dict(parent.state)
        child.plans = [plan for plan in parent.plans if plan.head <= last]
        child.last_plan = max((plan.number for plan in child.plans), default=0)
        self._threads[new] = child
        return child.info

    def get_state(self, thread: str, key: str) -> bytes | None:
        """Return a value kept with the thread."""
        return self._of(thread).state.get(key)

    def put_state(
        self,
        thread: str,
        key: str,
        value: bytes | None,
        *,
        expect: bytes | UnsetType | None = UNSET,
    ) -> None:
        """Keep a value with the thread."""
        with self._lock:
            state = self._of(thread).state
            if expect is not UNSET and state.get(key) != expect:
                raise Conflict(f"the value {key!r} has changed")
            state.pop(key, None)
            if value is not None:
                state[key] = value

    def put_plan(self, thread: str, head: int, body: bytes) -> int:
        """Keep a plan and return its number."""
        with self._lock:
            kept = self._of(thread)
            kept.last_plan += 1
            kept.plans.append(StoredPlan(number=kept.last_plan, head=head, body=body))
            return kept.last_plan

    def plans(self, thread: str, *, before: int | None = None) -> Iterator[StoredPlan]:
        """Yield the plans, newest first."""
        plans = self._of(thread).plans
        return (plan for plan in reversed(plans) if before is None or plan.number < before)

    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        """Turn messages into tombstones, or remove the thread."""
        kept = self._of(thread)
        gone = self.get(thread, list(kept.places) if ids is None else ids)
        if ids is None:
            del self._threads[thread]
        for entry in gone:
            blank = Message(role=entry.message.role, id=entry.message.id, status="forgotten")
            kept.log[entry.seq - 1] = Entry(entry.seq, blank)
        seqs = tuple(entry.seq for entry in gone)
        return Receipt(thread, seqs, ids is None, {"messages": len(gone)})

    def image(self, thread: str) -> ThreadImage:
        """Return what a copy needs besides entries and plans; here nothing is shared."""
        kept = self._of(thread)
        alone = msgspec.structs.replace(kept.info, parent=None, forked_at=None)
        return ThreadImage(alone, kept.plan_base, 0, dict(kept.state))

    def restore(
        self, image: ThreadImage, entries: Iterable[Entry], plans: Iterable[StoredPlan] = ()
    ) -> ThreadInfo:
        """Make a thread as another store had it."""
        with self._lock:
            if image.info.id in self._threads:
                raise ThreadExists(f"thread {image.info.id!r} is already there")
            base = self._of(image.info.parent) if image.info.parent else _Thread(image.info)
            made = _Thread(image.info)
            made.log = [*base.log[: image.info.forked_at or 0], *checked_entries(image, entries)]
            made.places = {entry.message.id: entry.seq for entry in made.log}
            made.state = dict(image.state)
            shared = [plan for plan in base.plans if plan.number <= image.shared_plans]
            own = list(checked_plans(image, plans))
            made.plans = [*shared, *own]
            made.last_plan = image.plan_base + len(own)
            self._threads[image.info.id] = made
            return made.info

    def check(self) -> list[str]:
        """Return nothing: there is nothing to go wrong."""
        return []

    def close(self) -> None:
        """Release nothing."""

    def _of(self, thread: str) -> _Thread:
        if thread not in self._threads:
            raise UnknownThread(f"there is no thread {thread!r}")
        return self._threads[thread]

    def _at(self, kept: _Thread, message: str) -> Entry:
        return kept.log[kept.places[message] - 1]
