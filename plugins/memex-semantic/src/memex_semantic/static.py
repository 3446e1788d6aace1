"""Static embeddings by the library model2vec: a vector a token, averaged. No torch, and very fast."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from memex import PluginError
from memex_semantic.models import ask_hub, is_at_hand, need, version_of

MODEL: Final = "minishlab/potion-base-8M"


class StaticEmbedder:
    """A static model of model2vec: hundreds of times faster than a transformer, and not as good.

    Args:
        model: The hub's name of a model, or a folder.

    Raises:
        PluginError: If model2vec is not installed.
    """

    batch = 1024

    def __init__(self, model: str = MODEL) -> None:
        need("model2vec", "model2vec")
        self._model = model
        self._name: str | None = None
        self._dimension: int | None = None

    @property
    def name(self) -> str:
        """Which model."""
        if self._name is None:
            self._name = f"model2vec/{version_of(self._model, None)}"
        return self._name

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has; None until the model is loaded."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector for each text."""
        try:
            vectors: Any = _load(self._model).encode(list(texts), use_multiprocessing=False)
        except Exception as error:
            raise PluginError(
                f"the model {self._model!r} of model2vec cannot be used: {type(error).__name__}: {error}; "
                "give the folder of a model that is there, as in 'model2vec:/models/potion-base-8M'",
                plugin="semantic",
            ) from error
        self._dimension = int(vectors.shape[1])
        found: Sequence[Sequence[float]] = vectors
        return found


@lru_cache(maxsize=4)
def _load(model: str) -> Any:
    from model2vec import StaticModel

    if not is_at_hand(model):
        ask_hub(model)
    return StaticModel.from_pretrained(model)
