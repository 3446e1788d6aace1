"""The store that keeps threads in one SQLite file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from memex import (
    Appended,
    BadSetting,
    Embedded,
    Entry,
    Hit,
    Message,
    Postings,
    Receipt,
    Sieve,
    StoredPlan,
    StoreError,
    StoreUnavailable,
    ThreadImage,
    ThreadInfo,
    VectorSpace,
    check_id,
    checked_batch,
    checked_vectors,
    parse_query,
)
from memex_sqlite import copying, embedded, log, notes, reading, search, spanning, threads, word_index
from memex_sqlite.backups import remove_backups
from memex_sqlite.check import problems
from memex_sqlite.connections import Connections, Durability
from memex_sqlite.forget import forget, is_pending, mark_pending, wipe
from memex_sqlite.rows import draft
from memex_sqlite.schema import Index
from memex_sqlite.threads import MOST, Row


class SqliteStore:
    """Threads in one SQLite file.

    Concurrency: any number of processes, threads and asyncio tasks may use the same file, through
    one store or many. Writers take turns and wait up to ``timeout`` seconds; readers never wait.
    A store may be used on both sides of ``os.fork``.

    Durability: with ``durability="full"`` what a method wrote survives a power cut when it
    returns; with ``"fast"`` it survives a crash of the program, and a power cut may take the
    newest writes, never half of one.

    Args:
        path: The file; made if it is new. Its folder must be there.
        namespace: Whose threads.
        durability: ``"full"`` or ``"fast"``.
        timeout: Seconds to wait for other writers.
        index: ``"words"`` for an index of the words, ``"none"`` for a smaller file without search,
            in which policies that look for words read the whole thread once. The file keeps what
            was said last; a new one has an index. To say something else makes or removes it.

    Attributes:
        namespace: Whose threads.
        indexed: Whether the store can search.

    Raises:
        StoreUnavailable: If the file cannot be opened or written.
        StoreDamaged: If it is no store, or one of a newer memex-sqlite. It is left untouched.
    """

    def __init__(
        self,
        path: str,
        *,
        namespace: str = "default",
        durability: Durability = "full",
        timeout: float = 30.0,
        index: Index | None = None,
    ) -> None:
        if durability not in ("full", "fast"):
            raise BadSetting(f"sqlite: durability is 'full' or 'fast', not {durability!r}")
        if timeout < 0:
            raise BadSetting(f"sqlite: timeout is a number of seconds, not {timeout!r}")
        if index not in (None, "words", "none"):
            raise BadSetting(f"sqlite: index is 'words' or 'none', not {index!r}")
        self.namespace = check_id(namespace, "namespace")
        self._connections = Connections(_checked(path), durability=durability, timeout=timeout, index=index)
        self._owns = True
        self._closed = False

    def __repr__(self) -> str:
        """Return its file and namespace, for logs."""
        return f"SqliteStore({self._connections.path!r}, namespace={self.namespace!r})"

    def within(self, namespace: str) -> SqliteStore:
        """Return the store of another namespace of the same file, with the same connections."""
        other: SqliteStore = SqliteStore.__new__(SqliteStore)
        other.namespace = check_id(namespace, "namespace")
        other._connections = self._connections
        other._owns = False
        other._closed = self._closed
        return other

    @property
    def indexed(self) -> bool:
        """Whether the file has an index of words now."""
        with self._reading() as connection:
            return word_index.is_kept(connection)

    def open_thread(self, thread: str, *, create: bool = True) -> ThreadInfo:
        """Return the thread, opened now if it is new."""
        check_id(thread, "thread")
        with self._reading() as connection:
            row = threads.look_up(connection, self.namespace, thread)
            if row is not None:
                return threads.info(connection, row)
            if not create:
                threads.require(connection, self.namespace, thread)
        with self._writing() as connection:
            return threads.info(connection, self._opened(connection, thread))

    def append(
        self,
        thread: str,
        messages: Sequence[Message],
        *,
        tokens: Sequence[int] | None = None,
        counter: str | None = None,
        expect: int | None = None,
    ) -> Appended:
        """Append a batch in one transaction; see :meth:`memex.Store.append`."""
        check_id(thread, "thread")
        costs = checked_batch(messages, tokens)
        drafts = [draft(message, cost, counter) for message, cost in zip(messages, costs, strict=True)]
        with self._writing() as connection:
            opened = threads.look_up_opened(connection, self.namespace, thread)
            if opened is None:
                row = threads.create(connection, self.namespace, thread)
                opened = threads.Opened(row, 0, word_index.is_kept(connection))
            return log.append(connection, opened, drafts, expect, self._connections.counters)

    def entries(
        self,
        thread: str,
        start: int = 1,
        stop: int | None = None,
        *,
        roles: Collection[str] | None = None,
        reverse: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries, read a page at a time."""
        check_id(thread, "thread")
        with self._reading() as connection:
            opened = threads.look_up_opened(connection, self.namespace, thread)
            if opened is None:
                raise threads.unknown(self.namespace, thread)
            row, head, _ = opened
            last = head if stop is None else min(stop, head)
            spans = threads.spans(connection, row, max(start, 1), last)
            if reverse:
                spans.reverse()
            names = self._connections.counters
            page = reading.begin(connection, spans[0], roles, reverse=reverse, names=names) if spans else None
        return reading.read(self._connections, spans, roles, reverse=reverse, first_page=page)

    def get(self, thread: str, ids: Sequence[str]) -> list[Entry]:
        """Return the entries of these message ids, without the missing ones."""
        with self._thread(thread) as (connection, row):
            return log.get(connection, row, ids)

    def entries_at(self, thread: str, seqs: Sequence[int]) -> list[Entry]:
        """Return the entries at these places; see :class:`memex.SeekingStore`."""
        check_id(thread, "thread")
        with self._reading() as connection:
            opened = threads.look_up_opened(connection, self.namespace, thread)
            if opened is None:
                raise threads.unknown(self.namespace, thread)
            spans = threads.spans(connection, opened.row, 1, opened.head)
            return reading.entries_at(connection, threads.places_of(spans, seqs), self._connections.counters)

    def threads(self) -> Iterator[ThreadInfo]:
        """Yield every thread of the namespace, by id, read a page at a time."""
        self._check_open()
        return threads.infos(self._connections, self.namespace)

    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        """Open ``new`` as a continuation of ``thread`` after message ``at``."""
        check_id(thread, "thread")
        check_id(new, "thread")
        with self._writing() as connection:
            return threads.fork(connection, self.namespace, thread, new, at)

    def get_state(self, thread: str, key: str) -> bytes | None:
        """Return a small value kept with the thread, or None."""
        check_id(key, "state key")
        with self._thread(thread) as (connection, row):
            return notes.get_state(connection, row, key)

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
        with self._thread(thread, write=True) as (connection, row):
            notes.put_state(connection, row, key, value, expect)

    def put_plan(self, thread: str, head: int, body: bytes) -> int:
        """Keep a plan and return its number."""
        with self._thread(thread, write=True) as (connection, row):
            return notes.put_plan(connection, row, head, body)

    def plans(self, thread: str, *, before: int | None = None) -> Iterator[StoredPlan]:
        """Yield the thread's plans, newest first, read a page at a time."""
        below = MOST if before is None else max(0, min(before, MOST))
        with self._thread(thread) as (connection, row):
            page = notes.plan_page(connection, row, before=below, limit=1)
        return notes.read_plans(self._connections, row, page)

    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        """Erase messages, or the whole thread; the file is rewritten, at a cost that grows with it."""
        with self._thread(thread, write=True) as (connection, row):
            erased = forget(connection, row, ids)
            if any(erased.places.values()):
                mark_pending(connection)
            pending = is_pending(connection)
        places = erased.places | {"file": wipe(self._connections) if pending else 0}
        if backups := remove_backups(self._connections.path):
            places |= {"backups": backups}
        return Receipt(thread, erased.messages, ids is None, places, erased.forks)

    def image(self, thread: str) -> ThreadImage:
        """Return what :meth:`restore` needs besides the thread's own entries and plans."""
        with self._thread(thread) as (connection, row):
            return copying.image(connection, row)

    def restore(
        self, image: ThreadImage, entries: Iterable[Entry], plans: Iterable[StoredPlan] = ()
    ) -> ThreadInfo:
        """Make a thread exactly as another store had it, in one transaction."""
        with self._writing() as connection:
            return copying.restore(connection, self.namespace, image, entries, plans)

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
        with self._searching() as connection:
            row = None
            if thread is not None:
                row = threads.require(connection, self.namespace, check_id(thread, "thread"))
            if not clauses or limit < 1:
                return []
            return search.search(
                connection,
                clauses,
                sieve,
                namespace=self.namespace,
                thread=row,
                match_all=match == "all",
                limit=limit,
            )

    def find(self, thread: str, terms: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        """Return where each term occurs among the messages ``1..upto``, newest first."""
        check_id(thread, "thread")
        with self._searching() as connection:
            row = threads.require(connection, self.namespace, thread)
            return search.find(connection, row, terms, upto=max(0, min(upto, MOST)), limit=max(limit, 0))

    def find_in(
        self, heads: Mapping[str, int], terms: Sequence[str], *, limit: int
    ) -> dict[str, list[Postings]]:
        """Return where terms occur in several threads; see :meth:`memex.SpanningStore.find_in`."""
        for thread in heads:
            check_id(thread, "thread")
        with self._searching() as connection:
            return spanning.find_in(connection, self.namespace, heads, terms, limit=limit)

    def entries_in(self, places: Mapping[str, Collection[int]]) -> dict[str, list[Entry]]:
        """Return the entries at places of several threads; see :meth:`memex.SpanningStore.entries_in`."""
        for thread in places:
            check_id(thread, "thread")
        with self._reading() as connection:
            return spanning.entries_in(connection, self.namespace, places, self._connections.counters)

    def put_vectors(self, thread: str, space: VectorSpace, vectors: Mapping[str, bytes]) -> int:
        """Keep vectors of messages that have none in this space; see :class:`memex.VectorStore`."""
        checked = checked_vectors(space, vectors)
        with self._thread(thread, write=True) as (connection, row):
            return embedded.put(connection, self.namespace, row, space, checked)

    def vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the vectors of messages in log order, read a page at a time."""
        with self._thread(thread) as (connection, row):
            found = embedded.extent(connection, self.namespace, row, space, start, stop)
        return embedded.read(self._connections, found)

    def without_vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[int]:
        """Yield the messages that have no entry in a space yet, in log order."""
        with self._thread(thread) as (connection, row):
            found = embedded.extent(connection, self.namespace, row, space, start, stop)
        return embedded.missing(self._connections, found)

    def vector_spaces(self, thread: str | None = None) -> list[Embedded]:
        """Return the spaces that have entries, and how many."""
        if thread is None:
            with self._reading() as connection:
                return embedded.spaces(connection, self.namespace)
        with self._thread(thread) as (connection, row):
            return embedded.spaces_of(connection, self.namespace, row)

    def drop_vectors(self, space: VectorSpace) -> int:
        """Erase a space in every thread and return how many entries it had."""
        with self._writing() as connection:
            return embedded.drop(connection, self.namespace, space)

    def check(self) -> list[str]:
        """Read the whole file and return what is wrong with it, one line each."""
        self._check_open()
        with self._connections.alone() as connection:
            return list(problems(connection, self.namespace))

    def close(self) -> None:
        """Close the file; a store that :meth:`within` made only lets go of it."""
        self._closed = True
        if self._owns:
            self._connections.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"the store {self._connections.path} is closed")

    def _reading(self) -> AbstractContextManager[Connection]:
        self._check_open()
        return self._connections.reading()

    def _writing(self) -> AbstractContextManager[Connection]:
        self._check_open()
        return self._connections.writing()

    @contextmanager
    def _searching(self) -> Iterator[Connection]:
        with self._reading() as connection:
            if not word_index.is_kept(connection):
                raise StoreError(
                    f"{self._connections.path} has no index of words; open it with index='words' to make one"
                )
            yield connection

    @contextmanager
    def _thread(self, thread: str, *, write: bool = False) -> Iterator[tuple[Connection, Row]]:
        check_id(thread, "thread")
        with self._writing() if write else self._reading() as connection:
            yield connection, threads.require(connection, self.namespace, thread)

    def _opened(self, connection: Connection, thread: str) -> Row:
        row = threads.look_up(connection, self.namespace, thread)
        return row or threads.create(connection, self.namespace, thread)


def _checked(path: str) -> str:
    if not path or path == ":memory:" or "\0" in path:
        raise BadSetting(
            f"sqlite: {path!r} is no file; give a path such as 'chats.db', or use the store inmemory"
        )
    # Absolute: the program may change its folder, and SQLite may read "file:x" as a URI.
    return str(Path(path).expanduser().absolute())
