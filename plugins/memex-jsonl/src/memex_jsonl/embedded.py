"""Vectors of messages: lines in a file beside the log that has the messages.

They can be made again, so nothing here is synced, and a line that is not whole is as good as none. But
they say what a message said: the file is written anew when one of its messages is forgotten.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from memex import Embedded, VectorSpace
from memex_jsonl.changes import Change
from memex_jsonl.files import open_file, read_at, write_at
from memex_jsonl.lines import VERSION, is_whole, line_of, lines_of
from memex_jsonl.log import Log, Seen
from memex_jsonl.messages import Stretch, locate
from memex_jsonl.names import LOG, VECTORS
from memex_jsonl.space import Space

_PAGE: Final = 128


class _Header(msgspec.Struct, frozen=True):
    format: int = msgspec.field(name="memex-jsonl")
    kind: str
    log: str


class _Line(msgspec.Struct, frozen=True):
    seq: int
    embedder: str
    dimension: int
    kind: str
    base64: str


class _Mark(msgspec.Struct, frozen=True):
    seq: int
    embedder: str
    dimension: int
    kind: str


class Vectors:
    """Where the entries of one log lie in its file, as far as this process has read it.

    Attributes:
        log: Name of the log.
        torn: Whether there are lines that are not what was written; they may be of any message.
        entries: By space and message, where the line begins and ends.
    """

    def __init__(self, log: str) -> None:
        self.entries: dict[VectorSpace, dict[int, tuple[int, int]]] = {}
        self.log = log
        self.torn = False
        self._seen: Seen | None = None
        self._end = 0

    def refresh(self, fd: int) -> int:
        """Read what was added since, or all of a file that is another one now; return where it ends."""
        seen = Seen.of(os.fstat(fd))
        if self._seen is None or seen[:2] != self._seen[:2] or seen.size < self._end:
            self.entries, self._end, self.torn = {}, 0, False
        self._seen = seen
        for offset, line in lines_of(fd, self._end, seen.size):
            if not line.endswith(b"\n"):
                break
            if offset == 0 and not self._is_mine(line):
                return 0
            self._end = offset + len(line)
            if offset and is_whole(line):
                self._add(line, offset)
            elif offset:
                self.torn = True
        self.torn |= seen.size > self._end
        return self._end

    def read(self, fd: int, space: VectorSpace, seqs: Iterable[int]) -> list[tuple[int, bytes]]:
        """Return the entries of these messages; what is not what was written is left out."""
        found = []
        entries = self.entries.get(space, {})
        for seq in seqs:
            begin, end = entries[seq]
            line = read_at(fd, end - begin, begin)
            if is_whole(line):
                found.append((seq, b64decode(msgspec.json.decode(line, type=_Line).base64)))
        return found

    def _is_mine(self, line: bytes) -> bool:
        try:
            return is_whole(line) and msgspec.json.decode(line, type=_Header).log == self.log
        except msgspec.MsgspecError:
            return False

    def _add(self, line: bytes, offset: int) -> None:
        try:
            mark = msgspec.json.decode(line, type=_Mark)
        except msgspec.MsgspecError:
            return
        space = VectorSpace(mark.embedder, mark.dimension, mark.kind)
        self.entries.setdefault(space, {}).setdefault(mark.seq, (offset, offset + len(line)))


def put(space: Space, thread: str, name: VectorSpace, vectors: Mapping[str, bytes]) -> int:
    """Keep entries for messages that have none and return how many are new."""
    with space.locks.sharing():
        spans = space.lineage(space.found(thread))
        wanted: dict[str, tuple[Log, dict[int, bytes]]] = {}
        for message_id, data in vectors.items():
            place = locate(spans, message_id)
            if place is not None and not place[0].is_forgotten(place[1]):
                log, seq = place
                wanted.setdefault(log.header.log, (log, {}))[1][seq] = data
        return sum(_put(space, log, name, entries) for log, entries in wanted.values())


def _put(space: Space, log: Log, name: VectorSpace, entries: Mapping[int, bytes]) -> int:
    path = path_of(log)
    reading = space.locks.of_process(f"{path.name} read")  # what is known of it changes with the file
    with reading, space.locks.of_file(path, write=True, create=True) as fd:
        known = _known(space, log)
        end = known.refresh(fd)
        size = os.fstat(fd).st_size
        if size > end:  # what a killed process left half written, or a file of another thread
            os.ftruncate(fd, end)
        new = {seq: data for seq, data in sorted(entries.items()) if seq not in known.entries.get(name, {})}
        lines = [] if end else [line_of(_Header(VERSION, "vectors", log.header.log))]
        lines += [_line(seq, name, data) for seq, data in new.items()]
        try:
            write_at(fd, b"".join(lines), end)
        except BaseException:
            os.ftruncate(fd, end)
            raise
        known.refresh(fd)
        return len(new)


def _line(seq: int, name: VectorSpace, data: bytes) -> bytes:
    return line_of(_Line(seq, name.embedder, name.dimension, name.kind, b64encode(data).decode()))


def read(space: Space, wanted: Iterable[Stretch], name: VectorSpace) -> Iterator[tuple[int, bytes]]:
    """Yield the entries of these stretches, given in log order, a page at a time."""
    for whole in wanted:
        left = whole
        while left.first <= left.last:
            page, last = space.read(partial(_page, space, left, name))
            yield from page
            left = left._replace(first=last + 1)


def _page(space: Space, stretch: Stretch, name: VectorSpace) -> tuple[list[tuple[int, bytes]], int]:
    """Return the next entries of a stretch, and up to which message that is."""
    with _opened(space, space.by_log(stretch.name, stretch.log)) as (known, fd):
        entries = known.entries.get(name, {}) if known else {}
        there = (seq for seq in range(stretch.first, stretch.last + 1) if seq in entries)
        seqs = list(islice(there, _PAGE))
        if known is None or fd is None or not seqs:
            return [], stretch.last
        return known.read(fd, name, seqs), seqs[-1]


def missing(space: Space, wanted: Iterable[Stretch], name: VectorSpace) -> Iterator[int]:
    """Yield the messages of these stretches that have no entry, without the tombstones."""
    for stretch in wanted:
        yield from space.read(partial(_missing, space, stretch, name))


def _missing(space: Space, stretch: Stretch, name: VectorSpace) -> list[int]:
    log = space.by_log(stretch.name, stretch.log)
    if log is None:
        return []
    with _opened(space, log) as (known, _):
        entries = known.entries.get(name, {}) if known else {}
    seqs = range(stretch.first, stretch.last + 1)
    return [seq for seq in seqs if seq not in entries and not log.is_forgotten(seq)]


def counted(space: Space, spans: Iterable[tuple[Log, int]]) -> list[Embedded]:
    """Return the spaces of logs, each up to a message, and how many entries they have."""
    counts: Counter[VectorSpace] = Counter()
    for log, upto in spans:
        with _opened(space, log) as (known, _):
            for name, entries in known.entries.items() if known else ():
                counts[name] += sum(seq <= upto for seq in entries)
    return [Embedded(name, counts[name]) for name in sorted(counts) if counts[name]]


def drop(space: Space, name: VectorSpace) -> int:
    """Erase a space in every thread and return how many entries it had."""
    with space.locks.alone(), Change(space.folder) as change:
        logs = space.logs()
        gone = sum(erase(space, change, log, lambda _, of: of != name) for log in logs)
        if gone:
            change.commit()
        return gone


def erase(space: Space, change: Change, log: Log, keep: Callable[[int, VectorSpace], bool]) -> int:
    """Write a log's vectors anew with what is to be kept, and return how many entries are not.

    The caller is alone in the namespace, and commits.
    """
    with _opened(space, log) as (known, fd):
        if known is None or fd is None:
            return 0
        kept, gone = [], 0
        for name, entries in known.entries.items():
            kept += [(place, name) for seq, place in entries.items() if keep(seq, name)]
            gone += sum(not keep(seq, name) for seq in entries)
        if not gone and not known.torn:
            return 0
        if kept:
            draft = change.draft(path_of(log).name)
            draft.write(line_of(_Header(VERSION, "vectors", log.header.log)))
            for (begin, end), _ in sorted(kept):
                draft.write(read_at(fd, end - begin, begin))
        else:
            change.remove(path_of(log).name)
        return gone


def problems(space: Space, log: Log) -> Iterator[str]:
    """Yield what is wrong with a log's vectors, one line each."""
    with _opened(space, log) as (known, _):
        for name, entries in known.entries.items() if known else ():
            odd = [seq for seq in entries if not log.first <= seq <= log.head or log.is_forgotten(seq)]
            if odd:
                yield f"{path_of(log)}: {len(odd)} entries of {name} belong to no message, such as {odd[0]}"


def path_of(log: Log) -> Path:
    """Return the file of a log's vectors."""
    return log.path.with_name(log.path.name.removesuffix(LOG) + VECTORS)


@contextmanager
def _opened(space: Space, log: Log | None) -> Iterator[tuple[Vectors | None, int | None]]:
    """Give a log's vectors as they are now and their file, None where there is none."""
    if log is None:
        yield None, None
        return
    path = path_of(log)
    try:
        fd = open_file(path)
    except FileNotFoundError:
        yield None, None
        return
    try:
        known = _known(space, log)
        with space.locks.of_process(f"{path.name} read"):
            known.refresh(fd)
        yield known, fd
    finally:
        os.close(fd)


def _known(space: Space, log: Log) -> Vectors:
    known = space.embedded.get(log.path.name)
    if known is None or known.log != log.header.log:
        known = space.embedded[log.path.name] = Vectors(log.header.log)
    return known
