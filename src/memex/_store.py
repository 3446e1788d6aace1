"""What a store is: where threads live. Every method here is a promise that the contract kit tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, cast, runtime_checkable

import msgspec
from msgspec import UNSET, UnsetType

from memex._entry import Entry
from memex._frozen import freeze
from memex._message import Message, Role


class ThreadInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line about a thread.

    Attributes:
        id: The thread's id.
        head: Sequence number of its newest message; 0 when it is empty. Also its revision.
        created: When it was opened.
        parent: The thread it shares a beginning with: the one it was forked from or, once that was
            forgotten, the one that was forked from; None where there is none.
        forked_at: The last message it shares with its parent.
    """

    id: str
    head: int
    created: datetime
    parent: str | None = None
    forked_at: int | None = None


class Appended(msgspec.Struct, frozen=True):
    """What an append did.

    Attributes:
        entries: The messages in their places, in the order given; one that was already there
            has its first place.
        head: The thread's newest sequence number afterwards.
        new: How many of them were not there before.
    """

    entries: tuple[Entry, ...]
    head: int
    new: int


class Hit(msgspec.Struct, frozen=True):
    """A message that a search found.

    Attributes:
        thread: Id of its thread.
        entry: The message in its place.
        score: BM25; higher is better, comparable within one search only.
        snippet: The words around the match, at most about 160 characters.
    """

    thread: str
    entry: Entry
    score: float
    snippet: str


class Postings(msgspec.Struct, frozen=True):
    """Where a term occurs in a thread.

    Attributes:
        term: The term, as :func:`memex.terms` gives it.
        seqs: Messages that hold it, newest first, at most as many as asked for.
    """

    term: str
    seqs: tuple[int, ...]


class StoredPlan(msgspec.Struct, frozen=True):
    """A plan as a store keeps it.

    Attributes:
        number: 1 for the thread's first plan, without gaps in one thread.
        head: Sequence number of the newest message when it was made.
        body: The plan, as bytes that only the host reads.
    """

    number: int
    head: int
    body: bytes


class ThreadImage(msgspec.Struct, frozen=True):
    """What a thread has besides its messages and plans, so that another store can hold the same.

    Attributes:
        info: Its record.
        plan_base: The plan number before its own first one.
        shared_plans: The last number of its parent's plans that it shares; at most ``plan_base``.
        state: Its values, by key.
    """

    info: ThreadInfo
    plan_base: int
    shared_plans: int
    state: Mapping[str, bytes]


class Receipt(msgspec.Struct, frozen=True):
    """What was forgotten, place by place.

    Attributes:
        thread: The thread.
        messages: Sequence numbers of what was erased; of a whole thread its own, not what it
            shared with the thread it was forked from.
        whole_thread: Whether the thread itself is gone.
        places: How many things were removed where, such as ``{"messages": 3, "index": 3}``; what
            a plugin erased of its own under its name, such as ``"semantic: vectors"``.
        forks: Other threads that shared messages which were erased now, and lost them too.
    """

    thread: str
    messages: tuple[int, ...]
    whole_thread: bool
    places: dict[str, int]
    forks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Listeners are handed this object one after the other; none may change it for the next.
        msgspec.structs.force_setattr(self, "places", freeze(self.places))


@runtime_checkable
class Store(Protocol):
    """Where the threads of one namespace live.

    An object is a capability for its namespace: nothing it offers can reach another one.
    Methods are called from any thread; each is atomic and durable when it returns. Every method
    raises only :class:`~memex.MemexError`.

    An id that :func:`memex.check_id` refuses is an :class:`~memex.InvalidMessage`; as a message id
    to look up it is merely missing. Only :meth:`open_thread`, :meth:`append` and :meth:`fork` make
    a thread; elsewhere one that is not there is an :class:`~memex.UnknownThread`.

    A store may also offer the abilities of :class:`SearchableStore`, of :class:`~memex.SeekingStore`, of
    :class:`~memex.SpanningStore` and of :class:`~memex.VectorStore`.
    """

    namespace: str

    def within(self, namespace: str) -> Store:
        """Return the store of another namespace, sharing what can be shared."""

    def open_thread(self, thread: str, *, create: bool = True) -> ThreadInfo:
        """Return the thread, opened now if it is new.

        Raises:
            UnknownThread: If it is not there and ``create`` is false.
        """

    def append(
        self,
        thread: str,
        messages: Sequence[Message],
        *,
        tokens: Sequence[int] | None = None,
        counter: str | None = None,
        expect: int | None = None,
    ) -> Appended:
        """Append a batch in one transaction; the thread is opened if it is new.

        Idempotent by message id: a message that is already there, byte for byte, keeps its place.

        Args:
            thread: The thread's id.
            messages: What to append, in order.
            tokens: What each costs, as ``counter`` counts.
            counter: Name of that counter.
            expect: Append only if the thread's head is this (compare-and-swap).

        Raises:
            Conflict: If a message of the same id has other content or was forgotten, the batch
                repeats an id, or the head is not ``expect``. Nothing is appended.
            InvalidMessage: If a message cannot be kept faithfully. Nothing is appended.
        """

    def entries(
        self,
        thread: str,
        start: int = 1,
        stop: int | None = None,
        *,
        roles: Collection[Role] | None = None,
        reverse: bool = False,
    ) -> Iterator[Entry]:
        """Yield the entries with ``start <= seq <= stop``, in log order or reversed.

        Reads as it goes: taking ten from a long thread costs ten. ``stop=None`` is the
        head at the time of the call.

        Args:
            thread: The thread's id.
            start: First sequence number.
            stop: Last sequence number.
            roles: Only messages of these roles; costs what it yields for system and developer.
            reverse: Newest first.

        Raises:
            UnknownThread: If there is no such thread.
        """

    def get(self, thread: str, ids: Sequence[str]) -> list[Entry]:
        """Return the entries of these message ids, in the order asked, without the missing ones."""

    def threads(self) -> Iterator[ThreadInfo]:
        """Yield every thread of the namespace, by id."""

    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        """Open ``new`` as a continuation of ``thread`` after message ``at``, sharing its log.

        State is copied; plans up to ``at`` are shared. Nothing else is copied.

        Raises:
            UnknownThread: If ``thread`` is not there.
            ThreadExists: If ``new`` is.
            UnknownMessage: If ``at`` is not between 0 and the head.
        """

    def get_state(self, thread: str, key: str) -> bytes | None:
        """Return a small value kept with the thread, or None."""

    def put_state(
        self,
        thread: str,
        key: str,
        value: bytes | None,
        *,
        expect: bytes | UnsetType | None = UNSET,
    ) -> None:
        """Keep a small value with the thread; None removes it. Keys follow the rule of ids.

        Args:
            thread: The thread's id.
            key: The value's name.
            value: The value.
            expect: Only if the value is this now, None for none at all (compare-and-swap).

        Raises:
            Conflict: If the value is not ``expect``. Nothing is changed.
        """

    def put_plan(self, thread: str, head: int, body: bytes) -> int:
        """Keep a plan and return its number."""

    def plans(self, thread: str, *, before: int | None = None) -> Iterator[StoredPlan]:
        """Yield the plans of a thread, newest first, only numbers below ``before`` if given.

        A fork continues its parent's numbers and also yields the parent's plans with
        ``head <= at``.
        """

    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        """Erase messages, or the whole thread, and say what was erased where.

        A message becomes a tombstone: its id, role and place stay, everything else goes, in
        every fork that shares it. A whole thread is no longer listed and its id is free again;
        its state and plans go with it. Its forks keep tombstones in place of what they shared, and
        from then on count as forks of the thread that it was a fork of. Forgetting a fork leaves
        alone what it shared with the thread it came from.

        Raises:
            UnknownThread: If there is no such thread.
            UnknownMessage: If an id is not in it. Nothing is forgotten.
        """

    def image(self, thread: str) -> ThreadImage:
        """Return what :meth:`restore` needs besides the thread's own entries and plans.

        Its own entries are those after ``info.forked_at``, its own plans those with numbers above
        ``plan_base``.
        """

    def restore(
        self, image: ThreadImage, entries: Iterable[Entry], plans: Iterable[StoredPlan] = ()
    ) -> ThreadInfo:
        """Make a thread exactly as another store had it, in one transaction: all of it or nothing.

        Entries keep their places, counts and tombstones, plans their numbers, the thread its time
        and what it shares with its parent, which has to be there. Both are read as they are stored.

        Args:
            image: The thread.
            entries: Its own entries, in log order.
            plans: Its own plans, by number.

        Raises:
            ThreadExists: If a thread of its id is there.
            UnknownThread: If its parent is not.
            InvalidMessage: If a number is missing or a message cannot be kept. Nothing is stored.
        """

    def check(self) -> list[str]:
        """Return what is wrong with the data, one line each; empty when all is well."""

    def close(self) -> None:
        """Release everything. Closing twice is allowed; any other call after it is an error.

        Closing a store that :meth:`within` returned leaves the others open.
        """


@runtime_checkable
class SearchableStore(Store, Protocol):
    """A store that also finds messages by their words, as :func:`memex.terms` splits them.

    One whose index can be left out says so with a false attribute ``indexed``; then neither method
    is called. :func:`memex.searchable` is the question.
    """

    def search(
        self,
        query: str,
        *,
        thread: str | None = None,
        match: Literal["all", "any"] = "all",
        roles: Collection[Role] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        meta: Mapping[str, Any] | None = None,
        limit: int = 20,
    ) -> list[Hit]:
        """Return the best messages for ``query``, best first. No string makes it raise.

        What is left out by ``roles``, ``since``, ``until`` or ``meta`` does not count against the
        limit; :class:`memex.Sieve` is the rule.

        Args:
            query: Words as a person types them, "phrases" and begin* as :func:`memex.parse_query`
                takes them apart.
            thread: Only this thread (a fork sees what it shares); None for all, each message once.
            match: Whether all of the words and phrases must occur or any.
            roles: Only messages of these roles.
            since: Only messages created at this moment or later; it has a time zone.
            until: Only messages created before this moment.
            meta: Only messages whose ``meta`` has these values.
            limit: At most this many.

        Raises:
            UnknownThread: If there is no such thread.
            BadSetting: If a time has no zone, or a note is no JSON value.
        """

    def find(self, thread: str, terms: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        """Return where each term occurs among the messages ``1..upto``, newest first.

        Exact and independent of other threads and of later messages, so that a ranking built
        on it can be replayed. Costs at most ``limit`` per term.
        """


def searchable(store: Store) -> SearchableStore | None:
    """Return a store as one that finds messages by their words, None if it does not."""
    # Not isinstance(): a protocol of twenty methods takes longer to ask than a word to find.
    able = hasattr(store, "search") and hasattr(store, "find") and getattr(store, "indexed", True)
    return cast("SearchableStore", store) if able else None
