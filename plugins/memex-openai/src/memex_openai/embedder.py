"""OpenAI's embeddings, and those of every server that has the same endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from memex import BackendError, BadSetting, Event, ScriptCounter
from memex.wire import Attempt, Caller, Clients, RateLimits, WireSettings, wire_settings
from memex_openai.clients import clients_for
from memex_openai.connecting import key_for, limits_for, resolve
from memex_openai.faults import refused_setting, told_error, typed
from memex_openai.presets import Address

if TYPE_CHECKING:
    import openai

_DIMENSIONS: Final = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
_LONGEST: Final = 8191  # tokens that OpenAI's models read of a text


class OpenAIEmbedder:
    """Texts to vectors, by a server.

    A text that is longer than the model reads is cut. It may be used from several threads.

    Args:
        address: Which model, where.
        dimensions: How many numbers the vectors are to have; None for the model's own number.
        batch: Texts to a call.
        longest: Tokens that the model reads of a text.
        wire: Deadlines, tries, limits, key.
        clients: The SDK's clients.
        limits: Makes the limits of requests and tokens, when the first call is made.

    Attributes:
        name: Of the model and its dimensions; vectors of different names cannot be compared.
        batch: Texts to a call.
    """

    def __init__(
        self,
        address: Address,
        *,
        dimensions: int | None,
        batch: int,
        longest: int,
        wire: WireSettings,
        clients: Clients[openai.OpenAI, openai.AsyncOpenAI],
        limits: Callable[[], RateLimits | None],
    ) -> None:
        self.name = f"openai:{address.label}" + (f":{dimensions}" if dimensions else "")
        self.batch = batch
        self.address = address
        self._asked = dimensions
        self._dimension = dimensions or (_DIMENSIONS.get(address.model) if address.official else None)
        self._longest = longest
        self._wire = wire
        self._clients = clients
        self._limits = limits
        self._counter = ScriptCounter()

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has; None until that is known, from the first answer on."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text, in the same order.

        Raises:
            BackendError: If the server gives none.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(texts), self.batch):
            vectors += self._ask([self._cut(text) for text in texts[start : start + self.batch]])
        return vectors

    def close(self) -> None:
        """Close the connections. Closing twice is allowed."""
        self._clients.close()

    def _ask(self, texts: list[str]) -> list[list[float]]:
        got: list[list[list[float]]] = []
        limits = self._limits()
        body: dict[str, Any] = {
            "model": self.address.model,
            "input": texts,
            "encoding_format": "float",  # numbers as they are: not every server knows base64
        }
        if self._asked is not None:
            body["dimensions"] = self._asked

        def attempt(one: Attempt) -> Iterator[Event]:
            fields = {name: value for name, value in body.items() if name not in one.dropped}
            got[:] = [self._call(fields, len(texts), one)]
            yield Event(kind="finish", finish="stop")

        caller = Caller(
            provider="openai",
            model=self.address.label,
            translate=lambda error: typed(self.address, error),
            retries=self._wire.retries,
            deadlines=self._wire.deadlines,
            limits=limits,
            refused=refused_setting,
            droppable=("encoding_format",),
            endpoint=self.address.base_url,
        )
        tokens = sum(map(self._counter.count_text, texts)) if limits is not None else 0
        for _ in caller.stream(attempt, tokens=tokens, settings=("encoding_format",), whole=True):
            pass
        vectors = got[0]
        if vectors:
            self._dimension = self._dimension or len(vectors[0])
        return vectors

    def _call(self, body: Mapping[str, Any], count: int, one: Attempt) -> list[list[float]]:
        import httpx2
        import msgspec

        timeout = httpx2.Timeout(one.timeouts.read, connect=one.timeouts.connect)
        # Not embeddings.create: that one asks for base64 where nothing is said, which not every server knows.
        response = self._clients.blocking().post(
            "/embeddings", cast_to=httpx2.Response, body=dict(body), options={"timeout": timeout}
        )
        one.got(response.headers)
        try:
            answer = msgspec.json.decode(response.content)
        except msgspec.DecodeError as error:
            raise BackendError(
                f"openai ({self.address.label}): {self.address.base_url} did not answer with JSON; "
                "check base_url"
            ) from error
        return self._vectors(answer, count)

    def _vectors(self, answer: Any, count: int) -> list[list[float]]:
        told = answer if isinstance(answer, dict) else {}
        if told.get("error"):
            raise told_error(self.address, told["error"], told)
        rows = [row for row in told.get("data") or () if isinstance(row, dict)]
        places = [row.get("index", place) for place, row in enumerate(rows)]
        vectors = [row.get("embedding") for row in rows]
        if sorted(map(str, places)) != sorted(map(str, range(count))) or not all(map(_is_vector, vectors)):
            raise BackendError(
                f"openai ({self.address.label}): {count} texts were sent, and there is no vector for each; "
                "is this an embedding model?"
            )
        ordered = dict(zip(places, vectors, strict=True))
        return [ordered[place] for place in range(count)]

    def _cut(self, text: str) -> str:
        """Return as much of a text as the model surely reads."""
        if len(text) <= self._longest // 4 or self._counter.count_text(text) <= self._longest:
            return text
        low, high = self._longest // 4, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._counter.count_text(text[:middle]) <= self._longest:
                low = middle
            else:
                high = middle - 1
        return text[:low]


def openai_embedder(
    model: str = "text-embedding-3-small",
    *,
    preset: str | None = None,
    dimensions: int | None = None,
    batch: int = 32,
    longest: int = _LONGEST,
    key_environment: str | None = None,
    host: object = None,
    **wire: Any,
) -> OpenAIEmbedder:
    """Return the embedder of a model.

    Args:
        model: ``MODEL``, ``MODEL@preset`` or ``MODEL@http://host/v1``.
        preset: Name of the server's dialect, where the address does not tell.
        dimensions: How many numbers the vectors are to have, where the model lets one choose.
        batch: Texts to a call.
        longest: Tokens that the model reads of a text; what is longer is cut.
        key_environment: Environment variable that holds the key, instead of the usual ones.
        host: The Memex, whose store counts calls for other processes where that is asked for.
        **wire: The settings that all backends over a wire take.

    Raises:
        BadSetting: If one of them makes no sense.
    """
    for name, value in (("dimensions", dimensions), ("batch", batch), ("longest", longest)):
        if value is not None and value < 1:
            raise BadSetting(f"openai: {name} is {value!r}; it must be at least 1")
    shared = wire_settings("openai", wire)
    address, environment = resolve(model, preset, shared.base_url, key_environment, shared.login)
    key = key_for(address, shared.api_key, environment)
    return OpenAIEmbedder(
        address,
        dimensions=dimensions,
        batch=batch,
        longest=longest,
        wire=shared,
        clients=clients_for(address, key, headers=shared.headers),
        limits=limits_for(address, key, shared, host),
    )


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(n, (int, float)) for n in value)
