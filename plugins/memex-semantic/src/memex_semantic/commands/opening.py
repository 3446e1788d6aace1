"""Opens what a command works on: the memory, and the vectors of ``--embedder``, else of its chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from memex import BadSetting, Memex
from memex.commands import memory_settings, open_memory
from memex_semantic.embeddings import Embeddings
from memex_semantic.policy import PIECE
from memex_semantic.sharing import DEFAULT, embeddings_for

embedder_option = click.option(
    "--embedder", metavar="SPEC", help="By default that of the chain's policy 'semantic'."
)


@contextmanager
def open_for_vectors() -> Iterator[Memex]:
    """Open the memory that is meant; its model is never called.

    Without a chain in the settings it has none: the default chain leaves ``semantic`` out while the
    default model is not on this machine, and says so, which is what such a command is about to mend.
    """
    chain: dict[str, Any] = {} if "chain" in memory_settings() else {"chain": []}
    with open_memory(backend=None, **chain) as memory:
        yield memory


def embeddings_of(memory: Memex, embedder: Any = None) -> Embeddings:
    """Return the vectors that the policy ``semantic`` of a memory's chain ranks by, or by a given embedder.

    Args:
        memory: The memory.
        embedder: Its name, with settings; by default what the chain says, or the default one.
    """
    settings = next(_settings(memory), {})
    return _made(embedder or _embedder(settings), settings, memory)


def embeddings_of_chain(memory: Memex) -> list[Embeddings]:
    """Return the vectors that a memory's chain ranks by: one for each ``semantic`` in it."""
    return [_made(_embedder(settings), settings, memory) for settings in _settings(memory)]


def _settings(memory: Memex) -> Iterator[Mapping[str, Any]]:
    return (link.settings for link in memory.chain if link.name == "semantic")


def _embedder(settings: Mapping[str, Any]) -> Any:
    return settings.get("embedder") or settings.get("") or DEFAULT


def _made(embedder: Any, settings: Mapping[str, Any], memory: Memex) -> Embeddings:
    piece = settings.get("piece", PIECE)
    if not isinstance(piece, int):
        raise BadSetting(f"semantic: piece is {piece!r}; it must be a whole number")
    return embeddings_for(embedder, piece, memory)
