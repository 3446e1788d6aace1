"""Cohere's embeddings, of documents and of questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from memex import BackendError, BadSetting, Event, Usage
from memex.wire import Attempt, wire_settings
from memex_cohere.clients import ADDRESS, connection, options
from memex_cohere.faults import PROVIDER, error_in_body

_DIMENSIONS: Final[Mapping[str, int]] = {
    "embed-v4.0": 1536,
    "embed-english-v3.0": 1024,
    "embed-multilingual-v3.0": 1024,
    "embed-english-light-v3.0": 384,
    "embed-multilingual-light-v3.0": 384,
}


class CohereEmbedder:
    """Embeds texts by Cohere's endpoint: as ``search_document``, and questions as ``search_query``.

    A text that is longer than the model takes is cut at its end by Cohere. Thread-safe.

    Args:
        model: Name of the model.
        dimension: How many numbers a vector has, for models that can give fewer (``embed-v4.0``: 256, 512,
            1024 or 1536); the model's own by default.
        **wire: The settings of every backend over a wire; see :class:`memex.wire.WireSettings`.

    Attributes:
        name: ``"cohere:MODEL"``, with ``/`` and the dimension where that is not the model's own.
        batch: Most texts in one call.

    Raises:
        BadSetting: If a setting is unknown or of the wrong type.
    """

    batch = 96

    def __init__(self, model: str = "embed-v4.0", *, dimension: int | None = None, **wire: Any) -> None:
        if not model:
            raise BadSetting(f"{PROVIDER}: which model? Write its name, as in {PROVIDER}:embed-v4.0")
        own = _DIMENSIONS.get(model)
        self._asked = None if dimension in (None, own) else dimension
        self.name = f"{PROVIDER}:{model}" if self._asked is None else f"{PROVIDER}:{model}/{dimension}"
        self._model = model
        self._dimension = dimension or own
        self._connection = connection(model, wire_settings(PROVIDER, wire, url_environment=ADDRESS))

    def __repr__(self) -> str:
        """Name what it is for."""
        return f"CohereEmbedder({self._model!r})"

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has; None until the first answer of a model that is not known."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text, as documents to be found.

        Raises:
            BackendError: If the endpoint fails.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(texts), self.batch):
            vectors += self._ask(list(texts[start : start + self.batch]), "search_document")
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question.

        Raises:
            BackendError: If the endpoint fails.
        """
        return self._ask([text], "search_query")[0]

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        self._connection.close()

    def _ask(self, texts: list[str], kind: str) -> list[list[float]]:
        found: list[list[float]] = []
        caller = self._connection.caller()
        tokens = sum(map(len, texts)) if caller.limits is not None else 0
        for _ in caller.stream(partial(self._call, texts, kind, found), tokens=tokens, whole=True):
            pass
        if found:
            self._dimension = len(found[0])
        return found

    def _call(
        self, texts: list[str], kind: str, found: list[list[float]], attempt: Attempt
    ) -> Iterator[Event]:
        params: dict[str, Any] = {
            "model": self._model,
            "texts": texts,
            "input_type": kind,
            "embedding_types": ["float"],
            "truncate": "END",
        }
        if self._asked is not None:
            params["output_dimension"] = self._asked
        embed = self._connection.clients.blocking().with_raw_response.embed
        response = embed(**params, request_options=options(attempt.timeouts)).response
        body = response.json()
        vectors = _vectors(body)
        if vectors is None:
            raise error_in_body(body, model=self._model, headers=dict(response.headers))
        if len(vectors) != len(texts):
            raise BackendError(f"{self.name} gave {len(vectors)} vectors for {len(texts)} texts; ask again")
        found[:] = vectors
        billed = ((body.get("meta") or {}).get("billed_units") or {}).get("input_tokens") or 0
        yield Event(kind="finish", finish="stop", usage=Usage(input_tokens=int(billed)))


def _vectors(body: Any) -> list[list[float]] | None:
    """Return the vectors of an answer; None where it is no answer."""
    embeddings = body.get("embeddings") if isinstance(body, Mapping) else None
    floats = embeddings.get("float") if isinstance(embeddings, Mapping) else None
    return floats if isinstance(floats, list) else None
