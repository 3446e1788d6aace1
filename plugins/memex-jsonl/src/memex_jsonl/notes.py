"""What is kept beside a thread's messages: state, and plans.

State is a small file that is replaced as a whole, so that no old value stays behind. Plans are lines
in a file of their own, read from its end: between the messages they would be in a reader's way.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from memex import StoreDamaged, StoredPlan
from memex_jsonl.changes import Draft
from memex_jsonl.files import open_file, read_at, read_file, sync, sync_folder, write_at
from memex_jsonl.lines import VERSION, is_whole, line_of, lines_of, looks_torn

_BLOCK = 1 << 15
_STEP = 1 << 13


class _Header(msgspec.Struct, frozen=True):
    format: int = msgspec.field(name="memex-jsonl")
    kind: str
    log: str


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    key: str
    text: str | UnsetType = UNSET
    base64: str | UnsetType = UNSET


class _Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    number: int
    head: int
    plan: msgspec.Raw | UnsetType = UNSET
    text: str | UnsetType = UNSET
    base64: str | UnsetType = UNSET


class _Number(msgspec.Struct, frozen=True):
    number: int = 0


def read_state(path: Path, log: str) -> dict[str, bytes]:
    """Return a thread's values by key.

    Raises:
        StoreDamaged: If the file is not what was written.
    """
    data = read_file(path)
    if not data:
        return {}
    first, *rest = (line + b"\n" for line in data.removesuffix(b"\n").split(b"\n"))
    if _decoded(first, _Header, path).log != log:
        return {}  # of a thread that had this name before
    values = (_decoded(line, _Value, path) for line in rest)
    return {value.key: _bytes_of(value.text, value.base64) for value in values}


def write_state(draft: Draft, log: str, state: Mapping[str, bytes]) -> None:
    """Write a thread's values into a draft of its file."""
    draft.write(line_of(_Header(VERSION, "state", log)))
    for key, value in sorted(state.items()):
        draft.write(line_of(_Value(key, **_words(value))))


def plan_lines(log: str, plans: Iterable[StoredPlan]) -> Iterator[bytes]:
    """Yield the lines of a file of plans."""
    yield line_of(_Header(VERSION, "plans", log))
    for plan in plans:
        yield _plan_line(plan)


def put_plan(path: Path, log: str, base: int, head: int, body: bytes, *, full: bool, named: bool) -> int:
    """Keep a plan and return its number; the caller holds the thread.

    Args:
        path: The file of plans.
        log: The thread's log.
        base: The number before the thread's own first plan.
        head: The newest message when it was made.
        body: The plan.
        full: Whether to sync it.
        named: Whether the file's name is known to be on the disk.
    """
    fd = open_file(path, write=True, create=True)
    try:
        if not full and not named:
            _cut_at_hole(fd, path)
        size, last = _settled_end(fd, path, log)
        number = (last.number if last else base) + 1
        lines = [_plan_line(StoredPlan(number, head, body))]
        if size == 0:
            lines.insert(0, line_of(_Header(VERSION, "plans", log)))
        if os.fstat(fd).st_size > size:
            os.ftruncate(fd, size)
            sync(fd)
        try:
            write_at(fd, b"".join(lines), size)
            if full or size == 0:
                sync(fd)
                if size == 0 or not named:
                    sync_folder(path.parent)
        except BaseException:
            os.ftruncate(fd, size)
            raise
        return number
    finally:
        os.close(fd)


def plans_back(
    path: Path, log: str, stop: int | None, *, below: int, head: int, limit: int, lenient: bool = False
) -> tuple[list[StoredPlan], int]:
    """Return a log's own plans, newest first, and where the next page ends.

    Args:
        path: The file of plans.
        log: The log.
        stop: Where to begin reading backwards; None for the end.
        below: Only numbers below this.
        head: Only plans made at this message or before.
        limit: At most this many.
        lenient: Whether plans may be missing before the last, as a power cut leaves them where not
            each is synced: then those after them are left out, too.
    """
    found: list[StoredPlan] = []
    try:
        fd = open_file(path)
    except FileNotFoundError:
        return found, 0
    try:
        if stop is None or not _is_of(fd, path, log):
            stop, last = _settled_end(fd, path, log)
            if last is not None and last.number >= below:
                stop = _end_below(fd, stop, below)
        for offset, line in _lines_back(fd, stop):
            stop = offset
            if offset == 0 or len(found) >= limit:
                break
            if lenient and not is_whole(line) and looks_torn(line):
                found.clear()
                continue
            plan = _decoded(line, _Plan, path)
            if plan.number < below and plan.head <= head:
                found.append(_stored(plan))
                if len(found) >= limit:
                    break
        return found, stop
    finally:
        os.close(fd)


def count_plans(path: Path, log: str, base: int) -> int:
    """Return how many plans a log has of its own."""
    newest, _ = plans_back(path, log, None, below=1 << 62, head=1 << 62, limit=1)
    return newest[0].number - base if newest else 0


def _settled_end(fd: int, path: Path, log: str) -> tuple[int, _Plan | None]:
    """Return where the last whole line ends, and its plan; 0 if the file is another thread's."""
    if not _is_of(fd, path, log):
        return 0, None
    size = os.fstat(fd).st_size
    end = size
    for offset, line in _lines_back(fd, size):
        if is_whole(line):
            return end, _decoded(line, _Plan, path) if offset else None
        if not looks_torn(line):
            raise StoreDamaged(f"{path}: the plan at byte {offset} is not what was written")
        end = offset
    return 0, None


def _end_below(fd: int, stop: int, below: int) -> int:
    """Return an offset from which on all plans have ``below`` or a higher number, near the first of them."""
    start = 0
    while stop - start > _BLOCK:
        # The line that begins next after the middle; the one that the middle is in comes first.
        following = lines_of(fd, (start + stop) // 2, stop, _STEP)
        next(following, None)
        offset, line = next(following, (stop, b""))
        if not is_whole(line):
            break  # one line is longer than that, or not what was written: the reader will see
        if msgspec.json.decode(line, type=_Number).number < below:
            start = offset
        else:
            stop = offset
    return stop


def _cut_at_hole(fd: int, path: Path) -> None:
    """Cut off what a power cut left behind a plan that is missing."""
    for offset, line in lines_of(fd, 0, os.fstat(fd).st_size):
        if not is_whole(line) and looks_torn(line):
            os.ftruncate(fd, offset)
            sync(fd)
            return
        if not is_whole(line):
            raise StoreDamaged(f"{path}: the plan at byte {offset} is not what was written")


def _is_of(fd: int, path: Path, log: str) -> bool:
    """Tell whether a file of plans is this log's; one without a whole beginning is nobody's."""
    first, newline, _ = read_at(fd, 1024, 0).partition(b"\n")
    if not newline or b"\0" in first:
        return False
    return bool(_decoded(first + newline, _Header, path).log == log)


def _lines_back(fd: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """Yield ``(offset, line)`` from ``stop`` back to the beginning."""
    kept = b""
    at = stop
    while at > 0:
        begin = max(0, at - _BLOCK)
        data = read_at(fd, at - begin, begin) + kept
        cut = data.rfind(b"\n", 0, len(data) - 1)
        while cut >= 0:
            yield begin + cut + 1, data[cut + 1 :]
            data = data[: cut + 1]
            cut = data.rfind(b"\n", 0, len(data) - 1)
        kept, at = data, begin
    if kept:
        yield 0, kept


def _plan_line(plan: StoredPlan) -> bytes:
    body = bytes(plan.body)
    if body[:1] == b"{" and b"\n" not in body and _is_json(body):
        return line_of(_Plan(plan.number, plan.head, plan=msgspec.Raw(body)))
    return line_of(_Plan(plan.number, plan.head, **_words(body)))


def _stored(plan: _Plan) -> StoredPlan:
    if plan.plan is not UNSET:
        return StoredPlan(plan.number, plan.head, bytes(plan.plan))
    return StoredPlan(plan.number, plan.head, _bytes_of(plan.text, plan.base64))


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
        body.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return b"\0" not in body and b"\r" not in body and body[-1:] == b"}"


def _words(value: bytes) -> dict[str, Any]:
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def _bytes_of(text: str | UnsetType, base64: str | UnsetType) -> bytes:
    if text is not UNSET:
        return text.encode()
    return b"" if base64 is UNSET else b64decode(base64)


def _decoded(line: bytes, kind: type[Any], path: Path) -> Any:
    try:
        if is_whole(line):
            return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError:
        pass
    raise StoreDamaged(f"{path} is not what was written; restore it from a backup")
