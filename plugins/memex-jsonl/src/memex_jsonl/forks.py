"""Threads made of others: forks, and threads as another store had them. Each is there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import msgspec

from memex import (
    Entry,
    InvalidMessage,
    StoredPlan,
    ThreadExists,
    ThreadImage,
    ThreadInfo,
    UnknownMessage,
    UnknownThread,
    checked_entries,
    checked_plans,
    encode_message,
)
from memex_jsonl.changes import Change
from memex_jsonl.lines import VERSION, Header, counter_json, line_of, message_line
from memex_jsonl.log import Log
from memex_jsonl.messages import info, locate
from memex_jsonl.names import INDEX, LOG, PLANS, STATE, VECTORS, new_log, safe_name
from memex_jsonl.notes import plan_lines, plans_back, read_state, write_state
from memex_jsonl.space import Space

_MOST = 1 << 62


def fork(space: Space, thread: str, new: str, at: int | None) -> ThreadInfo:
    """Open ``new`` as a continuation of ``thread`` after message ``at``: a first line, and the state.

    Raises:
        UnknownThread: If ``thread`` is not there.
        ThreadExists: If ``new`` is.
        UnknownMessage: If ``at`` is not between 0 and the head.
    """
    with space.locks.alone(), Change(space.folder) as change:
        parent = space.found(thread)
        space.lineage(parent)  # where a part is missing, a fork would only be one more that misses it
        name = safe_name(new)
        if space.log(name) is not None:
            raise ThreadExists(f"there is a thread {new!r} already; choose another id for the fork")
        at = parent.head if at is None else at
        if not 0 <= at <= parent.head:
            raise UnknownMessage(f"thread {thread!r} has messages 1 to {parent.head}, none at {at}")
        shared = next((plan.number for plan in shown_plans(space, parent, head=at)), 0)
        created = datetime.now(UTC).isoformat()
        header = Header(
            VERSION,
            new,
            new_log(),
            created,
            thread,
            parent.header.log,
            at,
            plan_base=shared,
            shared_plans=shared,
        )
        state = read_state(space.folder / f"{safe_name(thread)}{STATE}", parent.header.log)
        _begin(space, change, name, header, state)
        change.commit()
        space.discard(name)
        return info(space, space.found(new))


def image(space: Space, thread: str) -> ThreadImage:
    """Return what :func:`restore` needs besides the thread's own messages and plans."""
    log = space.found(thread)
    state = read_state(space.folder / f"{safe_name(thread)}{STATE}", log.header.log)
    return ThreadImage(info(space, log), log.header.plan_base, space.origin(log)[2], state)


def restore(
    space: Space, image: ThreadImage, entries: Iterable[Entry], plans: Iterable[StoredPlan]
) -> ThreadInfo:
    """Make a thread exactly as another store had it.

    Everything is written to drafts as it comes, while others work on; only then it gets its place.
    """
    name = safe_name(image.info.id)
    with Change(space.folder) as change:
        parent = space.read(lambda: _parent_of_new(space, name, image))
        header = Header(
            VERSION,
            image.info.id,
            new_log(),
            image.info.created.astimezone(UTC).isoformat(),
            image.info.parent,
            parent.header.log if parent else None,
            image.info.forked_at or 0,
            image.plan_base,
            image.shared_plans,
        )
        ids = _write_messages(change, name, header, image, entries)
        _write_plans(change, name, header, checked_plans(image, plans))
        if image.state:
            state = {key: bytes(value) for key, value in image.state.items()}
            write_state(change.draft(f"{name}{STATE}"), header.log, state)
        with space.locks.alone():
            parent = _parent_of_new(space, name, image)
            if (parent.header.log if parent else None) != header.parent_log:
                raise UnknownThread(f"the thread {image.info.parent!r} was forgotten; nothing was restored")
            _check_shared(space, image, parent, ids)
            change.commit()
            space.discard(name)
            return info(space, space.found(image.info.id))


def shown_plans(space: Space, log: Log, *, below: int = _MOST, head: int = _MOST) -> Iterator[StoredPlan]:
    """Yield the plans of a thread, newest first, then those that it shares with its parents.

    Read a page at a time: the newest is often all that is wanted.
    """
    at: Log | None = log
    limit = 1
    while at is not None:
        header, stop = at.header, None
        path = at.path.with_name(at.path.name.removesuffix(LOG) + PLANS)
        while stop != 0:
            page, stop = plans_back(
                path,
                header.log,
                stop,
                below=below,
                head=head,
                limit=limit,
                lenient=not space.settings.full,
            )
            yield from page
            limit = min(64, limit * 4)
        below, head = min(below, header.shared_plans + 1), min(head, header.forked_at)
        at = space.read(partial(space.parent, at))


def _parent_of_new(space: Space, name: str, image: ThreadImage) -> Log | None:
    if space.log(name) is not None:
        raise ThreadExists(f"there is a thread {image.info.id!r} already; nothing was restored")
    return None if image.info.parent is None else space.found(image.info.parent)


def _begin(space: Space, change: Change, name: str, header: Header, state: dict[str, bytes]) -> None:
    change.draft(f"{name}{LOG}").write(line_of(header))
    if state:
        write_state(change.draft(f"{name}{STATE}"), header.log, state)
    for ending in (INDEX, PLANS, VECTORS) if state else (INDEX, PLANS, VECTORS, STATE):
        if (space.folder / f"{name}{ending}").exists():
            change.remove(f"{name}{ending}")


def _write_messages(
    change: Change, name: str, header: Header, image: ThreadImage, entries: Iterable[Entry]
) -> set[str]:
    """Write a thread's own messages and return their ids."""
    draft = change.draft(f"{name}{LOG}")
    draft.write(line_of(header))
    ids: set[str] = set()
    pending: list[bytes] = []
    for entry in checked_entries(image, entries):
        message = entry.message
        if message.id in ids:
            raise InvalidMessage(
                f"thread {image.info.id!r}: the id {message.id!r} is there twice; nothing was restored"
            )
        ids.add(message.id)
        body = encode_message(message)
        pending.append(message_line(entry.seq, 0, entry.tokens, counter_json(entry.counter), body))
        if len(pending) >= 256:
            draft.write(b"".join(pending))
            pending = []
    draft.write(b"".join(pending))
    return ids


def _write_plans(change: Change, name: str, header: Header, plans: Iterator[StoredPlan]) -> None:
    first = next(plans, None)
    if first is not None:
        draft = change.draft(f"{name}{PLANS}")
        for line in plan_lines(header.log, (plan for some in ([first], plans) for plan in some)):
            draft.write(line)


def _check_shared(space: Space, image: ThreadImage, parent: Log | None, ids: set[str]) -> None:
    """Raise if what a restored thread shares is not there, or has one of its own ids."""
    thread, forked_at = image.info.id, image.info.forked_at or 0
    if forked_at > (parent.head if parent else 0):
        raise InvalidMessage(f"thread {thread!r}: its parent is too short; nothing was restored")
    if parent is None:
        return
    spans = [(log, min(upto, forked_at)) for log, upto in space.lineage(parent)]
    twice = next((one for one in ids if locate(spans, one)), None)
    if twice is not None:
        raise InvalidMessage(f"thread {thread!r}: the id {twice!r} is there twice; nothing was restored")


def copy_header(header: Header, **changed: object) -> Header:
    """Return the first line of a file that is written anew."""
    return msgspec.structs.replace(header, rewritten=header.rewritten + 1, left=0, **changed)
