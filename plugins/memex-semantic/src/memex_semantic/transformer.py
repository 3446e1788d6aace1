"""Embedders of the library sentence-transformers. Imports torch when it embeds, and not before."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memex import BadSetting, PluginError
from memex_semantic.models import MODEL, ask_hub, need, version_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_REST: Final = 60.0
"""Seconds in which a model that could not be loaded is not tried again."""
_failed: dict[tuple[str, str | None, str | None], tuple[float, str]] = {}


class TransformerEmbedder:
    """A local model of sentence-transformers.

    Its name says which model: the hub's name and revision, or a folder's name and a digest of what is in
    it, so that another model in the same folder has vectors of its own.

    Args:
        model: The hub's name of a model, or a folder.
        revision: Which revision of it on the hub, such as a commit.
        device: Such as ``"cpu"`` or ``"cuda"``; by default what is there.
        query_prompt: Put in front of a question, for models that want one, such as ``"query: "``.
        text_prompt: Put in front of what is said.
        batch: Texts that are embedded at once.

    Raises:
        PluginError: If sentence-transformers is not installed.
    """

    def __init__(
        self,
        model: str = MODEL,
        *,
        revision: str | None = None,
        device: str | None = None,
        query_prompt: str = "",
        text_prompt: str = "",
        batch: int = 32,
    ) -> None:
        need("sentence_transformers", "sentence-transformers")
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise BadSetting(f"sentence-transformers: batch is {batch!r}; it must be a whole number above 0")
        self.batch = batch
        self._model, self._revision, self._device = model, revision, device
        self._query_prompt, self._text_prompt = query_prompt, text_prompt
        if query_prompt:
            self.embed_query = self._embed_query
        self._name: str | None = None
        self._dimension: int | None = None

    @property
    def name(self) -> str:
        """Which model and with what in front."""
        if self._name is None:
            prompts = f"+{self._text_prompt!r}+{self._query_prompt!r}"
            asked = prompts if self._query_prompt or self._text_prompt else ""
            self._name = f"sentence-transformers/{version_of(self._model, self._revision)}{asked}"
        return self._name

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has; None until the model is loaded."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector for each text."""
        vectors: Sequence[Sequence[float]] = self._encoded([self._text_prompt + text for text in texts])
        return vectors

    def _embed_query(self, text: str) -> Sequence[float]:
        vector: Sequence[float] = self._encoded([self._query_prompt + text])[0]
        return vector

    def _encoded(self, texts: list[str]) -> Any:
        key = (self._model, self._revision, self._device)
        when, why = _failed.get(key, (-_REST, ""))
        if time.monotonic() < when + _REST:
            raise self._unusable(why)  # a turn must not wait each time for what was not there just now
        try:
            loaded = _load(*key)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            _failed[key] = time.monotonic(), why
            raise self._unusable(why) from error
        try:
            with loaded.lock:  # a tokenizer cannot be used by two threads at once
                vectors = loaded.model.encode(texts, batch_size=self.batch, show_progress_bar=False)
        except Exception as error:
            raise self._unusable(f"{type(error).__name__}: {error}") from error
        self._dimension = int(vectors.shape[1])
        return vectors

    def _unusable(self, why: str) -> PluginError:
        return PluginError(
            f"the model {self._model!r} of sentence-transformers cannot be used: {why}; give the folder of a "
            "model that is there, as in 'sentence-transformers:/models/all-MiniLM-L6-v2'",
            plugin="semantic",
        )


class _Loaded:
    def __init__(self, model: SentenceTransformer) -> None:
        self.model = model
        self.lock = threading.Lock()
        _LOADED.add(self)


_LOADED: weakref.WeakSet[_Loaded] = weakref.WeakSet()


def _after_fork() -> None:
    for loaded in list(_LOADED):
        loaded.lock = threading.Lock()  # a thread that this process lacks may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@lru_cache(maxsize=4)
def _load(model: str, revision: str | None, device: str | None) -> _Loaded:
    """Load a model once for all memories of a process, which takes seconds.

    What is on this machine is loaded without a word to the hub.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    bars: Any = logging  # which has no types
    shows = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()  # a window is no place for one
    try:
        try:
            found = SentenceTransformer(model, revision=revision, device=device, local_files_only=True)
        except Exception:
            if Path(model).expanduser().is_dir():
                raise  # it is here, and broken
            ask_hub(model, revision)
            found = SentenceTransformer(model, revision=revision, device=device)
        return _Loaded(found)
    finally:
        if shows:
            bars.enable_progress_bar()
