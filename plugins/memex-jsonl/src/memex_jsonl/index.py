"""The index beside a thread's file: where each message begins, so that opening parses none of them.

Records of 24 bytes, each three numbers of 64 bits: the offset with the message's role and whether it
was on the disk; a hash of its id; and a checksum of all that is before it in the index. The first record
says to which log the index belongs. An index is never trusted: one that does not fit is made again
from the log, and what is read through it is checked against the log's own numbers and checksums.
"""

from __future__ import annotations

import os
import sys
from array import array
from binascii import crc32
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from memex_jsonl.files import open_file, read_at, read_file, write_at

_RECORD: Final = 24
_MAGIC: Final = int.from_bytes(b"memexid1", "little")
ROLES: Final = ("system", "developer", "user", "assistant", "tool")
FORGOTTEN: Final = 8
SYNCED: Final = 16
ENDS: Final = 32
FLAG_BITS: Final = 8
_ROLE_OF: Final = {role: number for number, role in enumerate(ROLES)}


class Kept(NamedTuple):
    """What an index holds.

    Attributes:
        places: For each message ``offset << 8 | flags``.
        hashes: For each message the hash of its id.
        synced: Whether all of this was on the disk when it was written.
    """

    places: array[int]
    hashes: array[int]
    synced: bool


def flags_of(role: str, *, forgotten: bool, ends: bool) -> int:
    """Return the flags of a message; a role that is new to this version counts as the last.

    Args:
        role: Its role.
        forgotten: Whether it is a tombstone.
        ends: Whether its batch ends with it.
    """
    return _ROLE_OF.get(role, 7) | (FORGOTTEN if forgotten else 0) | (ENDS if ends else 0)


def read_index(path: Path, log: str | None, rewritten: int = 0) -> Kept | None:
    """Return what an index holds, None if it is missing, damaged or another log's.

    Args:
        path: The index.
        log: The log's name; None for whichever.
        rewritten: How many times the log was written anew.
    """
    data = read_file(path)
    if data is None or len(data) < _RECORD:
        return None
    data = data[: len(data) - len(data) % _RECORD]
    words = _words(data)
    if words[0] != _MAGIC or crc32(data[:-8]) != words[-1] & 0xFFFFFFFF:
        return None
    if log is not None and data[:_RECORD] != _first(log, rewritten):
        return None
    places, hashes = words[3::3], words[4::3]
    while places and not places[-1] & ENDS:  # its writer died before it had noted the whole batch
        places.pop()
        hashes.pop()
    return Kept(places, hashes, bool(places[-1] & SYNCED) if places else True)


def is_synced(path: Path, log: str, rewritten: int, last: int, count: int) -> bool:
    """Tell whether an index says that all of a log was on the disk.

    Args:
        path: The index.
        log: The log's name.
        rewritten: How many times the log was written anew.
        last: Where its last message begins.
        count: How many messages it has.
    """
    try:
        fd = open_file(path)
    except FileNotFoundError:
        return False
    try:
        if os.fstat(fd).st_size != _RECORD * (count + 1) or read_at(fd, _RECORD, 0) != _first(log, rewritten):
            return False
        place = int.from_bytes(read_at(fd, 8, _RECORD * count), "little")
        return count == 0 or (place >> FLAG_BITS == last and bool(place & SYNCED))
    finally:
        os.close(fd)


def extend_index(
    path: Path, log: str, rewritten: int, places: Sequence[int], hashes: Sequence[int], *, synced: bool
) -> None:
    """Bring an index up to what is in the log. It is not synced: a lost one is made again.

    Args:
        path: The index.
        log: The log's name.
        rewritten: How many times the log was written anew.
        places: Where each message begins, with its flags; there may be more than hashes.
        hashes: The hash of each message's id.
        synced: Whether all of it is on the disk.

    Raises:
        OSError: If it cannot be written; the old one then stands, or is found damaged.
    """
    fd = open_file(path, write=True, create=True)
    try:
        size, first = os.fstat(fd).st_size, _first(log, rewritten)
        there = size // _RECORD - 1
        if size % _RECORD == 0 and 0 <= there <= len(hashes) and read_at(fd, _RECORD, 0) == first:
            last = read_at(fd, 8, size - 8)
            check = crc32(last, int.from_bytes(last[:4], "little"))
            data = bytearray()
        else:
            os.ftruncate(fd, 0)
            there, size, check = 0, 0, crc32(first)
            data = bytearray(first)
        flag = SYNCED if synced else 0
        for number in range(there, len(hashes)):
            record = (places[number] | flag).to_bytes(8, "little") + hashes[number].to_bytes(8, "little")
            check = crc32(record, check)
            tail = check.to_bytes(8, "little")
            data += record + tail
            check = crc32(tail, check)
        if data:
            write_at(fd, bytes(data), size)
    finally:
        os.close(fd)


def _first(log: str, rewritten: int) -> bytes:
    start = _MAGIC.to_bytes(8, "little") + int(log, 16).to_bytes(8, "little")
    return start + crc32(start).to_bytes(4, "little") + rewritten.to_bytes(4, "little")


def _words(data: bytes) -> array[int]:
    words = array("Q")
    words.frombytes(data)
    if sys.byteorder == "big":  # pragma: no cover - the file is little-endian everywhere
        words.byteswap()
    return words
