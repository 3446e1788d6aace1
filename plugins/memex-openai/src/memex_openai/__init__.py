"""OpenAI's models, and every server that speaks OpenAI's API."""

from __future__ import annotations

from memex import Provider, hookimpl


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
