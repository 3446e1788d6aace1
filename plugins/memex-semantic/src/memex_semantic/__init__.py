"""Brings older messages back by their meaning."""

from __future__ import annotations

from memex import Provider, hookimpl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from memex import Receipt, Thread


@hookimpl
def memex_policies() -> list[Provider]:
    """Offer ``semantic``, which ranks older messages by how near they are to the question."""
    return [
        Provider(
            "semantic", "memex_semantic.policy:semantic", "Ranks older messages by meaning, with embeddings"
        )
    ]


@hookimpl
def memex_embedders() -> list[Provider]:
    """Offer the two kinds of local embedders; each needs the extra of its name."""
    return [
        Provider(
            "sentence-transformers",
            "memex_semantic.transformer:TransformerEmbedder",
            "Local models of the library sentence-transformers",
        ),
        Provider("model2vec", "memex_semantic.static:StaticEmbedder", "Small static vectors, without torch"),
    ]


@hookimpl
def memex_commands() -> list[Provider]:
    """Offer the commands ``embed`` and ``about``."""
    return [
        Provider("embed", "memex_semantic.commands.embed:command", "Embed what has no vectors yet"),
        Provider("about", "memex_semantic.commands.about:command", "Show what was said about something"),
    ]


@hookimpl
def memex_message_stored(handle: Thread | None = None) -> None:
    """Have the message embedded in the background, where the thread's chain ranks by meaning."""
    if handle is None or not handle.memex.background:
        return
    from memex_semantic.following import notice

    notice(handle)


@hookimpl
def memex_messages_forgotten(receipt: Receipt, handle: Thread | None = None) -> Mapping[str, int] | None:
    """Erase the vectors that are in memory; those in a store the store has erased already."""
    from memex_semantic.following import forget

    erased = forget(receipt, None if handle is None else handle.memex)
    return {"vectors": erased} if erased else None
