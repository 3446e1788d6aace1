"""LangChain's memory over a vector store: what ``VectorStoreRetrieverMemory`` does for each question."""

from __future__ import annotations

from typing import ClassVar

from baselines import Ordered, Row
from embedding import embed as vectors_of
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore


class MiniLm(Embeddings):
    """The comparison's model for LangChain."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of texts."""
        return [vector.tolist() for vector in vectors_of(texts)]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question."""
        return self.embed_documents([text])[0]


class VectorMemory(Ordered):
    """Each message is a document, its text as it was said."""

    embeds: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.store = InMemoryVectorStore(MiniLm())

    def append(self, message: Row) -> None:
        """Take the next message."""
        place = {"place": len(self.messages)}
        super().append(message)
        self.store.add_texts([message["content"]], metadatas=[place])

    def order(self, query: str) -> list[int]:
        """Return the places of the most similar."""
        found = self.store.as_retriever(search_kwargs={"k": 400}).invoke(query)
        return [document.metadata["place"] for document in found]
