"""``HistoryManager`` of memexllm with its ``SQLiteStorage``, as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from memexllm.core import HistoryManager
from memexllm.storage import SQLiteStorage
from talk import Said


class History:
    """One thread in one file."""

    messages_per_append = 1

    def __init__(self, folder: Path, thread: str) -> None:  # noqa: ARG002 - it names its threads itself
        self.storage = SQLiteStorage(str(folder / "memexllm.db"))
        self.history = HistoryManager(self.storage)
        self.thread = self.history.create_thread().id

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return roles and texts; it makes its messages itself."""
        return [(one.text, one.role) for one in said]

    def append(self, unit: Any) -> None:
        """Append one message."""
        self.history.add_message(self.thread, *unit)

    def load(self, units: list[Any]) -> None:
        """Append several messages; there is no batch."""
        for unit in units:
            self.append(unit)

    def tail(self, count: int, how: str) -> int:  # noqa: ARG002
        """Read the newest messages."""
        return len(self.storage.get_thread(self.thread, message_limit=count).messages)

    def iterate(self, how: str) -> int:  # noqa: ARG002
        """Read every message; there is only the whole thread."""
        return len(self.history.get_thread(self.thread).messages)

    def close(self) -> None:
        """Nothing stays open."""
