"""Turns: what the batteries append, and how they look at what is left of it.

A turn is a batch of two, a user's message and the answer, that must be there together or not at
all. The ids say everything about the text, so whoever finds a message knows what it should hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from memex import Entry, MemexError, Message, Store, UnknownThread
from memex._message import Role
from memex.testing._batteries.tally import Tally

THREAD = "battery"
FAULTS = ("lost", "unreadable", "duplicate", "half")
_ROLES: tuple[Role, ...] = ("user", "assistant")
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def turn(writer: str, number: int, size: int = 20) -> list[Message]:
    """Return a writer's turn of this number, two messages of about ``size`` bytes, always the same."""
    return _messages(f"{writer}.{number}.{size}")


def name_of(messages: Collection[Message]) -> str:
    """Return the name of a turn: writer, number and size, with dots between."""
    return next(iter(messages)).id.rpartition(".")[0]


def _messages(name: str) -> list[Message]:
    _, number, size = name.rsplit(".", 2)
    created = _BEGINNING + timedelta(seconds=int(number))
    return [
        Message.of(role, _text(f"{name} {role}", int(size)), id=f"{name}.{role}", created=created)
        for role in _ROLES
    ]


def _text(words: str, size: int) -> str:
    return (words + " kraken" * (size // 7 + 1))[: max(size, len(words))]


def examine(
    store: Store, tally: Tally, acknowledged: Collection[str], *, thread: str = THREAD, sound: bool = True
) -> list[str]:
    """Compare what a store holds with what it acknowledged; return the turns that are there, in order.

    Args:
        store: The store, opened after whatever happened to it.
        tally: Takes the faults.
        acknowledged: Names of the turns whose append returned.
        thread: Where they were appended.
        sound: Whether :meth:`memex.Store.check` is asked too.
    """
    try:
        entries = list(store.entries(thread))
        problems = store.check() if sound else []
    except UnknownThread:
        entries, problems = [], []
    except MemexError as error:
        tally.fault("unreadable", f"the whole thread: {type(error).__name__}: {error}")
        return []
    for problem in problems:
        tally.fault("unsound", problem)
    if [entry.seq for entry in entries] != list(range(1, len(entries) + 1)):
        tally.fault("gaps", f"numbers {[entry.seq for entry in entries][:20]}")
    names = _whole_turns(entries, tally)
    present = set(names)
    for name in acknowledged:
        if name not in present:
            tally.fault("lost", name)
    return names


def _whole_turns(entries: list[Entry], tally: Tally) -> list[str]:
    counts = Counter(entry.message.id for entry in entries)
    for message_id, count in counts.items():
        if count > 1:
            tally.fault("duplicate", message_id)
    names: list[str] = []
    asked: str | None = None
    for entry in entries:
        name, _, role = entry.message.id.rpartition(".")
        if not _as_written(entry.message, name):
            tally.fault("unreadable", f"message {entry.seq}, {entry.message.id!r}, is not what was written")
        if role == "assistant" and asked == name:
            names.append(name)
            asked = None
            continue
        for torn in (asked, name if role == "assistant" else None):
            if torn is not None:
                tally.fault("half", torn)
        asked = name if role == "user" else None
    if asked is not None:
        tally.fault("half", asked)
    return names


def _as_written(message: Message, name: str) -> bool:
    try:
        return message in _messages(name)
    except ValueError:
        return False


def examine_order(names: list[str], tally: Tally, *, among: Collection[str] | None = None) -> None:
    """Look whether each writer's turns stand in the order in which it appended them."""
    last: dict[str, int] = {}
    for name in names:
        if among is not None and name not in among:
            continue
        writer, number, _ = name.rsplit(".", 2)
        if int(number) <= last.get(writer, -1):
            tally.fault("out of order", name)
        last[writer] = max(int(number), last.get(writer, -1))
