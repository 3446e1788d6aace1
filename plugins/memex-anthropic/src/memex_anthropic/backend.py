"""The backend: calls of the Messages API as neutral events, streamed or whole, blocking or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec

from memex import BadSetting, Capabilities, Cost, Event, Request, Usage, freeze
from memex.wire import ModelTable, split_address, wire_settings
from memex_anthropic.caching import Lifetime
from memex_anthropic.calling import Calling
from memex_anthropic.clients import ADDRESS, connection
from memex_anthropic.requesting import PROVIDER

# Longer answers are streamed even where nobody reads along: an idle connection would be cut.
_LONGEST_WHOLE: Final = 21_333
_DEAREST_LIFE: Final = (
    2 / 1.25
)  # what is written for an hour costs twice the input, for five minutes 1.25 times


class Anthropic:
    """A Claude model.

    It may be used from several threads and event loops at once. The key is looked for with the
    first call: argument, ``ANTHROPIC_API_KEY``, keyring, keys file.

    Args:
        model: Name of the model, such as ``"claude-opus-5-5"``; ``MODEL@URL`` for another server.
        cache: How long the prompt cache keeps what a call writes: ``"5m"``, ``"1h"``; ``"off"`` sets no
            breakpoints, ``"own"`` keeps those that messages bring along.
        diagnostics: Whether to ask why the cache did not serve more.
        thinking_room: Tokens to allow for thoughts on top of the answer's.
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
        cache: Lifetime = "5m",
        diagnostics: bool = True,
        thinking_room: int = 0,
        settings: Mapping[str, Any] | None = None,
        host: object = None,
        **wire: Any,
    ) -> None:
        self.model, url = split_address(model)
        if url is not None:
            wire.setdefault("base_url", url)
        if not self.model:
            raise BadSetting(f"{PROVIDER}: which model? Write its name, as in {PROVIDER}:claude-opus-5-5")
        if cache not in ("5m", "1h", "own", "off"):
            raise BadSetting(f"{PROVIDER}: cache is {cache!r}; it is '5m', '1h', 'own' or 'off'")
        self._cache: Lifetime = cache
        self._diagnostics = diagnostics
        self._thinking_room = thinking_room
        self._defaults: Mapping[str, Any] = freeze(settings or {})
        shared = wire_settings(PROVIDER, wire, url_environment=ADDRESS)
        self._keep_raw = shared.keep_raw
        self._table = ModelTable.for_provider(PROVIDER, files("memex_anthropic") / "models.toml")
        self._capabilities = self._table.capabilities(self.model)
        self._connection = connection(self.model, shared, refuses=self._capabilities.refuses, host=host)

    def __repr__(self) -> str:
        """Name what it is for."""
        return f"Anthropic({self.model!r})"

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
        cost = self._table.cost(model or self.model, usage)
        if cost is None or self._cache != "1h":
            return cost
        return msgspec.structs.replace(cost, cache_write=cost.cache_write * _DEAREST_LIFE)

    def stream(self, request: Request) -> Iterator[Event]:
        """Yield the answer as it comes."""
        return self._connection.stream(self._calling(request))

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield the answer once it is whole, in the same parts that :meth:`stream` gives."""
        calling = self._calling(request)
        return self._connection.stream(calling, whole=calling.most <= _LONGEST_WHOLE)

    def astream(self, request: Request) -> AsyncIterator[Event]:
        """Yield the answer as it comes; cancelling the task closes the connection."""
        return self._connection.astream(self._calling(request))

    async def agenerate(self, request: Request) -> Iterable[Event]:
        """Return the answer once it is whole, in the same parts that :meth:`astream` gives."""
        calling = self._calling(request)
        events = self._connection.astream(calling, whole=calling.most <= _LONGEST_WHOLE)
        return [event async for event in events]

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        self._connection.close()

    def _calling(self, request: Request) -> Calling:
        request = msgspec.structs.replace(request, settings={**self._defaults, **request.settings})
        return Calling(
            request,
            clients=self._connection.clients,
            model=self.model,
            capabilities=self._capabilities,
            cache=self._cache,
            diagnostics=self._diagnostics,
            thinking_room=self._thinking_room,
            keep_raw=self._keep_raw,
        )
