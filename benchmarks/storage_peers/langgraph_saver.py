"""LangGraph's ``SqliteSaver`` under a graph of one node, as it comes.

A message is appended with ``update_state``, which costs less than running the graph.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from langchain_shapes import shaped
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import MessagesState, StateGraph
from talk import Said


class Saver:
    """One thread of checkpoints in one file."""

    messages_per_append = 1

    def __init__(self, folder: Path, thread: str) -> None:
        self.db = sqlite3.connect(folder / "checkpoints.db", check_same_thread=False, timeout=30)
        graph = StateGraph(MessagesState)
        graph.add_node("talk", lambda _: {})
        graph.set_entry_point("talk")
        graph.set_finish_point("talk")
        self.graph = graph.compile(checkpointer=SqliteSaver(self.db))
        self.config: Any = {"configurable": {"thread_id": thread}}

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return messages."""
        return [shaped(one) for one in said]

    def append(self, unit: Any) -> None:
        """Append one message: one checkpoint."""
        self.load([unit])

    def load(self, units: list[Any]) -> None:
        """Append a batch: one checkpoint."""
        self.graph.update_state(self.config, {"messages": units}, as_node="talk")

    def tail(self, count: int, how: str) -> int:  # noqa: ARG002
        """Read the newest messages; there is only the whole state."""
        return len(self.graph.get_state(self.config).values["messages"][-count:])

    def iterate(self, how: str) -> int:  # noqa: ARG002
        """Read every message; there is only the whole state."""
        return len(self.graph.get_state(self.config).values["messages"])

    def close(self) -> None:
        """Close the file."""
        self.db.close()
