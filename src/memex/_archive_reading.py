"""Reads threads from an archive into a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import msgspec

from memex._archive_checking import Archive, Progress, open_archive
from memex._archive_format import ThreadRecord
from memex._archive_writing import in_order
from memex._entry import Entry
from memex._errors import BadSetting, Conflict, MemexError, ThreadExists, UnknownThread
from memex._serial import check_id, encode_message
from memex._store import Store, StoredPlan, ThreadInfo


class Restored(msgspec.Struct, frozen=True):
    """What was read from an archive.

    Attributes:
        threads: The threads that were made, as the store has them.
        skipped: Ids of those that were there already and stayed as they were.
        messages: How many messages were stored.
    """

    threads: tuple[ThreadInfo, ...]
    skipped: tuple[str, ...]
    messages: int


def read_archive(
    path: str | Path,
    store: Store,
    *,
    threads: Sequence[str] | None = None,
    existing: Literal["raise", "skip"] = "raise",
    rename: Callable[[str], str] | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Store the threads of an archive as they were, in any store, and return what was stored.

    The whole archive is verified before anything is stored. Then each thread is stored in one
    transaction, parents first. If one fails, those that were made before it are forgotten again.

    Args:
        path: The archive.
        store: Where the threads go.
        threads: Which threads, by their ids in the archive; all of them by default. A fork brings
            those it was forked from.
        existing: What to do when the store has a thread of that id: ``"raise"``, or ``"skip"`` it.
            Forks of a thread that was skipped are stored if it holds the same messages and plans as
            far as they share them.
        rename: Gives the id under which a thread is stored: ``lambda id: f"old/{id}"``.
        progress: Told how many messages are done, and how many there are; each counts once when it
            is verified and once when it is stored.

    Raises:
        StoreDamaged: If the archive is not what was written. Nothing is stored.
        UnknownThread: If it has no such thread.
        ThreadExists: If the store has one of the threads and none may be skipped. Nothing is stored.
        Conflict: If a fork of a skipped thread does not fit to what is there. Nothing is stored.
        StoreUnavailable: If it is not there, or cannot be read.
    """
    if existing not in ("raise", "skip"):
        raise BadSetting(f"existing: {existing!r} is neither 'raise' nor 'skip'")
    with open_archive(Path(path)) as archive:
        there = {record.id: record.info for record in archive.manifest.threads}
        chosen = [archive.records[info.id] for info in in_order(there, threads)]
        reader = _Reader(archive, store, _names(chosen, rename), progress, chosen)
        skipped = reader.already_there()
        if skipped and existing == "raise":
            raise ThreadExists(
                f"there is a thread {reader.names[skipped[0].id]!r} already; nothing was stored. Skip what "
                "is there, or store under other names"
            )
        archive.verify(reader.verified)
        reader.check_skipped(skipped)
        made = reader.restore(skipped)
    return Restored(
        threads=made,
        skipped=tuple(reader.names[record.id] for record in skipped),
        messages=sum(info.head - (info.forked_at or 0) for info in made),
    )


def _names(records: Sequence[ThreadRecord], rename: Callable[[str], str] | None) -> dict[str, str]:
    """Return the id that each thread gets."""
    names: dict[str, str] = {}
    olds: dict[str, str] = {}
    for record in records:
        new = check_id(rename(record.id) if rename else record.id, "thread")
        if new in olds:
            raise BadSetting(f"threads {olds[new]!r} and {record.id!r} would both be called {new!r}")
        names[record.id], olds[new] = new, record.id
    return names


class _Reader:
    """Threads of an archive on their way into a store."""

    def __init__(
        self,
        archive: Archive,
        store: Store,
        names: dict[str, str],
        progress: Progress | None,
        chosen: Sequence[ThreadRecord],
    ) -> None:
        self._archive = archive
        self._store = store
        self._progress = progress
        self._done = 0
        self._total = archive.info.messages + sum(record.own for record in chosen)
        self.names = names
        self._chosen = chosen

    def verified(self, done: int, _: int) -> None:
        """Tell of messages that were verified."""
        self._done = done
        if self._progress is not None:
            self._progress(done, self._total)

    def already_there(self) -> list[ThreadRecord]:
        """Return the threads that the store has already."""
        return [record for record in self._chosen if _has(self._store, self.names[record.id])]

    def check_skipped(self, skipped: Sequence[ThreadRecord]) -> None:
        """Check that forks can be put on threads which the store has already.

        Raises:
            Conflict: If the store has other messages or plans where the archive's are shared.
        """
        ids = {record.id for record in skipped}
        forks: dict[str, list[ThreadRecord]] = {}
        for record in self._chosen:
            if record.parent in ids and record.id not in ids:
                forks.setdefault(record.parent, []).append(record)
        for parent, children in forks.items():
            upto = max(fork.forked_at or 0 for fork in children)
            upto_plan = max(fork.shared_plans for fork in children)
            if not self._same(self._archive.records[parent], upto, upto_plan):
                raise Conflict(
                    f"thread {self.names[parent]!r} is not the one that {children[0].id!r} was forked from; "
                    "nothing was stored. Store under other names"
                )

    def _same(self, record: ThreadRecord, upto: int, upto_plan: int) -> bool:
        name = self.names[record.id]
        if self._store.open_thread(name, create=False).head < upto:
            return False
        entries = zip_longest(self._entries(record, upto), self._store.entries(name, 1, upto))
        if not all(one and other and _alike(one, other) for one, other in entries):
            return False
        theirs = sorted(self._store.plans(name, before=upto_plan + 1), key=lambda plan: plan.number)
        return list(self._plans(record, upto_plan)) == theirs

    def _entries(self, record: ThreadRecord, upto: int) -> Iterator[Entry]:
        """Yield the beginning of a thread, what it shares included."""
        shared = record.forked_at or 0
        if record.parent is not None:
            yield from self._entries(self._archive.records[record.parent], min(shared, upto))
        if upto > shared:
            yield from (entry for entry in self._archive.entries(record) if entry.seq <= upto)

    def _plans(self, record: ThreadRecord, upto: int) -> Iterator[StoredPlan]:
        if record.parent is not None:
            shared = self._plans(self._archive.records[record.parent], min(record.shared_plans, upto))
            yield from (plan for plan in shared if plan.head <= (record.forked_at or 0))
        if upto > record.plan_base:
            yield from (plan for plan in self._archive.plans(record) if plan.number <= upto)

    def restore(self, skipped: Sequence[ThreadRecord]) -> tuple[ThreadInfo, ...]:
        """Store the others; when one fails, take those back that were stored before it."""
        made: list[ThreadInfo] = []
        there = {record.id for record in skipped}
        try:
            for record in self._chosen:
                if record.id not in there:
                    made.append(self._restore(record))
        except BaseException as error:
            left = [info.id for info in reversed(made) if not self._taken_back(info.id)]
            if left:
                error.add_note(f"these threads were stored and could not be taken back: {', '.join(left)}")
            elif made:
                error.add_note(f"{len(made):,} threads that were stored before were taken back")
            raise
        if self._progress is not None:
            self._progress(self._total, self._total)
        return tuple(made)

    def _restore(self, record: ThreadRecord) -> ThreadInfo:
        image = self._archive.image(record)
        parent = None if record.parent is None else self.names[record.parent]
        info = msgspec.structs.replace(image.info, id=self.names[record.id], parent=parent)
        image = msgspec.structs.replace(image, info=info)
        return self._store.restore(image, self._told(record), self._archive.plans(record))

    def _told(self, record: ThreadRecord) -> Iterator[Entry]:
        for entry in self._archive.entries(record):
            yield entry
            self._done += 1
            if self._progress is not None and not self._done % 1000:
                self._progress(self._done, self._total)

    def _taken_back(self, thread: str) -> bool:
        with suppress(MemexError):
            self._store.forget(thread)
            return True
        return False


def _has(store: Store, thread: str) -> bool:
    try:
        store.open_thread(thread, create=False)
    except UnknownThread:
        return False
    return True


def _alike(one: Entry, other: Entry) -> bool:
    return encode_message(one.message) == encode_message(other.message)
