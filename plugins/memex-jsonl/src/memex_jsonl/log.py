"""One thread's own file, as this process has seen it so far."""

from __future__ import annotations

import os
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from memex import Entry, StoreDamaged
from memex_jsonl.files import open_file, read_at
from memex_jsonl.index import FLAG_BITS, FORGOTTEN, ROLES, Kept, flags_of
from memex_jsonl.lines import Header, Mark, entry_in, is_whole, lines_of, looks_torn, mark_in, seq_in
from memex_jsonl.names import id_hash

RULES: Final = frozenset({"system", "developer"})
BEGINNING: Final = 32
_ROLE_MASK: Final = 7
_SCANS: Final = 4
_RULE_CODES: Final = frozenset(number for number, role in enumerate(ROLES) if role in RULES)


class Seen(NamedTuple):
    """What tells whether a file is the one that was read, and as long as it was."""

    device: int
    number: int
    size: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> Seen:
        """Return it for a file's status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class LineDamaged(StoreDamaged):
    """A line is not what was written, or the index pointed to the wrong place.

    Args:
        log: Where.
        seq: The message.
    """

    def __init__(self, log: Log, seq: int) -> None:
        super().__init__(log.damage(seq))
        self.log = log


class Log:
    """Where the messages of one file lie. Only ever added to, so that a reader needs no lock.

    Attributes:
        path: The file.
        header: Its first line.
        seen: The file's status when it was read last.
        settled: Whether all of it, and its name, is known to be on the disk.

    Args:
        path: The file.
        header: Its first line.
        beginning: The first bytes of that line, which have its checksum.
        start: Where the first message begins or, with an index, where the last one that it has ends.
        kept: What the index has.
    """

    def __init__(
        self, path: Path, header: Header, beginning: bytes, start: int, kept: Kept | None = None
    ) -> None:
        self.path = path
        self.header = header
        self.beginning = beginning[:BEGINNING]
        self.seen: Seen | None = None
        self.settled = False
        # Where each message begins, with its flags in the low bits, and where the next one will.
        self._bounds: array[int] = kept.places if kept else array("Q")
        self._bounds.append(start << FLAG_BITS)
        self._hashes: array[int] = kept.hashes if kept else array("Q")
        self._noting = threading.Lock()
        self._by_id: dict[int, int | tuple[int, ...]] = {}
        self._ids_noted = 0
        self._scans_left = _SCANS
        self._rules: list[int] = []
        self._rules_noted = 0

    @property
    def first(self) -> int:
        """Sequence number of its first own message, there or to come."""
        return self.header.forked_at + 1

    @property
    def head(self) -> int:
        """Sequence number of the newest message."""
        return self.header.forked_at + len(self._bounds) - 1

    @property
    def end(self) -> int:
        """Where the last whole batch ends."""
        return self._bounds[-1] >> FLAG_BITS

    @property
    def bounds(self) -> Sequence[int]:
        """Where each message begins, with its flags, and where the next one will."""
        return self._bounds

    @property
    def hashes(self) -> Sequence[int]:
        """The hash of each message's id."""
        return self._hashes

    def add(self, batch: Sequence[tuple[Mark, int]]) -> None:
        """Note a batch of messages, each with where it ends."""
        if not batch:
            return
        flags = [
            flags_of(mark.role, forgotten=mark.status == "forgotten", ends=not mark.left) for mark, _ in batch
        ]
        # A reader sees all of a batch or nothing: the one line that shows it is the last.
        self._hashes.extend(id_hash(mark.id) for mark, _ in batch)
        self._bounds[-1] |= flags[0]
        ends = [end << FLAG_BITS for _, end in batch]
        self._bounds.extend(array("Q", [end | flag for end, flag in zip(ends, [*flags[1:], 0], strict=True)]))

    def offset(self, seq: int) -> int:
        """Return where a message begins, or where the one after the head will."""
        return self._bounds[seq - self.first] >> FLAG_BITS

    def is_forgotten(self, seq: int) -> bool:
        """Tell whether an own message is a tombstone."""
        return bool(self._bounds[seq - self.first] & FORGOTTEN)

    def bytes_of(self, seq: int) -> int:
        """Return how long the line of a message is."""
        return self.offset(seq + 1) - self.offset(seq)

    def find(self, message_id: str, upto: int) -> Entry | None:
        """Return the own message up to ``upto`` that has this id, None if there is none."""
        for seq in self._candidates(message_id):
            if seq <= upto and (entry := self.entry(seq)).message.id == message_id:
                return entry
        return None

    def select(self, first: int, last: int, roles: Collection[str] | None, *, reverse: bool) -> Iterator[int]:
        """Yield the own places between two, of these roles, in either direction."""
        first, last = max(first, self.first), min(last, self.head)
        seqs: Sequence[int] = range(first, last + 1)
        if roles is not None and RULES.issuperset(roles):
            rules = self._noted_rules()
            seqs = rules[bisect_left(rules, first) : bisect_right(rules, last)]
        for seq in reversed(seqs) if reverse else seqs:
            if roles is None or self._role_at(seq) in roles:
                yield seq

    def entry(self, seq: int) -> Entry:
        """Return an own message."""
        (line,) = self.lines([seq])
        return entry_in(line)

    def lines(self, seqs: Sequence[int]) -> list[bytes]:
        """Return the lines of these own places, read together where they lie together.

        Raises:
            StoreDamaged: If one is not what was written.
            FileNotFoundError: If the file was taken away or replaced.
        """
        fd = open_file(self.path)
        try:
            status = os.fstat(fd)
            if self.seen is not None and (status.st_dev, status.st_ino) != self.seen[:2]:
                raise FileNotFoundError(2, "the file was replaced", str(self.path))
            found: dict[int, bytes] = {}
            for low, high in _runs(seqs):
                begin = self.offset(low)
                data = read_at(fd, self.offset(high + 1) - begin, begin)
                for seq in range(low, high + 1):
                    line = data[self.offset(seq) - begin : self.offset(seq + 1) - begin]
                    if not is_whole(line) or seq_in(line) != seq:
                        raise LineDamaged(self, seq)
                    found[seq] = line
            return [found[seq] for seq in seqs]
        finally:
            os.close(fd)

    def extend(self, fd: int, *, lenient: bool) -> None:
        """Read what was appended since; ``end`` is then where the last whole batch ends.

        Args:
            fd: The file.
            lenient: Whether several batches may be missing at the end, as a power cut leaves
                them where not each append is synced.

        Raises:
            StoreDamaged: If a line is damaged that was acknowledged, or may have been.
        """
        seen = Seen.of(os.fstat(fd))
        batch: list[tuple[Mark, int]] = []
        seq, torn, ends = self.head, False, 0
        for offset, line in lines_of(fd, self.end, seen.size):
            mark = mark_in(line) if is_whole(line) else None
            if torn:
                # What follows may be the rest of the same batch, of which a page is missing.
                ends += mark is not None and mark.left == 0
                continue
            seq += 1
            if mark is None:
                torn = looks_torn(line)
            if not torn and (
                mark is None or mark.seq != seq or (batch and mark.left != batch[-1][0].left - 1)
            ):
                raise StoreDamaged(self.damage(seq))
            if mark is not None:
                batch.append((mark, offset + len(line)))
                if mark.left == 0:
                    self.add(batch)
                    self.settled = False
                    batch = []
        if ends > 1 and not lenient:
            raise StoreDamaged(self.damage(self.head + 1))
        self.seen = seen

    def damage(self, seq: int) -> str:
        """Return what to say of a message that is not what was written."""
        return (
            f"{self.path}: message {seq} is not what was written. What is before it can still be read; "
            "restore the file from a backup"
        )

    def _role_at(self, seq: int) -> str:
        number = self._bounds[seq - self.first] & _ROLE_MASK
        return ROLES[number] if number < len(ROLES) else ""

    def _candidates(self, message_id: str) -> tuple[int, ...]:
        if self._scans_left and not self._ids_noted:
            self._scans_left -= 1
            return tuple(self._scan(id_hash(message_id)))
        with self._noting:
            for seq in range(self.first + self._ids_noted, self.head + 1):
                key = self._hashes[seq - self.first]
                known = self._by_id.setdefault(key, seq)
                if known != seq:  # two ids of one hash
                    self._by_id[key] = (*(known if isinstance(known, tuple) else (known,)), seq)
                self._ids_noted += 1
        found = self._by_id.get(id_hash(message_id), ())
        return found if isinstance(found, tuple) else (found,)

    def _scan(self, key: int) -> Iterator[int]:
        """Yield where a hash stands: at first that costs less than to note them all."""
        at = -1
        while True:
            try:
                at = self._hashes.index(key, at + 1)
            except ValueError:
                return
            yield self.first + at

    def _noted_rules(self) -> list[int]:
        with self._noting:
            for seq in range(self.first + self._rules_noted, self.head + 1):
                if self._bounds[seq - self.first] & _ROLE_MASK in _RULE_CODES:
                    self._rules.append(seq)
                self._rules_noted += 1
            return self._rules


def _runs(seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of places that lie together."""
    ordered = sorted(set(seqs))
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at] != ordered[at - 1] + 1:
            yield ordered[start], ordered[at - 1]
            start = at
