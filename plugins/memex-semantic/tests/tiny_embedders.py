"""Embedders for plumbing: vectors that are of a text alone, and have nothing to do with its meaning."""

from __future__ import annotations

import hashlib
import threading

from memex import Provider, Unavailable, hookimpl


class Tiny:
    """A vector out of a text's digest; counts what it was asked."""

    def __init__(self, name: str = "tiny-1", dimension: int = 8, batch: int = 32) -> None:
        self.name = name
        self.dimension = dimension
        self.batch = batch
        self.asked: list[str] = []
        self.down = False
        self._lock = threading.Lock()

    def embed(self, texts):
        if self.down:
            raise Unavailable("the model is down")
        assert 0 < len(texts) <= self.batch
        assert all(text.strip() for text in texts)
        with self._lock:
            self.asked += texts
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        digest = hashlib.sha256(f"{self.name}\0{text}".encode()).digest() * (self.dimension // 16 + 1)
        return [byte / 127.5 - 1 for byte in digest[: self.dimension]]


class Apart(Tiny):
    """One that embeds questions in another way."""

    def __init__(self, name: str = "apart-1", dimension: int = 8) -> None:
        super().__init__(name, dimension)
        self.questions: list[str] = []

    def embed_query(self, text):
        self.questions.append(text)
        return self.vector(f"a question: {text}")


class Words(Tiny):
    """Counts a few words, so that likeness is what a test says it is."""

    WORDS = ("door", "red", "cat", "sea", "key")

    def __init__(self) -> None:
        super().__init__("words-1", len(self.WORDS) + 1)

    def vector(self, text: str) -> list[float]:
        said = text.lower().replace("?", " ").replace(".", " ").split()
        return [float(said.count(word)) for word in self.WORDS] + [0.1]


GIVEN: dict[str, Tiny] = {}


def given(name: str) -> Tiny:
    return GIVEN[name]


class Offers:
    """A plugin that offers embedders which a test has made, as ``given:`` and their names."""

    def __init__(self, *embedders: Tiny) -> None:
        GIVEN.update({embedder.name: embedder for embedder in embedders})

    @hookimpl
    def memex_embedders(self):
        return [Provider("given", "tiny_embedders:given", "One of a test's own")]
