"""The log as a policy may see it: read-only, and ending where the plan was made."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from memex._counter import Counter, count_message
from memex._entry import Entry
from memex._home import Home, home_of
from memex._message import Message, Role, is_broken
from memex._ranges import to_ranges
from memex._seeking import seeking
from memex._spanning import spanning
from memex._store import Postings, Store, searchable
from memex._term_index import TermIndex
from memex._terms import searchable_text, terms

if TYPE_CHECKING:
    from memex._others import Others


class ThreadIndexes:
    """Term indexes of threads whose store keeps none: built once, then extended.

    One object serves a whole Memex. An index costs memory in proportion to the thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._indexes: dict[str, tuple[TermIndex, int]] = {}

    def find(
        self, store: Store, thread: str, words: Sequence[str], *, upto: int, limit: int
    ) -> list[Postings]:
        """Do what :meth:`SearchableStore.find` does, for a store without it."""
        with self._lock:
            index, last = self._indexes.get(thread, (TermIndex(), 0))
            for entry in store.entries(thread, last + 1):
                index.add(entry.seq, terms(searchable_text(entry.message)))
                last = entry.seq
            self._indexes[thread] = (index, last)
            return index.find(words, upto=upto, limit=limit)

    def discard(self, thread: str) -> None:
        """Drop the index of a thread whose messages were erased."""
        with self._lock:
            self._indexes.pop(thread, None)


class Log:
    """A thread up to one message, for policies: what they may read, and nothing they may write.

    Later messages cannot be seen, so that a plan made from it can be replayed; other threads of the
    namespace can where a policy asks for them.

    Attributes:
        thread: Id of the thread.
        head: Sequence number of the last message that can be seen.
    """

    __slots__ = (
        "_beside",
        "_counter",
        "_indexes",
        "_known",
        "_known_of",
        "_others",
        "_store",
        "_written",
        "head",
        "thread",
    )

    def __init__(
        self,
        store: Store,
        thread: str,
        head: int,
        counter: Counter,
        indexes: ThreadIndexes,
        *,
        beside: Mapping[str, int] | None = None,
        known: dict[str, dict[int, Entry | None]] | None = None,
    ) -> None:
        self._store = store
        self._counter = counter
        self._indexes = indexes
        # What was read so far, by thread: one dict for this log and those of others().
        self._known_of = {} if known is None else known
        self._known = self._known_of.setdefault(thread, {})
        self._written: dict[int, tuple[Message, int]] = {}
        self._others: Others | None = None
        self._beside = beside
        self.thread = thread
        self.head = head

    @property
    def home(self) -> Home:
        """Which store object the thread lives in: threads of one name in two stores have two homes."""
        return home_of(self._store, self._indexes)

    def entries(
        self,
        start: int = 1,
        stop: int | None = None,
        *,
        roles: Collection[Role] | None = None,
        reverse: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries with ``start <= seq <= stop``, counted; tombstones are left out."""
        last = self.head if stop is None else min(stop, self.head)
        if start > last:
            return
        for entry in self._store.entries(self.thread, start, last, roles=roles, reverse=reverse):
            if entry.message.status != "forgotten":
                yield self.counted(entry)

    def at(self, seqs: Iterable[int]) -> list[Entry]:
        """Return the entries at these places, in log order; tombstones are left out.

        What was asked for once is not read again: policies of one chain look at the same messages.
        """
        wanted = sorted({seq for seq in seqs if 1 <= seq <= self.head})
        unread = [seq for seq in wanted if seq not in self._known]
        self._known.update(dict.fromkeys(unread))
        self._known.update((entry.seq, entry) for entry in self._read(unread))
        return [entry for seq in wanted if (entry := self._known[seq]) is not None]

    def _read(self, seqs: Sequence[int]) -> Iterator[Entry]:
        """Yield the entries at these places, which are in order; in one look where the store can."""
        ranges = to_ranges(seqs)
        if len(ranges) > 1 and (store := seeking(self._store)) is not None:
            for entry in store.entries_at(self.thread, seqs):
                if entry.message.status != "forgotten":
                    yield self.counted(entry)
            return
        for first, last in ranges:
            yield from self.entries(first, last)

    def read_ahead(self, places: Iterable[tuple[Log, Iterable[int]]]) -> None:
        """Read what :meth:`at` is going to be asked for, in one look where the store can.

        Nothing changes but the cost: where it cannot, each log reads its own when it is asked.

        Args:
            places: Messages of this log and of those of :meth:`others`, by log.
        """
        if (store := spanning(self._store)) is None:
            return
        unread = {}
        for log, wanted in places:
            if self._is_near(log):
                known = self._known_of[log.thread]
                if seqs := {seq for seq in wanted if 1 <= seq <= log.head and seq not in known}:
                    unread[log.thread] = seqs
        found = store.entries_in(unread) if unread else {}
        for thread, seqs in unread.items():
            if thread in found:  # else it was forgotten meanwhile, which its log says itself
                known = self._known_of[thread]
                known.update(dict.fromkeys(seqs))
                known.update(
                    (e.seq, self.counted(e)) for e in found[thread] if e.message.status != "forgotten"
                )

    def _is_near(self, log: Log) -> bool:
        """Tell whether a log is this one or one that :meth:`others` gave: those live in the same store."""
        return log is self or (self._others is not None and self._others.log(log.thread) is log)

    def find(self, words: Sequence[str], *, limit: int = 500) -> list[Postings]:
        """Return the newest ``limit`` messages that hold each word of ``words``.

        Args:
            words: Terms as :func:`memex.terms` gives them.
            limit: At most this many places per word; the cost is bounded by it.
        """
        if (store := searchable(self._store)) is not None:
            return store.find(self.thread, words, upto=self.head, limit=limit)
        return self._indexes.find(self._store, self.thread, words, upto=self.head, limit=limit)

    def find_in(self, logs: Sequence[Log], words: Sequence[str], *, limit: int = 500) -> list[list[Postings]]:
        """Return for each log what its :meth:`find` returns, without the words that it does not hold.

        Where the store can (:class:`memex.SpanningStore`) this is one look, and logs that hold none of the
        words cost next to nothing; else each is asked by itself.

        Args:
            logs: This log and those of :meth:`others`.
            words: Terms as :func:`memex.terms` gives them.
            limit: At most this many places per word and log.
        """
        store = spanning(self._store) if searchable(self._store) is not None else None
        near = [log for log in logs if self._is_near(log)] if store is not None else []
        heads = {log.thread: log.head for log in near}
        found = store.find_in(heads, words, limit=limit) if store is not None and heads else {}
        return [
            list(found.get(log.thread, ()))
            if heads and self._is_near(log)
            else [postings for postings in log.find(words, limit=limit) if postings.seqs]
            for log in logs
        ]

    def cost(self, message: Message, counter: Counter) -> int:
        """Return the tokens of a message that stands for others in a window; the same one is counted once."""
        if counter is not self._counter:
            return count_message(counter, message)
        known = self._written.get(id(message))
        if known is None:
            # With the message itself: while it is held, no other one has its id.
            known = self._written[id(message)] = message, count_message(counter, message)
        return known[1]

    def others(self, threads: Iterable[str] | None = None, *, most: int = 100) -> tuple[Log, ...]:
        """Return the logs of other threads of the same namespace, those that were opened first before.

        Each ends at the head it had when it was asked for first, and the plan keeps that, so that the
        window can be made again. Forks share messages: what this thread holds itself is not quoted from
        elsewhere, and what others share is quoted once. The others of another thread cannot be seen.

        Args:
            threads: Ids; one that is not there, has no message or is this thread is left out. None for all.
            most: At most so many, those that were opened last.

        Raises:
            BadSetting: If an argument makes no sense.
        """
        return self.beside.logs(threads, most)

    @property
    def beside(self) -> Others:
        """The other threads that were asked for so far; for the host."""
        from memex._others import OtherLog, Others  # which are made of logs

        if self._others is None:

            def open_log(thread: str, head: int) -> Log:
                known = self._known_of
                return OtherLog(self._store, thread, head, self._counter, self._indexes, known=known)

            self._others = Others(self._store, self.thread, open_log, self._beside)
        return self._others

    @property
    def looked_beside(self) -> bool:
        """Whether other threads were asked for; for the host."""
        return self._others is not None

    def superseded(self, entry: Entry, *, asking: bool = False) -> bool:
        """Tell whether another answer takes the place of one that was cut off or failed.

        That is so where the next message, system text aside, is an answer to the same message, and
        where there is no next one yet: a window that is made then asks for the answer again. What
        the user went on from stays.

        Args:
            entry: A message of this log.
            asking: Whether the user asks something now that is not stored.
        """
        if not is_broken(entry.message):
            return False
        for later in (
            self._store.entries(self.thread, entry.seq + 1, self.head) if entry.seq < self.head else ()
        ):
            if later.message.role in ("system", "developer"):
                continue
            parents = {entry.message.parent, later.message.parent} - {None}
            return later.message.role == "assistant" and len(parents) < 2
        return not asking

    def counted(self, entry: Entry) -> Entry:
        """Return the entry with its tokens as this window's counter counts them."""
        if entry.counter == self._counter.name:
            return entry
        tokens = count_message(self._counter, entry.message)
        return msgspec.structs.replace(entry, tokens=tokens, counter=self._counter.name)
