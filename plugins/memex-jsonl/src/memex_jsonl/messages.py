"""The log of a thread: appending messages, reading them back, forking."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import NamedTuple

from memex import Appended, Conflict, Entry, Message, ThreadInfo, UnknownThread
from memex_jsonl.lines import VERSION, Header, Mark, body_in, entry_in, message_line
from memex_jsonl.log import Log
from memex_jsonl.names import LOG, new_log
from memex_jsonl.space import Space

_FIRST_PAGE = 16
_LARGEST_PAGE = 512
_PAGE_BYTES = 1 << 20


class Draft(NamedTuple):
    """A message that is to be stored."""

    message: Message
    body: bytes
    tokens: int


def new_header(thread: str, left: int = 0) -> Header:
    """Return the first line of a new thread, with which ``left`` messages are written."""
    return Header(VERSION, thread, new_log(), datetime.now(UTC).isoformat(), left=left)


def info(space: Space, log: Log) -> ThreadInfo:
    """Return a thread as a user sees it."""
    parent, forked_at, _ = space.origin(log)
    created = datetime.fromisoformat(log.header.created)
    if parent is None:
        return ThreadInfo(log.header.thread, log.head, created)
    return ThreadInfo(log.header.thread, log.head, created, parent.header.thread, forked_at)


def open_thread(space: Space, thread: str) -> ThreadInfo:
    """Return a thread, opened now if it is new."""
    with space.locks.sharing(), space.writing(thread, create=True) as writer:
        if writer.log is not None:
            writer.settle(writer.log)
        return info(space, writer.log or writer.create(new_header(thread), []))


def append(
    space: Space,
    thread: str,
    drafts: Sequence[Draft],
    counter: str | None,
    as_json: bytes,
    expect: int | None,
) -> Appended:
    """Append a batch.

    Args:
        space: The namespace.
        thread: The thread's id.
        drafts: What to append.
        counter: Name of the counter.
        as_json: The same as JSON.
        expect: The head it must have.

    Raises:
        Conflict: If the head is not ``expect``, or an id is there with other content.
    """
    if expect:
        space.read(lambda: _check_there(space, thread, expect))
    with space.locks.sharing(), space.writing(thread, create=True) as writer:
        log = writer.log
        head = log.head if log else 0
        if expect is not None and expect != head:
            raise _moved_on(thread, head, expect)
        spans = space.lineage(log) if log else []
        known = [already_there(spans, draft, thread) for draft in drafts]
        left = known.count(None)
        entries, batch = [], []
        for entry, (message, body, tokens) in zip(known, drafts, strict=True):
            if entry is not None:
                entries.append(entry)
                continue
            head, left = head + 1, left - 1
            entries.append(Entry(head, message, tokens, counter))
            line = message_line(head, left, tokens, as_json, body)
            batch.append((Mark(head, message.id, message.role, left, message.status), line))
        if log is None:
            writer.create(new_header(thread, len(batch)), batch)
        elif batch:
            writer.append(log, batch)
        else:
            writer.settle(log)
        return Appended(tuple(entries), head, len(batch))


def _check_there(space: Space, thread: str, expect: int) -> None:
    try:
        space.found(thread)
    except UnknownThread:
        raise _moved_on(thread, 0, expect) from None


def _moved_on(thread: str, head: int, expect: int) -> Conflict:
    return Conflict(f"thread {thread!r} is at {head}, not at {expect}; read it again")


def already_there(spans: Sequence[tuple[Log, int]], draft: Draft, thread: str) -> Entry | None:
    """Return the entry that holds a message already, None if the thread has none of its id.

    Raises:
        Conflict: If it has one, with other content.
    """
    place = locate(spans, draft.message.id)
    if place is None:
        return None
    log, seq = place
    (line,) = log.lines([seq])
    if body_in(line) == draft.body:
        return entry_in(line)
    why = "was forgotten" if log.is_forgotten(seq) else "has other content"
    raise Conflict(f"message {draft.message.id!r} of thread {thread!r} {why}; nothing was appended")


def locate(spans: Sequence[tuple[Log, int]], message_id: str) -> tuple[Log, int] | None:
    """Return where a thread has a message, None if it has not."""
    for log, upto in spans:
        entry = log.find(message_id, upto)
        if entry is not None:
            return log, entry.seq
    return None


def get(space: Space, thread: str, ids: Sequence[str]) -> list[Entry]:
    """Return the entries of these ids, in the order asked, without the missing ones."""
    spans = space.lineage(space.found(thread))
    found = (next(filter(None, (log.find(one, upto) for log, upto in spans)), None) for one in ids)
    return [entry for entry in found if entry is not None]


class Stretch(NamedTuple):
    """Messages of one log that a reader wants, named so that it is found when it was rewritten.

    Attributes:
        thread: Id of the thread that is read.
        name: The file's name.
        log: The log.
        own: Whether it is the thread's own.
        first: The first message.
        last: The last one.
    """

    thread: str
    name: str
    log: str
    own: bool
    first: int
    last: int


def stretches(space: Space, thread: str, start: int, stop: int | None) -> list[Stretch]:
    """Return where the messages of a thread between two places lie, newest first."""
    own = space.found(thread)
    last = own.head if stop is None else min(stop, own.head)
    found = [
        Stretch(
            thread,
            log.path.name.removesuffix(LOG),
            log.header.log,
            log is own,
            max(start, log.first),
            min(last, upto),
        )
        for log, upto in space.lineage(own)
    ]
    return [stretch for stretch in found if stretch.first <= stretch.last]


def read(
    space: Space, wanted: Sequence[Stretch], roles: Collection[str] | None, *, reverse: bool
) -> Iterator[list[Entry]]:
    """Yield the messages of these stretches, given in reading order, a page at a time.

    Raises:
        UnknownThread: If the thread is forgotten while it is read.
    """
    size = _FIRST_PAGE
    for whole in wanted:
        left = whole
        while left.first <= left.last:
            page = space.read(partial(_page, space, left, roles, size, reverse))
            if not page:
                break
            yield page
            last = page[-1].seq
            left = left._replace(last=last - 1) if reverse else left._replace(first=last + 1)
            size = min(size * 2, _LARGEST_PAGE)


def _page(
    space: Space, stretch: Stretch, roles: Collection[str] | None, size: int, reverse: bool
) -> list[Entry]:
    log = space.by_log(stretch.name, stretch.log)
    if log is None or (stretch.own and log.header.forgotten):
        raise UnknownThread(f"thread {stretch.thread!r} was forgotten while it was read")
    seqs: list[int] = []
    room = _PAGE_BYTES
    for seq in islice(log.select(stretch.first, stretch.last, roles, reverse=reverse), size):
        room -= log.bytes_of(seq)
        if seqs and room < 0:
            break
        seqs.append(seq)
    return [entry_in(line) for line in log.lines(seqs)]
