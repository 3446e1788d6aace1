"""LlamaIndex's ``Memory``: the newest messages as it comes, and what its ``VectorMemoryBlock`` retrieves."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from baselines import Ordered, Row
from embedding import embed
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory, VectorMemoryBlock
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import AsyncQdrantClient


class LlamaMemory:
    """A memory of one conversation without blocks."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.kept: dict[tuple[int, int], list[str]] = {}

    def append(self, message: Row) -> None:
        """Take the next message."""
        self.rows.append(message)

    def select(self, _query: str, budget: int) -> list[str]:
        """Return the ids of what its ``get`` gives, newest first."""
        asked = (len(self.rows), budget)
        if asked not in self.kept:
            self.kept[asked] = self.newest(budget)
        return self.kept[asked]

    def newest(self, budget: int) -> list[str]:
        """Return the same; it does not depend on the question."""
        memory = Memory.from_defaults(
            session_id="t", token_limit=budget, token_flush_size=max(1, budget // 10)
        )
        # The newest are enough: it would move the others out, one batch after the other.
        first, tokens = len(self.rows), 0
        while first and tokens < 2 * budget:
            first -= 1
            tokens += self.rows[first]["tokens"]
        for row in self.rows[first:]:
            memory.put(ChatMessage(row["content"], role=row["role"], additional_kwargs={"id": row["id"]}))
        kept = [
            message.additional_kwargs["id"] for message in memory.get() if "id" in message.additional_kwargs
        ]
        return kept[::-1]


class MiniLm(BaseEmbedding):
    """The comparison's model for LlamaIndex."""

    def _get_text_embedding(self, text: str) -> list[float]:
        vector: list[float] = embed([text])[0].tolist()
        return vector

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class Seen(BaseNodePostprocessor):
    """Notes what was retrieved."""

    texts: ClassVar[list[str]] = []

    def _postprocess_nodes(self, nodes: list[Any], query_bundle: Any = None) -> list[Any]:  # noqa: ARG002
        Seen.texts[:] = [node.get_content() for node in nodes]
        return nodes


class LlamaVectors(Ordered):
    """The vector block of a memory. Each message is put by itself, so that each is a node of its own.

    A memory would put them in batches, and keep most of the budget for the newest.
    """

    embeds: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.block = VectorMemoryBlock(
            vector_store=QdrantVectorStore("c", aclient=AsyncQdrantClient(":memory:")),
            embed_model=MiniLm(),
            similarity_top_k=400,
            node_postprocessors=[Seen()],
        )
        self.places: dict[str, list[int]] = {}

    @staticmethod
    def embedded(message: Row) -> str:
        """Return what the block makes of a message."""
        return f"<message role='{message['role']}'>{message['content']}</message>"

    def append(self, message: Row) -> None:
        """Take the next message."""
        said = self.embedded(message)
        self.places.setdefault(said, []).append(len(self.messages))
        super().append(message)
        self.loop.run_until_complete(
            self.block.aput(
                [ChatMessage(message["content"], role=message["role"])], from_short_term_memory=True
            )
        )

    def order(self, query: str) -> list[int]:
        """Return the places of the most similar."""
        Seen.texts.clear()
        self.loop.run_until_complete(self.block.aget([ChatMessage(query)]))
        return [place for said in dict.fromkeys(Seen.texts) for place in self.places[said]]
