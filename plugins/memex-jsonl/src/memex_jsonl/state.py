"""What a thread keeps beside its messages, read and put while the thread is held."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from memex import Conflict
from memex_jsonl.changes import Change
from memex_jsonl.names import PLANS, STATE, safe_name
from memex_jsonl.notes import put_plan, read_state, write_state
from memex_jsonl.space import Space


def get_value(space: Space, thread: str, key: str) -> bytes | None:
    """Return a value, None if there is none."""
    log = space.found(thread).header.log
    return read_state(space.folder / f"{safe_name(thread)}{STATE}", log).get(key)


def put_value(
    space: Space, thread: str, key: str, value: bytes | None, expect: bytes | UnsetType | None
) -> None:
    """Keep a value; None removes it.

    Raises:
        Conflict: If the value is not ``expect``.
    """
    with space.locks.sharing(), space.writing(thread) as writer:
        log = writer.there.header.log
        name = f"{safe_name(thread)}{STATE}"
        state = read_state(space.folder / name, log)
        if expect is not UNSET and state.get(key) != expect:
            raise Conflict(f"the value {key!r} of thread {thread!r} has changed; read it again")
        if value is None and key not in state:
            return
        state.pop(key, None)
        if value is not None:
            state[key] = bytes(value)
        with Change(space.folder) as change:
            write_state(change.draft(name), log, state)
            change.commit(durable=space.settings.full)


def keep_plan(space: Space, thread: str, head: int, body: bytes) -> int:
    """Keep a plan and return its number."""
    with space.locks.sharing(), space.writing(thread) as writer:
        header = writer.there.header
        path = space.folder / f"{safe_name(thread)}{PLANS}"
        number = put_plan(
            path,
            header.log,
            header.plan_base,
            head,
            body,
            full=space.settings.full,
            named=path.name in space.named,
        )
        space.named.add(path.name)
        return number
