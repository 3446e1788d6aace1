"""The other threads of a namespace, as one plan sees them: each ends at one head, which the plan keeps.

A plan names them by tags, so that the id of a thread goes with the thread when it is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING

import msgspec

from memex._errors import BadSetting, UnknownThread
from memex._lineage import Lineage
from memex._log import Log
from memex._ranges import Elsewhere, to_ranges
from memex._store import Postings, Store, ThreadInfo

if TYPE_CHECKING:
    from memex._entry import Entry
    from memex._message import Role


def tag_of(info: ThreadInfo) -> str:
    """Return what stands for a thread in plans of other threads.

    It holds the moment at which the thread was opened, so that a later thread of the same id is another
    one, and so that whoever guesses ids cannot look for them in a plan.
    """
    from hashlib import blake2b  # loads OpenSSL, which appending does not need

    told = f"{info.id}\0{info.created.astimezone(UTC).isoformat()}"
    return blake2b(told.encode(), digest_size=8).hexdigest()


def names_of(store: Store, tags: Collection[str]) -> dict[str, str]:
    """Return the id of each thread by its tag; an empty one where the thread is gone."""
    there = {tag: info.id for info in (store.threads() if tags else ()) if (tag := tag_of(info)) in tags}
    return {tag: there.get(tag, "") for tag in sorted(tags)}


class OtherLog(Log):
    """The log of another thread. One that is forgotten meanwhile holds nothing more."""

    __slots__ = ()

    def others(
        self,
        threads: Iterable[str] | None = None,  # noqa: ARG002
        *,
        most: int = 100,  # noqa: ARG002
    ) -> tuple[Log, ...]:
        """Return nothing: only the thread whose window is made has others."""
        return ()

    def entries(
        self,
        start: int = 1,
        stop: int | None = None,
        *,
        roles: Collection[Role] | None = None,
        reverse: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries as :meth:`Log.entries` does."""
        with suppress(UnknownThread):
            yield from super().entries(start, stop, roles=roles, reverse=reverse)

    def at(self, seqs: Iterable[int]) -> list[Entry]:
        """Return entries as :meth:`Log.at` does."""
        try:
            return super().at(seqs)
        except UnknownThread:
            return []

    def find(self, words: Sequence[str], *, limit: int = 500) -> list[Postings]:
        """Return places as :meth:`Log.find` does."""
        try:
            return super().find(words, limit=limit)
        except UnknownThread:
            return [Postings(word, ()) for word in words]

    def superseded(self, entry: Entry, *, asking: bool = False) -> bool:
        """Tell what :meth:`Log.superseded` does."""
        try:
            return super().superseded(entry, asking=asking)
        except UnknownThread:
            return True


class Others:
    """The other threads that policies asked for while one window is made.

    Args:
        store: The store of the namespace.
        own: The thread whose window is made.
        open_log: Makes the log of another thread up to a head.
        heads: Tags and heads of the threads that a plan looked at, where it is replayed: no others are
            there then.
    """

    def __init__(
        self,
        store: Store,
        own: str,
        open_log: Callable[[str, int], Log],
        heads: Mapping[str, int] | None = None,
    ) -> None:
        self._store = store
        self._own = own
        self._open_log = open_log
        self._recorded = heads
        self._seen: dict[str, ThreadInfo | None] = {}
        self._listed: list[ThreadInfo] | None = None
        self._gone: dict[str, int] = {}
        self._logs: dict[str, Log] = {}
        self._tags: dict[str, str] = {}
        self._lineage = Lineage(store)

    # -- opening -------------------------------------------------------------------------------

    def logs(self, threads: Iterable[str] | None, most: int) -> tuple[Log, ...]:
        """Do what :meth:`Log.others` says."""
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise BadSetting(f"others: most is {most!r}; it must be a whole number of at least 1")
        if isinstance(threads, str):
            raise BadSetting(f"others: threads is {threads!r}; give a list of ids, or None for all")
        infos = self._list() if threads is None else self._named(threads)
        return tuple(self._log(info) for info in infos[-most:])

    def _log(self, info: ThreadInfo) -> Log:
        if info.id not in self._logs:
            self._logs[info.id] = self._open_log(info.id, info.head)
            self._tags[info.id] = tag_of(info)
        return self._logs[info.id]

    def _named(self, threads: Iterable[str]) -> list[ThreadInfo]:
        if self._recorded is not None:
            self._list()  # which of them are there is known by their tags alone
        found = (self._look(thread) for thread in set(threads) if thread != self._own)
        return sorted((info for info in found if info and info.head), key=_by_opening)

    def _look(self, thread: str) -> ThreadInfo | None:
        """Return a thread as it was when it was looked at first; None where it was not there then."""
        if thread not in self._seen:
            self._seen[thread] = None
            if self._listed is None:
                with suppress(UnknownThread):
                    self._seen[thread] = self._store.open_thread(thread, create=False)
        return self._seen[thread]

    def _list(self) -> list[ThreadInfo]:
        """Return all threads but this one, oldest first; what was looked at before is as it was then."""
        if self._listed is None:
            infos = list(self._store.threads())
            self._lineage.learn(infos)
            there = self._as_recorded(infos) if self._recorded is not None else infos
            for info in there:
                self._seen.setdefault(info.id, info)
            found = (info for info in self._seen.values() if info and info.id != self._own and info.head)
            self._listed = sorted(found, key=_by_opening)
        return self._listed

    def _as_recorded(self, infos: Iterable[ThreadInfo]) -> list[ThreadInfo]:
        left = dict(self._recorded or {})
        there = [
            msgspec.structs.replace(info, head=head)
            for info in infos
            if (head := left.pop(tag_of(info), None)) is not None
        ]
        self._gone = left
        return there

    # -- what was asked for --------------------------------------------------------------------

    @property
    def heads(self) -> dict[str, int]:
        """What a plan keeps: the head of each thread that was asked for, by tag."""
        return {self._tags[thread]: log.head for thread, log in self._logs.items()} | self._gone

    @property
    def gone(self) -> Collection[str]:
        """Tags of threads that the replayed plan looked at, and that are not there now."""
        return self._gone

    @property
    def names(self) -> dict[str, str]:
        """Ids by tag."""
        return {tag: thread for thread, tag in self._tags.items()}

    def log(self, thread: str) -> Log | None:
        """Return the log of a thread that was asked for."""
        return self._logs.get(thread)

    def in_order(self, places: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return messages of threads that were asked for in the order of blocks: the oldest thread first."""
        order = {info.id: at for at, info in enumerate(sorted(self._opened(), key=_by_opening))}
        return sorted(set(places), key=lambda place: (order[place[0]], place[1]))

    def _opened(self) -> Iterator[ThreadInfo]:
        return (info for thread in self._logs if (info := self._seen[thread]) is not None)

    def tagged(self, elsewhere: Elsewhere) -> Elsewhere:
        """Return messages as a plan names them."""
        return tuple((self._tags[thread], ranges) for thread, ranges in elsewhere)

    def key(self, thread: str, seq: int) -> str:
        """Return the key of a message in the details of a plan."""
        return f"{self._tags[thread]}#{seq}"

    # -- what forks share ----------------------------------------------------------------------

    def is_own(self, thread: str, seq: int) -> bool:
        """Tell whether a message of another thread is one of this thread's own, too."""
        return self._lineage.origin(thread, seq) == self._lineage.origin(self._own, seq)

    def once(self, thread: str, seq: int) -> tuple[str, int]:
        """Return where a message that threads share is looked for: in the oldest that was asked for."""
        origin = self._lineage.origin(thread, seq)
        if origin == thread or origin in self._logs:
            return origin, seq
        shared = (
            info
            for info in self._opened()
            if seq <= info.head and self._lineage.origin(info.id, seq) == origin
        )
        return min(shared, key=_by_opening).id, seq


def _by_opening(info: ThreadInfo) -> tuple[object, str]:
    return info.created, info.id


def by_thread(places: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Return the numbers of messages by thread, threads in the order in which they come."""
    found: dict[str, list[int]] = {}
    for thread, seq in places:
        found.setdefault(thread, []).append(seq)
    return found


def grouped(places: Iterable[tuple[str, int]]) -> Elsewhere:
    """Return messages as ranges by thread, threads in the order in which they come."""
    return tuple((thread, to_ranges(seqs)) for thread, seqs in by_thread(places).items())
