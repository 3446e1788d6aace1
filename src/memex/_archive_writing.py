"""Writes the threads of a store to an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from memex._archive_checking import MESSAGES, PLANS, STATE, ArchiveInfo, Progress, info_of, seal
from memex._archive_format import (
    FORMAT,
    MANIFEST,
    SEAL,
    VERSION,
    Blobs,
    FileRecord,
    Manifest,
    ThreadRecord,
    blob_name,
    folder_of,
    message_line,
    plan_line,
    state_line,
    thread_record,
    write_manifest,
)
from memex._archive_target import Target, new_archive
from memex._errors import BadSetting, Conflict, StoreDamaged, UnknownThread
from memex._message import now
from memex._store import Store, StoredPlan, ThreadInfo

_PAGE: Final = 500


def write_archive(
    store: Store,
    path: str | Path,
    *,
    threads: Sequence[str] | None = None,
    overwrite: bool = False,
    created: datetime | None = None,
    progress: Progress | None = None,
) -> ArchiveInfo:
    """Write threads to an archive, from which any store gets the same ones back, and return what it holds.

    Everything goes along: messages with places, token counts and tombstones, plans, state, and what
    forks share. The archive is a folder, or one file where the name ends in ``.zip``; only its owner
    may read it. It gets its name when it is whole and on the disk. Equal threads make equal bytes.

    Others may write to the store meanwhile: each thread is taken as it is when its turn comes.

    Args:
        store: Where the threads are.
        path: The archive to make.
        threads: Which threads; all of them by default. A fork brings those it was forked from.
        overwrite: Replace an archive that is there already.
        created: What it says about when it was written; now by default.
        progress: Told how many messages are written, and how many there are.

    Raises:
        BadSetting: If something is there already.
        UnknownThread: If a thread is not there. Nothing is written then or after any other error.
        Conflict: If a thread was forgotten and made anew meanwhile.
        StoreDamaged: If the store lacks what it says it has.
        StoreUnavailable: If the archive cannot be written.
    """
    moment = now() if created is None else created
    if moment.utcoffset() is None:
        raise BadSetting(f"created: {moment} has no time zone; say which, such as UTC")
    chosen = list(in_order({info.id: info for info in store.threads()}, threads))
    with new_archive(Path(path), overwrite=overwrite) as target:
        writer = _Writer(store, target, progress, sum(info.head - (info.forked_at or 0) for info in chosen))
        for info in chosen:
            writer.add(info.id, wanted=threads is not None)
        return writer.finish(moment.astimezone(UTC))


def in_order(there: dict[str, ThreadInfo], wanted: Iterable[str] | None) -> Iterator[ThreadInfo]:
    """Yield threads, each after the one that it was forked from, else by id.

    Args:
        there: All threads, by id.
        wanted: Which of them; those that they were forked from come along.

    Raises:
        UnknownThread: If one is not there.
    """
    given: set[str] = set()
    for thread in sorted(there if wanted is None else set(wanted)):
        line: list[str] = []
        name: str | None = thread
        while name is not None and name not in given:
            if name not in there:
                raise UnknownThread(f"there is no thread {name!r}")
            given.add(name)
            line.append(name)
            name = there[name].parent
        yield from (there[name] for name in reversed(line))


class _Writer:
    """An archive that is being written."""

    def __init__(self, store: Store, target: Target, progress: Progress | None, total: int) -> None:
        self._store = store
        self._target = target
        self._progress = progress
        self._total = total
        self._done = 0
        self._records: dict[str, ThreadRecord] = {}
        self._blobs: dict[str, int] = {}
        self._size = 0

    def add(self, thread: str, *, wanted: bool) -> None:
        """Write a thread; one that was forgotten since it was listed is left out unless it was named."""
        try:
            image = self._store.image(thread)
        except UnknownThread:
            if wanted:
                raise
            return
        info, folder = image.info, folder_of(len(self._records) + 1)
        parent = None if info.parent is None else self._records.get(info.parent)
        if info.parent is not None and (parent is None or parent.head < (info.forked_at or 0)):
            raise Conflict(f"thread {thread!r} was made anew meanwhile; write the archive again")
        first = (info.forked_at or 0) + 1
        files = {
            MESSAGES: self._file(folder + MESSAGES, self._messages(thread, first, info.head)),
            PLANS: self._file(folder + PLANS, map(plan_line, self._plans(thread, image.plan_base))),
            STATE: self._file(
                folder + STATE, (state_line(key, image.state[key]) for key in sorted(image.state))
            ),
        }
        kept = {name: record for name, record in files.items() if record is not None}
        self._records[thread] = thread_record(image, folder, kept)

    def finish(self, created: datetime) -> ArchiveInfo:
        """Write the manifest and what protects it, and return what the archive holds."""
        from memex import __version__

        blobs = Blobs(len(self._blobs), sum(self._blobs.values()))
        threads = tuple(self._records.values())
        manifest = Manifest(FORMAT, VERSION, __version__, created, self._store.namespace, threads, blobs)
        data = write_manifest(manifest)
        self._target.put(MANIFEST, data)
        self._target.put(SEAL, seal(data))
        if self._progress is not None:
            self._progress(self._done, self._done)
        return info_of(manifest, self._size + blobs.size + len(data) + len(seal(data)))

    def _file(self, name: str, lines: Iterator[bytes]) -> FileRecord | None:
        """Write a file of lines; none where there are no lines."""
        first = next(lines, None)
        if first is None:
            return None
        digest, size, count = sha256(), 0, 0
        with self._target.file(name) as file:
            line: bytes | None = first
            while line is not None:
                file.write(line)
                digest.update(line)
                size += len(line)
                count += 1
                line = next(lines, None)
        self._size += size
        return FileRecord(count, size, digest.hexdigest())

    def _messages(self, thread: str, first: int, last: int) -> Iterator[bytes]:
        entries = self._store.entries(thread, first, last)
        for seq in range(first, last + 1):
            entry = next(entries, None)
            if entry is None or entry.seq != seq:
                raise StoreDamaged(f"the store lacks message {seq} of thread {thread!r}")
            line, blobs = message_line(entry)
            for digest, data in blobs.items():
                if digest not in self._blobs:
                    self._target.put(blob_name(digest), data)
                    self._blobs[digest] = len(data)
            yield line
            self._done += 1
            if self._progress is not None and not self._done % 1000:
                self._progress(self._done, self._total)

    def _plans(self, thread: str, base: int) -> Iterator[StoredPlan]:
        """Yield a thread's own plans by number; a store gives the newest first."""
        newest = next(self._store.plans(thread), None)
        last = newest.number if newest is not None else base
        while base < last:
            upto = min(base + _PAGE, last)
            page = list(islice(self._store.plans(thread, before=upto + 1), upto - base))
            if [plan.number for plan in reversed(page)] != list(range(base + 1, upto + 1)):
                raise StoreDamaged(f"the store lacks a plan of thread {thread!r}, {base + 1} to {upto}")
            yield from reversed(page)
            base = upto
