"""Opening a thread's file: from its index if that fits, else by reading it all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from memex import StoreDamaged
from memex_jsonl.index import FLAG_BITS, Kept, read_index
from memex_jsonl.lines import Header, header_in, is_whole, lines_of, looks_torn, mark_in
from memex_jsonl.log import Log
from memex_jsonl.names import id_hash

_LONGEST_HEADER: Final = 1 << 14


def load(path: Path, fd: int, index: Path | None, *, lenient: bool) -> Log | None:
    """Return a log as its file and its index have it, None if the file has no whole header yet.

    Args:
        path: The file.
        fd: The file, open.
        index: Its index; None to do without.
        lenient: As in :meth:`Log.extend`; so it is where the index says that not all was synced.

    Raises:
        StoreDamaged: If what was acknowledged is damaged or missing.
    """
    line = first_line(path, fd)
    if line is None:
        kept = read_index(index, None) if index is not None else None
        if kept is not None and kept.synced:
            raise StoreDamaged(_lost(path))
        return None
    header, start = header_in(line, str(path)), len(line)
    kept = read_index(index, header.log, header.rewritten) if index is not None else None
    lenient = lenient or (kept is not None and not kept.synced)
    end = _end_of(fd, header, kept) if kept is not None and kept.places else start
    if kept is not None and end is None:
        if kept.synced:
            raise StoreDamaged(_lost(path))
        kept = None
    log = Log(path, header, line, start if kept is None or end is None else end, kept)
    log.settled = kept is not None and kept.synced
    log.extend(fd, lenient=lenient)
    if log.head - header.forked_at < header.left:
        return None  # its writer died before the first batch was whole
    return log


def first_line(path: Path, fd: int) -> bytes | None:
    """Return a file's first line, None if it has no whole one yet.

    Raises:
        StoreDamaged: If it is another program's, or damaged.
    """
    size = os.fstat(fd).st_size
    _, line = next(lines_of(fd, 0, min(size, _LONGEST_HEADER)), (0, b""))
    if is_whole(line):
        return line
    if looks_torn(line) and not any(is_whole(other) for _, other in lines_of(fd, len(line), size)):
        return None
    raise StoreDamaged(f"{path} does not begin as a thread's file does; it was left untouched")


def _end_of(fd: int, header: Header, kept: Kept) -> int | None:
    """Return where the last message of an index ends, None if the log has another one there."""
    at = kept.places[-1] >> FLAG_BITS
    _, line = next(lines_of(fd, at, max(at, os.fstat(fd).st_size)), (at, b""))
    mark = mark_in(line) if is_whole(line) else None
    if mark is None or mark.left or mark.seq != header.forked_at + len(kept.places):
        return None
    return at + len(line) if id_hash(mark.id) == kept.hashes[-1] else None


def _lost(path: Path) -> str:
    return (
        f"{path}: what was acknowledged at its end is damaged or missing. Restore the file from a backup; "
        f"if this is an older copy on purpose, remove {path.name.removesuffix('.jsonl')}.idx beside it"
    )
