"""LlamaIndex's ``Memory`` as it comes: the newest messages under its token limit."""

from __future__ import annotations

from baselines import Row
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory


class LlamaMemory:
    """A memory of one conversation."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def append(self, message: Row) -> None:
        """Take the next message."""
        self.rows.append(message)

    def select(self, _query: str, budget: int) -> list[str]:
        """Return the ids of what its ``get`` gives, newest first."""
        memory = Memory.from_defaults(
            session_id="t", token_limit=budget, token_flush_size=max(1, budget // 10)
        )
        # The newest are enough: it would move the others out, one batch after the other.
        for row in self.rows[-(budget // 8) :]:
            memory.put(ChatMessage(row["content"], role=row["role"], additional_kwargs={"id": row["id"]}))
        kept = [
            message.additional_kwargs["id"] for message in memory.get() if "id" in message.additional_kwargs
        ]
        return kept[::-1]
