"""``SQLiteSession`` of the OpenAI Agents SDK, as it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from agents import SQLiteSession
from talk import Said


class Session:
    """One session in one file. Its methods are coroutines; they run on one event loop."""

    messages_per_append = 1

    def __init__(self, folder: Path, thread: str) -> None:
        self.runner = asyncio.Runner()
        self.session = SQLiteSession(thread, folder / "sessions.db")

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return input items."""
        return [_item(one) for one in said]

    def append(self, unit: Any) -> None:
        """Append one item."""
        self.runner.run(self.session.add_items([unit]))

    def load(self, units: list[Any]) -> None:
        """Append a batch."""
        self.runner.run(self.session.add_items(units))

    def tail(self, count: int, how: str) -> int:  # noqa: ARG002
        """Read the newest items."""
        return len(self.runner.run(self.session.get_items(limit=count)))

    def iterate(self, how: str) -> int:  # noqa: ARG002
        """Read every item; there is only a list of all."""
        return len(self.runner.run(self.session.get_items()))

    def close(self) -> None:
        """Close the file."""
        self.session.close()
        self.runner.close()


def _item(said: Said) -> dict[str, Any]:
    if said.role == "tool":
        return {"type": "function_call_output", "call_id": said.call, "output": said.text}
    if said.call:
        return {"type": "function_call", "call_id": said.call, "name": "lookup", "arguments": said.text}
    return {"role": said.role, "content": said.text}
