"""The backend: calls of Cohere's v2 chat as neutral events, streamed or whole, blocking or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import msgspec

from memex import BadSetting, Capabilities, Cost, Event, Request, Usage, freeze
from memex.wire import ModelTable, split_address, wire_settings
from memex_cohere.calling import Calling
from memex_cohere.clients import ADDRESS, connection
from memex_cohere.faults import PROVIDER


class Cohere:
    """A Command model.

    It may be used from several threads and event loops at once. The key is looked for with the
    first call: argument, ``CO_API_KEY``, ``COHERE_API_KEY``, keyring, keys file.

    Args:
        model: Name of the model, such as ``"command-a-03-2025"``; ``MODEL@URL`` for another server.
        settings: Settings of every call; those of the call itself win.
        host: The Memex, whose store counts calls for other processes where that is asked for.
        **wire: The settings of every backend over a wire; see :class:`memex.wire.WireSettings`.

    Raises:
        BadSetting: If one is unknown or of the wrong type.
    """

    name = PROVIDER

    def __init__(
        self,
        model: str,
        *,
        settings: Mapping[str, Any] | None = None,
        host: object = None,
        **wire: Any,
    ) -> None:
        self.model, url = split_address(model)
        if url is not None:
            wire.setdefault("base_url", url)
        if not self.model:
            raise BadSetting(f"{PROVIDER}: which model? Write its name, as in {PROVIDER}:command-a-03-2025")
        self._defaults: Mapping[str, Any] = freeze(settings or {})
        shared = wire_settings(PROVIDER, wire, url_environment=ADDRESS)
        self._keep_raw = shared.keep_raw
        self._table = ModelTable.for_provider(PROVIDER, files("memex_cohere") / "models.toml")
        self._capabilities = self._table.capabilities(self.model)
        self._connection = connection(self.model, shared, refuses=self._capabilities.refuses, host=host)

    def __repr__(self) -> str:
        """Name what it is for."""
        return f"Cohere({self.model!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What the model can take and give, by the tables of models."""
        return self._capabilities

    def cost(self, usage: Usage, model: str | None = None) -> Cost | None:
        """Return what a call cost by the price list; None where the model's prices are not known.

        Args:
            usage: What the call used.
            model: The model that answered; this backend's own by default.
        """
        return self._table.cost(model or self.model, usage)

    def stream(self, request: Request) -> Iterator[Event]:
        """Yield the answer as it comes."""
        return self._connection.stream(self._calling(request))

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield the answer once it is whole, in the same parts that :meth:`stream` gives."""
        return self._connection.stream(self._calling(request), whole=True)

    def astream(self, request: Request) -> AsyncIterator[Event]:
        """Yield the answer as it comes; cancelling the task closes the connection."""
        return self._connection.astream(self._calling(request))

    async def agenerate(self, request: Request) -> Iterable[Event]:
        """Return the answer once it is whole, in the same parts that :meth:`astream` gives."""
        events = self._connection.astream(self._calling(request), whole=True)
        return [event async for event in events]

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        self._connection.close()

    def _calling(self, request: Request) -> Calling:
        return Calling(
            msgspec.structs.replace(request, settings={**self._defaults, **request.settings}),
            clients=self._connection.clients,
            model=self.model,
            capabilities=self._capabilities,
            keep_raw=self._keep_raw,
        )
