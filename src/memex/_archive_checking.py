"""An archive that is open: its manifest, what it holds, and whether that is what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from memex._archive_format import (
    MANIFEST,
    MAX_PIECE,
    SEAL,
    Manifest,
    ReadEntry,
    ThreadRecord,
    blob_name,
    digest_of,
    folder_of,
    read_manifest,
    read_message_line,
    read_plan_line,
    read_state_line,
)
from memex._archive_ids import Ids
from memex._archive_source import Source, checked_digest, faults, opened, read_lines, read_whole
from memex._blobs import blobs_of
from memex._entry import Entry
from memex._errors import InvalidMessage, StoreDamaged
from memex._serial import check_id
from memex._store import StoredPlan, ThreadImage, ThreadInfo

MESSAGES: Final = "messages.jsonl"
PLANS: Final = "plans.jsonl"
STATE: Final = "state.jsonl"
Progress = Callable[[int, int], object]
"""Told how many messages are done, and how many there are."""
_Thing = TypeVar("_Thing")


class ArchiveInfo(msgspec.Struct, frozen=True):
    """What an archive holds.

    Attributes:
        memex: Version of the memex that wrote it.
        created: When it was written.
        namespace: The namespace it was taken from.
        threads: Its threads, parents before their forks.
        messages: How many messages they have, each counted once.
        plans: How many plans.
        blobs: How many pictures and files that lie beside the messages.
        size: Bytes of all of it, unpacked.
    """

    memex: str
    created: datetime
    namespace: str
    threads: tuple[ThreadInfo, ...]
    messages: int
    plans: int
    blobs: int
    size: int


def verify_archive(path: str | Path, *, progress: Progress | None = None) -> ArchiveInfo:
    """Check everything in an archive and return what it holds; no store is needed.

    Checksums and sizes of all files, numbers without gaps, ids that occur once, data that is referred
    to, parents before their forks: an archive that passes can be read by any store.

    Args:
        path: The archive, a folder or a zip file.
        progress: Told how many messages are checked, and how many there are.

    Raises:
        StoreDamaged: If anything is not what was written, or it is of a newer version.
        StoreUnavailable: If it is not there or cannot be read.
    """
    with open_archive(Path(path)) as archive:
        archive.verify(progress)
        return archive.info


def info_of(manifest: Manifest, size: int) -> ArchiveInfo:
    """Return what a manifest says for a reader; ``size`` is that of all files together."""
    threads = manifest.threads
    return ArchiveInfo(
        memex=manifest.memex,
        created=manifest.created,
        namespace=manifest.namespace,
        threads=tuple(record.info for record in threads),
        messages=sum(record.own for record in threads),
        plans=sum(record.lines(PLANS) for record in threads),
        blobs=manifest.blobs.count,
        size=size,
    )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive and believe its manifest, after a look at it, but nothing else yet."""
    with opened(path) as source:
        with faults(path):
            data = read_whole(source, MANIFEST)
            if read_whole(source, SEAL) != seal(data):
                raise StoreDamaged(f"{MANIFEST} is not what was written: its checksum is another")
            archive = Archive(source, read_manifest(data))
            archive.check_manifest()
        yield archive


def seal(manifest: bytes) -> bytes:
    """Return the digest of a manifest, in the form that ``sha256sum -c`` reads."""
    return f"{sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


class Archive:
    """An archive that is open.

    Args:
        source: Its files.
        manifest: What they should hold.
    """

    def __init__(self, source: Source, manifest: Manifest) -> None:
        self._source = source
        self.manifest = manifest
        self.records = {record.id: record for record in manifest.threads}

    @property
    def info(self) -> ArchiveInfo:
        """What it holds."""
        return info_of(self.manifest, sum(self._source.sizes.values()))

    # -- reading -------------------------------------------------------------------------------

    def image(self, record: ThreadRecord) -> ThreadImage:
        """Return what a thread has besides its messages and plans."""
        with faults(self._source.path):
            return self._image(record)

    def plans(self, record: ThreadRecord) -> Iterator[StoredPlan]:
        """Yield a thread's own plans, by number."""
        with faults(self._source.path):
            yield from self._lines(record, PLANS, read_plan_line)

    def entries(self, record: ThreadRecord) -> Iterator[Entry]:
        """Yield a thread's own entries, with their data."""
        with faults(self._source.path):
            for found in self._lines(record, MESSAGES, read_message_line):
                yield found.joined({digest: self._blob(digest) for digest in found.blobs})

    def _image(self, record: ThreadRecord) -> ThreadImage:
        state: dict[str, bytes] = {}
        for key, value in self._lines(record, STATE, read_state_line):
            if key in state:
                raise StoreDamaged(f"thread {record.id!r}: the value {key!r} is in it twice")
            state[key] = value
        return ThreadImage(record.info, record.plan_base, record.shared_plans, state)

    def _blob(self, digest: str) -> bytes:
        data = read_whole(self._source, blob_name(digest))
        if sha256(data).hexdigest() != digest:
            raise StoreDamaged(f"{blob_name(digest)} is not what was written")
        return data

    def _lines(self, record: ThreadRecord, name: str, read: Callable[[bytes], _Thing]) -> Iterator[_Thing]:
        if name not in record.files:
            return
        lines = read_lines(self._source, record.folder + name, record.files[name])
        for number, line in enumerate(lines, 1):
            try:
                thing = read(line)
            except StoreDamaged as error:
                raise StoreDamaged(f"{record.folder}{name}, line {number:,}: {error}") from error
            yield thing

    # -- checking ------------------------------------------------------------------------------

    def check_manifest(self) -> None:
        """Check all that the manifest says against itself and against the names and sizes of files."""
        before: dict[str, ThreadRecord] = {}
        sizes = {MANIFEST: self._source.sizes[MANIFEST], SEAL: self._source.sizes[SEAL]}
        try:
            check_id(self.manifest.namespace, "namespace")
            for place, record in enumerate(self.manifest.threads, 1):
                check_id(record.id, "thread")
                _check_record(record, before, folder_of(place))
                before[record.id] = record
                sizes |= {record.folder + name: file.size for name, file in record.files.items()}
        except InvalidMessage as error:
            raise StoreDamaged(str(error)) from error
        blobs = {name: size for name, size in self._source.sizes.items() if digest_of(name)}
        told = self.manifest.blobs
        if (len(blobs), sum(blobs.values())) != (told.count, told.size):
            raise StoreDamaged(f"it has {len(blobs):,} files of data in place of {told.count:,}")
        if max(blobs.values(), default=0) > MAX_PIECE:
            raise StoreDamaged("a file of data is larger than 1 GiB")
        for name in (sizes.keys() | blobs.keys()) ^ self._source.sizes.keys():
            there = name in self._source.sizes
            raise StoreDamaged(f"{name} {'does not belong to it' if there else 'is missing'}")
        for name, size in sizes.items():
            if self._source.sizes[name] != size:
                raise StoreDamaged(f"{name} has {self._source.sizes[name]:,} bytes in place of {size:,}")

    def verify(self, progress: Progress | None = None) -> None:
        """Read everything once, and compare it with what was written."""
        total = sum(record.own for record in self.manifest.threads)
        for done, _ in enumerate(self._messages_checked(), 1):
            if progress is not None and not done % 1000:
                progress(done, total)
        if progress is not None:
            progress(total, total)

    def _messages_checked(self) -> Iterator[None]:
        """Go through everything, and tell of each message."""
        there = {digest for name in self._source.sizes if (digest := digest_of(name))}
        used = set[str]()
        with faults(self._source.path), Ids() as ids:
            for record in self.manifest.threads:
                self._image(record)
                first = record.plan_base + 1
                for number, plan in enumerate(self._lines(record, PLANS, read_plan_line), first):
                    if plan.number != number:
                        raise StoreDamaged(f"thread {record.id!r}: plan {number} is missing")
                ids.begin(record)
                for found in self._lines(record, MESSAGES, read_message_line):
                    ids.add(found.entry.seq, found.entry.message.id)
                    used.update(_references(found, there))
                    yield
                ids.end()
            for digest in sorted(there):
                if checked_digest(self._source, blob_name(digest)) != digest:
                    raise StoreDamaged(f"{blob_name(digest)} is not what was written")
            if there != used:
                raise StoreDamaged(f"{blob_name(min(there - used))} is data that no message refers to")


def _check_record(record: ThreadRecord, before: dict[str, ThreadRecord], folder: str) -> None:
    """Check what the manifest says about a thread.

    Raises:
        StoreDamaged: If no thread of a store could be so.
    """
    shared, parent = record.forked_at or 0, before.get(record.parent or "")
    last, last_plan = (parent.head, parent.plan_base + parent.lines(PLANS)) if parent else (0, 0)
    files = record.files
    faults_of = {
        "it is in it twice": record.id in before,
        "its folder is not the one of its place": record.folder != folder,
        f"its parent {record.parent!r} does not come before it": record.parent is not None and not parent,
        "a parent without a message it was forked at": (parent is None) != (record.forked_at is None),
        "it shares more than its parent has": shared > last or record.shared_plans > last_plan,
        "its messages are not as many as it says": record.own != record.lines(MESSAGES),
        "its numbers of plans make no sense": record.shared_plans > record.plan_base,
        "a file of another name": not files.keys() <= {MESSAGES, PLANS, STATE},
        "an empty file": not all(file.lines for file in files.values()),
    }
    for fault, there in faults_of.items():
        if there:
            raise StoreDamaged(f"thread {record.id!r}: {fault}")


def _references(found: ReadEntry, there: set[str]) -> tuple[str, ...]:
    """Return the data that a message refers to."""
    blobs = found.blobs
    if blobs and (len(set(blobs)) < len(blobs) or set(blobs) != set(blobs_of(found.entry.message))):
        raise StoreDamaged(f"message {found.entry.message.id!r} does not refer to the data that it lists")
    if not there.issuperset(blobs):
        raise StoreDamaged(f"message {found.entry.message.id!r} refers to data that is missing")
    return blobs
