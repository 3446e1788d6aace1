"""``SQLChatMessageHistory`` of LangChain on SQLite, as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_community.chat_message_histories import SQLChatMessageHistory
from langchain_shapes import shaped
from talk import Said


class History:
    """One session in one file."""

    messages_per_append = 1

    def __init__(self, folder: Path, thread: str) -> None:
        self.history = SQLChatMessageHistory(thread, connection=f"sqlite:///{folder / 'history.db'}")

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return messages."""
        return [shaped(one) for one in said]

    def append(self, unit: Any) -> None:
        """Append one message."""
        self.history.add_message(unit)

    def load(self, units: list[Any]) -> None:
        """Append a batch."""
        self.history.add_messages(units)

    def tail(self, count: int, how: str) -> int:  # noqa: ARG002
        """Read the newest messages; there is only a list of all."""
        return len(self.history.messages[-count:])

    def iterate(self, how: str) -> int:  # noqa: ARG002
        """Read every message; there is only a list of all."""
        return len(self.history.messages)

    def close(self) -> None:
        """Close the file."""
        self.history.engine.dispose()
