"""The store that keeps each thread in a file that a person can read."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeVar

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
    StoreUnavailable,
    ThreadImage,
    ThreadInfo,
    VectorSpace,
    check_id,
    checked_batch,
    checked_vectors,
    encode_message,
    parse_query,
)
from memex_jsonl import embedded, forgetting, forks, state
from memex_jsonl import messages as log
from memex_jsonl.checking import problems
from memex_jsonl.lines import counter_json
from memex_jsonl.locking import operation
from memex_jsonl.log import Log
from memex_jsonl.names import safe_name
from memex_jsonl.opening import prepare
from memex_jsonl.searching import Words
from memex_jsonl.space import Settings, Space

Durability = Literal["full", "fast"]
T = TypeVar("T")


class _Folder:
    """What the stores of one object's namespaces share."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.closed = False
        self._lock = threading.Lock()
        self._spaces: dict[str, tuple[Space, Words]] = {}

    def space(self, namespace: str) -> tuple[Space, Words]:
        with operation(), self._lock:  # never held while the process forks
            found = self._spaces.get(namespace)
            if found is None:
                found = self._spaces[namespace] = Space(self.path, namespace, self.settings), Words()
            return found

    def close(self) -> None:
        self.closed = True
        with operation(), self._lock:
            self._spaces.clear()


class JsonlStore:
    """Threads in a folder of plain files: one JSON object a line, one file a thread.

    Concurrency: any number of processes, threads and asyncio tasks may use the same folder, through
    one store or many. Threads of memex are written side by side; writers of one thread take turns and
    wait up to ``timeout`` seconds; readers wait only while files are replaced. A store may be used on
    both sides of ``os.fork``. A network drive is not a place for it.

    Durability: with ``durability="full"`` what a method wrote survives a power cut when it
    returns; with ``"fast"`` it survives a crash of the program, and a power cut may take the
    newest writes, never half of one.

    Args:
        folder: The folder; made if it is new. The folder that it lies in must be there.
        namespace: Whose threads.
        durability: ``"full"`` or ``"fast"``.
        timeout: Seconds to wait for others.

    Raises:
        StoreUnavailable: If the folder cannot be opened or written.
        StoreDamaged: If it is no store, or one of a newer memex-jsonl. It is left untouched.
    """

    def __init__(
        self,
        folder: str,
        *,
        namespace: str = "default",
        durability: Durability = "full",
        timeout: float = 30.0,
    ) -> None:
        if durability not in ("full", "fast"):
            raise BadSetting(f"jsonl: durability is 'full' or 'fast', not {durability!r}")
        if timeout < 0:
            raise BadSetting(f"jsonl: timeout is a number of seconds, not {timeout!r}")
        if not folder or "\0" in folder:
            raise BadSetting(f"jsonl: {folder!r} is no folder; give a path such as 'chats'")
        self.namespace = check_id(namespace, "namespace")
        # Absolute: the program may change its folder.
        path = Path(folder).expanduser().absolute()
        prepare(path)
        self._folder = _Folder(path, Settings(durability == "full", timeout))
        self._folder.space(namespace)
        self._owns = True
        self._closed = False

    def __repr__(self) -> str:
        """Return its folder and namespace, for logs."""
        return f"JsonlStore({str(self._folder.path)!r}, namespace={self.namespace!r})"

    def within(self, namespace: str) -> JsonlStore:
        """Return the store of another namespace of the same folder."""
        other: JsonlStore = JsonlStore.__new__(JsonlStore)
        other.namespace = check_id(namespace, "namespace")
        other._folder = self._folder
        other._owns = False
        other._closed = self._closed
        return other

    def open_thread(self, thread: str, *, create: bool = True) -> ThreadInfo:
        """Return the thread, opened now if it is new."""
        space = self._of(thread)
        found = space.read(lambda: space.log(safe_name(thread)))
        if create and (found is None or (space.settings.full and not found.settled)):
            return log.open_thread(space, thread)
        return space.read(lambda: log.info(space, space.found(thread)))

    def append(
        self,
        thread: str,
        messages: Sequence[Message],
        *,
        tokens: Sequence[int] | None = None,
        counter: str | None = None,
        expect: int | None = None,
    ) -> Appended:
        """Append a batch: one write, one sync; see :meth:`memex.Store.append`."""
        space = self._of(thread)
        costs = checked_batch(messages, tokens)
        drafts = [_draft(message, cost) for message, cost in zip(messages, costs, strict=True)]
        return log.append(space, thread, drafts, counter, counter_json(counter), expect)

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
        space = self._of(thread)
        wanted = space.read(lambda: log.stretches(space, thread, max(start, 1), stop))
        pages = log.read(space, wanted if reverse else wanted[::-1], roles, reverse=reverse)
        return chain.from_iterable(self._while_open(pages))

    def get(self, thread: str, ids: Sequence[str]) -> list[Entry]:
        """Return the entries of these message ids, without the missing ones."""
        space = self._of(thread)
        return space.read(lambda: log.get(space, thread, ids))

    def threads(self) -> Iterator[ThreadInfo]:
        """Yield every thread of the namespace, by id."""
        space = self._space()
        infos = space.read(lambda: [log.info(space, one) for one in space.logs()])
        return iter(sorted(infos, key=lambda info: info.id))

    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        """Open ``new`` as a continuation of ``thread`` after message ``at``."""
        check_id(new, "thread")
        return forks.fork(self._of(thread), thread, new, at)

    def get_state(self, thread: str, key: str) -> bytes | None:
        """Return a small value kept with the thread, or None."""
        check_id(key, "state key")
        space = self._of(thread)
        return space.read(lambda: state.get_value(space, thread, key))

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
        state.put_value(self._of(thread), thread, key, value, expect)

    def put_plan(self, thread: str, head: int, body: bytes) -> int:
        """Keep a plan and return its number."""
        return state.keep_plan(self._of(thread), thread, head, body)

    def plans(self, thread: str, *, before: int | None = None) -> Iterator[StoredPlan]:
        """Yield the thread's plans, newest first, read a page at a time."""
        space = self._of(thread)
        own = space.read(lambda: space.found(thread))
        below = {} if before is None else {"below": before}
        return self._while_open(forks.shown_plans(space, own, **below))

    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        """Erase messages, or the whole thread; its file is written anew, at a cost that grows with it."""
        space = self._of(thread)
        if ids is None:
            return forgetting.forget_thread(space, thread)
        return forgetting.forget_messages(space, thread, ids)

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
        space, words = self._pair()
        if thread is not None:
            check_id(thread, "thread")
        return space.read(
            lambda: words.search(space, clauses, sieve, thread=thread, all_of=match == "all", limit=limit)
        )

    def find(self, thread: str, terms: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        """Return where each term occurs among the messages ``1..upto``, newest first."""
        check_id(thread, "thread")
        space, words = self._pair()
        return space.read(lambda: words.find(space, thread, terms, upto=upto, limit=max(limit, 0)))

    def image(self, thread: str) -> ThreadImage:
        """Return what :meth:`restore` needs besides the thread's own entries and plans."""
        space = self._of(thread)
        return space.read(lambda: forks.image(space, thread))

    def restore(
        self, image: ThreadImage, entries: Iterable[Entry], plans: Iterable[StoredPlan] = ()
    ) -> ThreadInfo:
        """Make a thread exactly as another store had it."""
        return forks.restore(self._of(image.info.id), image, entries, plans)

    def put_vectors(self, thread: str, space: VectorSpace, vectors: Mapping[str, bytes]) -> int:
        """Keep vectors of messages that have none in this space; see :class:`memex.VectorStore`."""
        checked = checked_vectors(space, vectors)
        return embedded.put(self._of(thread), thread, space, checked)

    def vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the vectors of messages in log order, read a page at a time."""
        own = self._of(thread)
        wanted = own.read(lambda: log.stretches(own, thread, max(start, 1), stop))
        return self._while_open(embedded.read(own, wanted[::-1], space))

    def without_vectors(
        self, thread: str, space: VectorSpace, start: int = 1, stop: int | None = None
    ) -> Iterator[int]:
        """Yield the messages that have no entry in a space yet, in log order."""
        own = self._of(thread)
        wanted = own.read(lambda: log.stretches(own, thread, max(start, 1), stop))
        return self._while_open(embedded.missing(own, wanted[::-1], space))

    def vector_spaces(self, thread: str | None = None) -> list[Embedded]:
        """Return the spaces that have entries, and how many."""
        own = self._space() if thread is None else self._of(thread)
        return own.read(lambda: embedded.counted(own, _spans(own, thread)))

    def drop_vectors(self, space: VectorSpace) -> int:
        """Erase a space in every thread and return how many entries it had."""
        return embedded.drop(self._space(), space)

    def check(self) -> list[str]:
        """Read every file of the namespace and return what is wrong, one line each."""
        space = self._space()
        with space.locks.sharing():
            return list(problems(space))

    def close(self) -> None:
        """Let go of what is kept in memory; a store that :meth:`within` made only lets go of it."""
        self._closed = True
        if self._owns:
            self._folder.close()

    def _pair(self) -> tuple[Space, Words]:
        if self._closed or self._folder.closed:
            raise StoreUnavailable(f"the store {self._folder.path} is closed")
        return self._folder.space(self.namespace)

    def _space(self) -> Space:
        return self._pair()[0]

    def _of(self, thread: str) -> Space:
        check_id(thread, "thread")
        return self._space()

    def _while_open(self, pages: Iterator[T]) -> Iterator[T]:
        for page in pages:
            yield page
            self._space()


def _spans(space: Space, thread: str | None) -> list[tuple[Log, int]]:
    if thread is not None:
        return space.lineage(space.found(thread))
    return [(own, own.head) for own in space.logs()]


def _draft(message: Message, tokens: int) -> log.Draft:
    return log.Draft(message, encode_message(message), tokens)
