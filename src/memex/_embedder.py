"""What an embedder is: texts to vectors, and the checks that every call of one goes through."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, runtime_checkable

from memex._errors import MemexError, PluginError

BATCH: Final = 32
"""How many texts an embedder is given at once, where it does not say."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors, so that texts of like meaning lie close by their cosine.

    ``embed`` is enough. An embedder may also have ``embed_query(text) -> Sequence[float]``, where a
    question is embedded in another way than what is said (an instruction in front of it, another
    ``input_type``); the number ``batch``, the most texts it takes in one call, 32 where it has none; and
    ``close()``, which may be called twice.

    The host gives it no empty text and no empty batch. A text that is longer than the model takes is cut
    short by the embedder, not refused. Vectors are any sequences of numbers - lists, tuples, numpy
    rows - and need not be of length one. Errors are :class:`~memex.MemexError` only: those of
    :class:`~memex.BackendError` where a provider is asked. Methods may be called from any thread.

    Attributes:
        name: Changes when the vectors do: with the model, its revision, the dimension that was asked
            for, such as ``"minilm-l6-v2"``. Vectors are kept under it.
        dimension: How many numbers a vector has; None until that is known, from the first answer on.
    """

    name: str

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has, None until that is known."""

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector for each text, in the same order."""


def embed_texts(embedder: Embedder, texts: Sequence[str]) -> list[bytes]:
    """Return a vector for each text, as little-endian float32, asked for in batches and checked.

    Args:
        embedder: The embedder.
        texts: What to embed; none is empty.

    Raises:
        PluginError: If the embedder raised, or what it gave is no vector for each text.
        MemexError: What the embedder itself raises of memex's errors.
    """
    size = _batch_of(embedder)
    vectors: list[bytes] = []
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        answer = _ask(embedder, embedder.embed, batch)
        count = _length(answer)
        if count != len(batch):
            raise _wrong(embedder, f"gave {_number(count)} vectors for {len(batch)} texts")
        vectors += [_packed(embedder, vector) for vector in answer]
    _check_dimensions(embedder, vectors)
    return vectors


def embed_query(embedder: Embedder, text: str) -> bytes:
    """Return the vector of a question: by ``embed_query`` where there is one; as :func:`embed_texts`."""
    ask: Callable[[str], Sequence[float]] | None = getattr(embedder, "embed_query", None)
    if ask is None:
        return embed_texts(embedder, [text])[0]
    vector = _packed(embedder, _ask(embedder, ask, text))
    _check_dimensions(embedder, [vector])
    return vector


def pack_vector(vector: Sequence[float]) -> bytes:
    """Return a vector as stores keep it: little-endian float32, one after the other."""
    numbers = array("f", vector)
    if sys.byteorder != "little":  # pragma: no cover
        numbers.byteswap()
    return numbers.tobytes()


def unpack_vector(data: bytes) -> tuple[float, ...]:
    """Return the numbers that :func:`pack_vector` packed."""
    numbers = array("f", data)
    if sys.byteorder != "little":  # pragma: no cover
        numbers.byteswap()
    return tuple(numbers)


def _batch_of(embedder: Embedder) -> int:
    size = getattr(embedder, "batch", BATCH)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise _wrong(embedder, f"takes batches of {size!r}, which is no number of texts")
    return size


def _ask(embedder: Embedder, method: Callable[[Any], Any], what: object) -> Any:
    try:
        return method(what)
    except MemexError:
        raise
    except (Exception, SystemExit) as error:
        raise _wrong(embedder, f"failed: {type(error).__name__}: {error}") from error


def _packed(embedder: Embedder, vector: Any) -> bytes:
    try:
        numbers = array("f", list(vector))
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(embedder, f"gave a {type(vector).__name__} that is no vector: {error}") from error
    if not numbers:
        raise _wrong(embedder, "gave a vector without numbers")
    # A sum of this many floats cannot overflow a double, so it is finite only if all of them are.
    if not math.isfinite(sum(numbers)):
        raise _wrong(embedder, "gave a vector with a number that is not finite (NaN or infinity)")
    return pack_vector(numbers)


def _check_dimensions(embedder: Embedder, vectors: Sequence[bytes]) -> None:
    found = sorted({len(vector) // 4 for vector in vectors})
    said = embedder.dimension
    if len(found) > 1:
        raise _wrong(embedder, f"gave vectors of {found[0]} and of {found[-1]} numbers")
    if found and said is not None and found[0] != said:
        raise _wrong(embedder, f"gave vectors of {found[0]} numbers, and says that they have {said}")


def _length(answer: Any) -> int:
    try:
        return len(answer)
    except TypeError:
        return -1


def _number(count: int) -> str:
    return "no" if count < 1 else str(count)


def _wrong(embedder: Embedder, what: str) -> PluginError:
    name = str(getattr(embedder, "name", type(embedder).__name__))
    return PluginError(f"embedder {name!r} {what}", plugin=name)
