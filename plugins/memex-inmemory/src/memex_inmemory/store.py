"""The store that keeps everything in this process."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from memex import (
    Appended,
    Conflict,
    Embedded,
    Entry,
    Hit,
    InvalidMessage,
    Message,
    Postings,
    Receipt,
    Sieve,
    StoredPlan,
    StoreUnavailable,
    ThreadExists,
    ThreadImage,
    ThreadInfo,
    UnknownMessage,
    UnknownThread,
    VectorSpace,
    check_id,
    checked_batch,
    checked_entries,
    checked_plans,
    checked_vectors,
    encode_message,
    parse_query,
)
from memex_inmemory.embedded import counted, missing, put, stored
from memex_inmemory.namespace import Namespace, already_there, find, find_in
from memex_inmemory.segment import Segment


class _Data:
    """What the stores of one object's namespaces share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.namespaces: dict[str, Namespace] = {}
        self.closed = False


class InMemoryStore:
    """Threads in this process's memory.

    The data belongs to this object, and to those that :meth:`within` returns; another
    ``InMemoryStore`` starts empty, whatever its name. Closing this object frees it all.

    Concurrency: any number of threads, one after the other under one lock; any number of asyncio
    tasks. Processes share nothing. Durability: none, by design.

    Args:
        name: Shown in ``repr()``, for programs that keep several.
        namespace: Whose threads.
    """

    def __init__(self, name: str = "", *, namespace: str = "default") -> None:
        self.name = name
        self.namespace = check_id(namespace, "namespace")
        self._data = _Data()
        self._owns = True
        self._closed = False

    def __repr__(self) -> str:
        """Return its name and namespace, for logs."""
        return f"InMemoryStore({self.name!r}, namespace={self.namespace!r})"

    def within(self, namespace: str) -> InMemoryStore:
        """Return the store of another namespace of the same data."""
        other = InMemoryStore(self.name, namespace=namespace)
        other._data = self._data
        other._owns = False
        other._closed = self._closed
        return other

    def open_thread(self, thread: str, *, create: bool = True) -> ThreadInfo:
        """Return the thread, opened now if it is new."""
        with self._data.lock:
            if create:
                return self._opened(self._threads(), thread).info
            return self._found(thread).info

    def append(
        self,
        thread: str,
        messages: Sequence[Message],
        *,
        tokens: Sequence[int] | None = None,
        counter: str | None = None,
        expect: int | None = None,
    ) -> Appended:
        """Append a batch; see :meth:`memex.Store.append`."""
        check_id(thread, "thread")
        costs = checked_batch(messages, tokens)
        bodies = [encode_message(message) for message in messages]
        with self._data.lock:
            space = self._threads()
            segment = space.threads.get(thread) or Segment(thread, datetime.now(UTC))
            if expect is not None and expect != segment.head:
                raise Conflict(f"thread {thread!r} is at {segment.head}, not at {expect}; read it again")
            known = [already_there(segment, *pair) for pair in zip(messages, bodies, strict=True)]
            space.threads[thread] = segment
            entries = tuple(
                entry or Entry(space.add(segment, message, body, cost, counter), message, cost, counter)
                for entry, message, body, cost in zip(known, messages, bodies, costs, strict=True)
            )
            return Appended(entries, segment.head, known.count(None))

    def entries(
        self,
        thread: str,
        start: int = 1,
        stop: int | None = None,
        *,
        roles: Collection[str] | None = None,
        reverse: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries; each is decoded when it is asked for."""
        with self._data.lock:
            segment = self._found(thread)
            last = segment.head if stop is None else min(stop, segment.head)
        walk = segment.walk(max(start, 1), last, roles, reverse=reverse)
        return (row.entry(seq) for seq, row in walk)

    def get(self, thread: str, ids: Sequence[str]) -> list[Entry]:
        """Return the entries of these message ids, without the missing ones."""
        with self._data.lock:
            segment = self._found(thread)
            found = [place for place in map(segment.locate, ids) if place]
            return [owner.row(seq).entry(seq) for owner, seq in found]

    def entries_at(self, thread: str, seqs: Sequence[int]) -> list[Entry]:
        """Return the entries at these places; see :class:`memex.SeekingStore`."""
        with self._data.lock:
            rows = list(self._found(thread).rows_at(seqs))
        return [row.entry(seq) for seq, row in rows]

    def threads(self) -> Iterator[ThreadInfo]:
        """Yield every thread of the namespace, by id."""
        with self._data.lock:
            infos = [segment.info for segment in self._threads().threads.values()]
        return iter(sorted(infos, key=lambda info: info.id))

    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        """Open ``new`` as a continuation of ``thread`` after message ``at``."""
        check_id(new, "thread")
        with self._data.lock:
            parent, space = self._found(thread), self._threads()
            if new in space.threads:
                raise ThreadExists(f"there is a thread {new!r} already; choose another id for the fork")
            at = parent.head if at is None else at
            if not 0 <= at <= parent.head:
                raise UnknownMessage(f"thread {thread!r} has messages 1 to {parent.head}, none at {at}")
            shared = next((plan.number for plan in parent.all_plans() if plan.head <= at), 0)
            segment = Segment(new, datetime.now(UTC), parent, at, shared)
            segment.state = dict(parent.state)
            space.threads[new] = segment
            return segment.info

    def get_state(self, thread: str, key: str) -> bytes | None:
        """Return a small value kept with the thread, or None."""
        with self._data.lock:
            return self._found(thread).state.get(check_id(key, "state key"))

    def put_state(
        self,
        thread: str,
        key: str,
        value: bytes | None,
        *,
        expect: bytes | UnsetType | None = UNSET,
    ) -> None:
        """Keep a small value with the thread; None removes it."""
        check_id(key, "state key")
        with self._data.lock:
            state = self._found(thread).state
            if expect is not UNSET and state.get(key) != expect:
                raise Conflict(f"the value {key!r} of thread {thread!r} has changed; read it again")
            if value is None:
                state.pop(key, None)
            else:
                state[key] = bytes(value)

    def put_plan(self, thread: str, head: int, body: bytes) -> int:
        """Keep a plan and return its number."""
        with self._data.lock:
            segment = self._found(thread)
            number = segment.plan_base + len(segment.plans) + 1
            segment.plans.append(StoredPlan(number, head, bytes(body)))
            return number

    def plans(self, thread: str, *, before: int | None = None) -> Iterator[StoredPlan]:
        """Yield the thread's plans, newest first."""
        with self._data.lock:
            plans = self._found(thread).all_plans()
        return (plan for plan in plans if before is None or plan.number < before)

    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        """Erase messages, or the whole thread, in every fork that shares them."""
        with self._data.lock:
            segment, space = self._found(thread), self._threads()
            if ids is None:
                return space.forget_thread(segment)
            places = []
            for message_id in dict.fromkeys(ids):
                place = segment.locate(message_id)
                if place is None:
                    raise UnknownMessage(
                        f"thread {thread!r} has no message {message_id!r}; nothing was forgotten"
                    )
                places.append(place)
            erased, counts = space.erase(places)
            return Receipt(
                thread=thread,
                messages=tuple(sorted(seq for _, seq in places)),
                whole_thread=False,
                places=counts,
                forks=space.sharers(erased, but=thread),
            )

    def search(
        self,
        query: str,
        *,
        thread: str | None = None,
        match: Literal["all", "any"] = "all",
        roles: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        meta: Mapping[str, Any] | None = None,
        limit: int = 20,
    ) -> list[Hit]:
        """Return the best messages for ``query``, best first; see :meth:`memex.SearchableStore.search`."""
        sieve = Sieve(None if roles is None else frozenset(roles), since, until, meta).checked()
        clauses = parse_query(query)
        with self._data.lock:
            within = None if thread is None else self._found(thread)
            return self._threads().search(
                clauses, sieve, within=within, match_all=match == "all", limit=limit
            )

    def find(self, thread: str, terms: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        """Return where each term occurs among the messages ``1..upto``, newest first."""
        with self._data.lock:
            return find(self._found(thread), terms, upto=upto, limit=max(limit, 0))

    def find_in(
        self, heads: Mapping[str, int], terms: Sequence[str], *, limit: int
    ) -> dict[str, list[Postings]]:
        """Return where terms occur in several threads; see :meth:`memex.SpanningStore.find_in`."""
        with self._data.lock:
            there = ((segment, heads[thread]) for thread, segment in self._there(heads))
            return find_in(there, terms, limit=max(limit, 0))

    def entries_in(self, places: Mapping[str, Collection[int]]) -> dict[str, list[Entry]]:
        """Return the entries at places of several threads; see :meth:`memex.SpanningStore.entries_in`."""
        with self._data.lock:
            found = [(thread, list(part.rows_at(places[thread]))) for thread, part in self._there(places)]
        return {thread: [row.entry(seq) for seq, row in rows] for thread, rows in found}

    def image(self, thread: str) -> ThreadImage:
        """Return what :meth:`restore` needs besides the thread's own entries and plans."""
        with self._data.lock:
            segment = self._found(thread)
            shared = segment.origin[2]
            return ThreadImage(segment.info, segment.plan_base, shared, dict(segment.state))

    def restore(
        self, image: ThreadImage, entries: Iterable[Entry], plans: Iterable[StoredPlan] = ()
    ) -> ThreadInfo:
        """Make a thread exactly as another store had it."""
        info = image.info
        kept = [(entry, encode_message(entry.message)) for entry in checked_entries(image, entries)]
        own_plans = list(checked_plans(image, plans))
        ids = [entry.message.id for entry, _ in kept]
        with self._data.lock:
            space = self._threads()
            if info.id in space.threads:
                raise ThreadExists(f"there is a thread {info.id!r} already; nothing was restored")
            parent = None if info.parent is None else self._found(info.parent)
            segment = Segment(
                info.id, info.created, parent, info.forked_at or 0, image.plan_base, image.shared_plans
            )
            if len(set(ids)) < len(ids) or any(segment.locate(one) for one in ids):
                raise InvalidMessage(f"thread {info.id!r}: an id is there twice; nothing was restored")
            if segment.forked_at > (parent.head if parent else 0):
                raise InvalidMessage(f"thread {info.id!r}: its parent is too short; nothing was restored")
            segment.state = {key: bytes(value) for key, value in image.state.items()}
            segment.plans = own_plans
            for entry, body in kept:
                space.add(segment, entry.message, body, entry.tokens, entry.counter)
            space.threads[info.id] = segment
            return segment.info

    def put_vectors(self, thread: str, space: VectorSpace, vectors: Mapping[str, bytes]) -> int:
        """Keep vectors of messages that have none in this space; see :class:`memex.VectorStore`."""
        checked = checked_vectors(space, vectors)
        with self._data.lock:
            return put(self._found(thread), space, checked)

    def vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the vectors of messages in log order."""
        with self._data.lock:
            return stored(self._found(thread), space, start, stop)

    def without_vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[int]:
        """Yield the messages that have no entry in a space yet, in log order."""
        with self._data.lock:
            return missing(self._found(thread), space, start, stop)

    def vector_spaces(self, thread: str | None = None) -> list[Embedded]:
        """Return the spaces that have entries, and how many."""
        with self._data.lock:
            threads = self._threads().threads.values()
            return counted(threads if thread is None else [self._found(thread)], whole=thread is not None)

    def drop_vectors(self, space: VectorSpace) -> int:
        """Erase a space in every thread and return how many entries it had."""
        with self._data.lock:
            dropped = (segment.vectors.pop(space, {}) for segment in self._threads().threads.values())
            return sum(map(len, dropped))

    def check(self) -> list[str]:
        """Read every message back; memory that this process alone writes is not expected to rot."""
        with self._data.lock:
            segments = list(self._threads().threads.values())
        return [
            f"thread {segment.name!r}: message {seq} is not the one that its id points to"
            for segment in segments
            for seq, row in segment.walk(1, segment.head, None, reverse=False)
            if (place := segment.locate(row.entry(seq).message.id)) is None or place[1] != seq
        ]

    def close(self) -> None:
        """Free the data; a store that :meth:`within` made only lets go of it."""
        self._closed = True
        if self._owns:
            with self._data.lock:
                self._data.closed = True
                self._data.namespaces.clear()

    def _threads(self) -> Namespace:
        if self._closed or self._data.closed:
            raise StoreUnavailable("the in-memory store is closed")
        return self._data.namespaces.setdefault(self.namespace, Namespace())

    def _found(self, thread: str) -> Segment:
        segment = self._threads().threads.get(check_id(thread, "thread"))
        if segment is None:
            raise UnknownThread(f"there is no thread {thread!r} in namespace {self.namespace!r}")
        return segment

    def _there(self, threads: Iterable[str]) -> Iterator[tuple[str, Segment]]:
        """Yield those of several threads that are there."""
        known = self._threads().threads
        for thread in threads:
            if (segment := known.get(check_id(thread, "thread"))) is not None:
                yield thread, segment

    def _opened(self, space: Namespace, thread: str) -> Segment:
        check_id(thread, "thread")
        return space.threads.setdefault(thread, Segment(thread, datetime.now(UTC)))
