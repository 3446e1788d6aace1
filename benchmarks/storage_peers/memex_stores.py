"""Stores of memex, through their public promises: no policies, no model, counts given."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from talk import Said

from memex import Memex, Message, SearchableStore, ToolCall

BEGAN = datetime(2026, 1, 8, 8, 47, tzinfo=UTC)


def message(said: Said) -> Message:
    """Return a message as memex has it."""
    created = BEGAN + timedelta(seconds=said.number, microseconds=said.number % 999_983)
    if said.role == "tool":
        return Message.tool(said.call, said.text, created=created)
    if said.call:
        return Message.assistant(ToolCall(id=said.call, name="lookup", arguments=said.text), created=created)
    return Message.of("user" if said.role == "user" else "assistant", said.text, created=created)


class MemexStore:
    """A store that a plugin offers."""

    messages_per_append = 1

    def __init__(self, folder: Path, thread: str, *, use: str, **settings: Any) -> None:
        where = "" if use == "inmemory" else str(folder / "chats")
        self.memory = Memex({"use": f"{use}:{where}", **settings})
        self.store = self.memory.store
        self.cannot = () if isinstance(self.store, SearchableStore) else ("search",)
        self.thread = thread

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return messages with what they cost."""
        return [(message(one), len(one.text) // 4) for one in said]

    def append(self, unit: Any) -> None:
        """Append one message."""
        one, tokens = unit
        self.store.append(self.thread, [one], tokens=[tokens], counter="benchmark")

    def load(self, units: list[Any]) -> None:
        """Append a batch."""
        messages, tokens = zip(*units, strict=True)
        self.store.append(self.thread, messages, tokens=tokens, counter="benchmark")

    def tail(self, count: int, how: str) -> int:  # noqa: ARG002
        """Read the newest messages."""
        return len(list(itertools.islice(self.store.entries(self.thread, reverse=True), count)))

    def iterate(self, how: str) -> int:  # noqa: ARG002
        """Read the whole thread, keeping nothing."""
        return sum(1 for _ in self.store.entries(self.thread))

    def search(self, words: list[str], whole: bool) -> int:
        """Find the best ten."""
        thread = None if whole else self.thread
        return len(self.store.search(" ".join(words), thread=thread, limit=10))  # type: ignore[attr-defined]

    def use(self, thread: str) -> None:
        """Go on in another thread."""
        self.thread = thread

    def close(self) -> None:
        """Close the file."""
        self.memory.close()


class MemexThread:
    """What a program calls: ``thread.append``, with the host's checks and its counter."""

    messages_per_append = 1

    def __init__(self, folder: Path, thread: str, *, use: str, **settings: Any) -> None:
        self.memory = Memex({"use": f"{use}:{folder / 'chats'}", **settings})
        self.thread = self.memory.thread(thread)

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return messages."""
        return [message(one) for one in said]

    def append(self, unit: Any) -> None:
        """Append one message."""
        self.thread.append([unit])

    def load(self, units: list[Any]) -> None:
        """Append a batch."""
        self.thread.append(units)

    def close(self) -> None:
        """Close the file."""
        self.memory.close()
