"""Forgetting: files are written anew with tombstones, and take the place of the old ones together."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from memex import Message, Receipt, UnknownMessage
from memex_jsonl.changes import Change, Draft
from memex_jsonl.embedded import erase
from memex_jsonl.files import open_file, read_at
from memex_jsonl.forks import copy_header
from memex_jsonl.lines import Header, buried, entry_in, line_of
from memex_jsonl.log import Log
from memex_jsonl.messages import locate
from memex_jsonl.names import INDEX, LOG, PLANS, STATE, ghost_name, safe_name
from memex_jsonl.notes import count_plans, read_state
from memex_jsonl.space import Space

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COPY = 1 << 20
Place = tuple[Log, int]


def forget_messages(space: Space, thread: str, ids: Sequence[str]) -> Receipt:
    """Make messages tombstones in every thread that shares them.

    Raises:
        UnknownMessage: If the thread lacks one of them.
    """
    with space.locks.alone(), Change(space.folder) as change:
        own = space.found(thread)
        spans = space.lineage(own)
        places: list[Place] = []
        for message_id in dict.fromkeys(ids):
            place = locate(spans, message_id)
            if place is None:
                raise UnknownMessage(
                    f"thread {thread!r} has no message {message_id!r}; nothing was forgotten"
                )
            places.append(place)
        erased = [(log, seq) for log, seq in places if not log.is_forgotten(seq)]
        forks = _sharers(space, erased, but=own)
        touched = {log.header.log: log for log, _ in erased}
        embedded = 0
        for name, log in touched.items():
            gone = {seq for other, seq in erased if other.header.log == name}
            _write_anew(change.draft(log.path.name), log, copy_header(log.header), log.head, gone)
            change.remove(_beside(log, INDEX))
            embedded += erase(space, change, log, lambda seq, _, gone=gone: seq not in gone)  # type: ignore[misc]
        if touched:
            change.commit()
        for log in touched.values():
            space.index_again(log)
        counts = {"messages": len(erased), "index": len(erased), "files": len(touched)}
        return Receipt(
            thread=thread,
            messages=tuple(sorted(seq for _, seq in places)),
            whole_thread=False,
            places=counts | ({"vectors": embedded} if embedded else {}),
            forks=forks,
        )


def forget_thread(space: Space, thread: str) -> Receipt:
    """Take a thread out; its forks go on with tombstones of what they shared."""
    with space.locks.alone(), Change(space.folder) as change:
        own = space.found(thread)
        header, name = own.header, safe_name(thread)
        seqs = tuple(range(space.origin(own)[1] + 1, own.head + 1))
        erased = [(own, seq) for seq in range(own.first, own.head + 1) if not own.is_forgotten(seq)]
        forks = _sharers(space, erased[:1], but=own)
        places = {
            "messages": len(erased),
            "index": len(erased),
            "state": len(read_state(space.folder / f"{name}{STATE}", header.log)),
            "plans": count_plans(space.folder / f"{name}{PLANS}", header.log, header.plan_base),
        }
        if embedded := erase(space, change, own, lambda _seq, _name: False):
            places["vectors"] = embedded
        headers = space.headers()
        children = [one for one in headers.values() if one.parent_log == header.log]
        if children:
            last = max(header.forked_at, *(child.forked_at for child in children))
            ghost = change.draft(f"{ghost_name(header.log)}{LOG}")
            left = set(range(own.first, last + 1))
            _write_anew(ghost, own, copy_header(header, thread="", forgotten=True), last, left)
        else:
            _remove_unshared(space, change, own, headers)
        for ending in (LOG, INDEX, PLANS, STATE):
            if (space.folder / f"{name}{ending}").exists():
                change.remove(f"{name}{ending}")
        places["files"] = 1
        change.commit()
        space.discard(name)
        return Receipt(thread, seqs, True, places, forks)


def _sharers(space: Space, places: Sequence[Place], *, but: Log) -> tuple[str, ...]:
    """Return the ids of the threads that share any of ``places``, without one of them."""
    if not places:
        return ()
    first: dict[str, int] = {}
    for log, seq in places:
        first[log.header.log] = min(seq, first.get(log.header.log, seq))
    headers = space.headers()
    names = [
        header.thread
        for header in headers.values()
        if header.log != but.header.log and not header.forgotten and _shares(headers, header, first)
    ]
    return tuple(sorted(names))


def _shares(headers: Mapping[str, Header], header: Header, first: Mapping[str, int]) -> bool:
    """Tell whether a thread has any of the places, given the first of each log."""
    at: Header | None = header
    upto = 1 << 62
    while at is not None:
        if upto >= first.get(at.log, upto + 1):
            return True
        upto = min(upto, at.forked_at)
        at = headers.get(at.parent_log or "")
    return False


def _remove_unshared(space: Space, change: Change, gone: Log, headers: Mapping[str, Header]) -> None:
    """Remove the tombstones that only a log that goes had looked at, and theirs likewise."""
    parent = space.parent(gone)
    while parent is not None and parent.header.forgotten:
        name = parent.header.log
        if any(one.parent_log == name and one.log != gone.header.log for one in headers.values()):
            return
        change.remove(parent.path.name)
        if (space.folder / _beside(parent, INDEX)).exists():
            change.remove(_beside(parent, INDEX))
        space.discard(parent.path.name.removesuffix(LOG))
        gone, parent = parent, space.parent(parent)


def _write_anew(draft: Draft, log: Log, header: Header, last: int, gone: Collection[int]) -> None:
    """Write a log up to a message with tombstones in some places; the other lines stay as they are."""
    draft.write(line_of(header))
    seq = log.first
    for stop in [*sorted(gone), last + 1]:
        _copy(draft, log, seq, stop)
        if stop <= last:
            (line,) = log.lines([stop])
            message = entry_in(line).message
            tombstone = Message(role=message.role, id=message.id, status="forgotten", created=_EPOCH)
            draft.write(buried(line, tombstone, alone=header.forgotten))
        seq = stop + 1


def _copy(draft: Draft, log: Log, first: int, stop: int) -> None:
    if first >= stop:
        return
    at, end = log.offset(first), log.offset(stop)
    fd = open_file(log.path)
    try:
        while at < end:
            data = read_at(fd, min(_COPY, end - at), at)
            draft.write(data)
            at += len(data) or end
    finally:
        os.close(fd)


def _beside(log: Log, ending: str) -> str:
    return log.path.name.removesuffix(LOG) + ending
