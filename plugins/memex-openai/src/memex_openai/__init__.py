"""OpenAI's models, and every server that speaks OpenAI's API."""

from __future__ import annotations

from memex import Provider, hookimpl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memex_openai.remembering import remember as remember
    from memex_openai.remembering import turn_of as turn_of


@hookimpl
def memex_backends() -> list[Provider]:
    """Offer ``openai``: Chat Completions and Responses, of OpenAI and of every compatible server."""
    return [Provider("openai", "memex_openai.backend:openai", "OpenAI and every OpenAI-compatible server")]


@hookimpl
def memex_counters() -> list[Provider]:
    """Offer ``openai``: the encodings of OpenAI's models, offline."""
    return [Provider("openai", "memex_openai.counter:openai_counter", "Exact tokens of OpenAI's encodings")]


@hookimpl
def memex_embedders() -> list[Provider]:
    """Offer ``openai``: OpenAI's embeddings, and those of every compatible server."""
    return [Provider("openai", "memex_openai.embedder:openai_embedder", "OpenAI's embedding models")]


def __getattr__(name: str) -> Any:
    if name not in ("remember", "turn_of"):
        raise AttributeError(f"module 'memex_openai' has no attribute {name!r}")
    from memex_openai import remembering

    return getattr(remembering, name)
