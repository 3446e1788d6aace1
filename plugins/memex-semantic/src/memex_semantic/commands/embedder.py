"""Whose vectors a command works with: those of ``--embedder``, else of the memory's chain."""

from __future__ import annotations

from typing import Any

import click

from memex import BadSetting, Memex
from memex_semantic.embeddings import Embeddings
from memex_semantic.policy import PIECE
from memex_semantic.sharing import DEFAULT, embeddings_for

embedder_option = click.option(
    "--embedder", metavar="SPEC", help="By default that of the chain's policy 'semantic'."
)


def embeddings_of(memory: Memex, embedder: Any = None) -> Embeddings:
    """Return the vectors that the policy ``semantic`` of a memory's chain ranks by, or by a given embedder.

    Args:
        memory: The memory.
        embedder: Its name, with settings; by default what the chain says, or the default one.
    """
    settings = next((link.settings for link in memory.chain if link.name == "semantic"), {})
    chosen = embedder or settings.get("embedder") or settings.get("") or DEFAULT
    piece = settings.get("piece", PIECE)
    if not isinstance(piece, int):
        raise BadSetting(f"semantic: piece is {piece!r}; it must be a whole number")
    return embeddings_for(chosen, piece, memory)
