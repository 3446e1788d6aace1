"""The backend: calls of Cohere's v2 chat as neutral events, streamed or whole, blocking or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import cached_property, partial
from importlib.resources import files
from typing import Any

import msgspec

from memex import BadSetting, Capabilities, Cost, Event, Request, Usage, freeze
from memex.wire import Caller, ModelTable, RateLimits, find_key, wire_settings
from memex_cohere.calling import Calling
from memex_cohere.clients import ENVIRONMENT, Clients
from memex_cohere.faults import refused_setting, translate
from memex_cohere.requesting import NEVER_DROPPED, PROVIDER


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
        self.model, at, url = model.partition("@http")
        if at:
            wire.setdefault("base_url", f"http{url}")
        if not self.model:
            raise BadSetting(f"{PROVIDER}: which model? Write its name, as in {PROVIDER}:command-a-03-2025")
        self._defaults: Mapping[str, Any] = freeze(settings or {})
        self._host = host
        self._wire = wire_settings(PROVIDER, wire)
        self._table = ModelTable.for_provider(PROVIDER, files("memex_cohere") / "models.toml")
        self._capabilities = self._table.capabilities(self.model)

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
        calling = self._calling(request)
        return self._caller(calling).stream(calling.stream, **self._told(calling))

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield the answer once it is whole, in the same parts that :meth:`stream` gives."""
        calling = self._calling(request)
        return self._caller(calling).stream(calling.whole, whole=True, **self._told(calling))

    def astream(self, request: Request) -> AsyncIterator[Event]:
        """Yield the answer as it comes; cancelling the task closes the connection."""
        calling = self._calling(request)
        return self._caller(calling).astream(calling.astream, **self._told(calling))

    async def agenerate(self, request: Request) -> Iterable[Event]:
        """Return the answer once it is whole, in the same parts that :meth:`astream` gives."""
        calling = self._calling(request)
        events = self._caller(calling).astream(calling.awhole, whole=True, **self._told(calling))
        return [event async for event in events]

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        if "_clients" in vars(self):
            self._clients.close()

    def _calling(self, request: Request) -> Calling:
        return Calling(
            msgspec.structs.replace(request, settings={**self._defaults, **request.settings}),
            clients=self._clients,
            model=self.model,
            capabilities=self._capabilities,
            keep_raw=self._wire.keep_raw,
        )

    def _told(self, calling: Calling) -> dict[str, Any]:
        tokens = 0 if self._limits is None else calling.tokens()
        return {"tokens": tokens, "settings": calling.settings}

    def _caller(self, calling: Calling) -> Caller:
        return Caller(
            provider=PROVIDER,
            model=self.model,
            translate=partial(translate, model=self.model),
            retries=self._wire.retries,
            deadlines=self._wire.deadlines,
            limits=self._limits,
            refused=refused_setting,
            droppable=calling.settings - NEVER_DROPPED,
            refuses=self._capabilities.refuses,
            endpoint=self._wire.base_url or "",
        )

    @cached_property
    def _clients(self) -> Clients:
        key = find_key(PROVIDER, self._wire.api_key, environment=ENVIRONMENT)
        return Clients(key, base_url=self._wire.base_url, headers=self._wire.headers)

    @cached_property
    def _limits(self) -> RateLimits | None:
        return self._wire.limits(PROVIDER, self._clients.key, getattr(self._host, "store", None))
