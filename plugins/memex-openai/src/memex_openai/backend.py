"""The backend: one model of OpenAI's, or of any server that speaks OpenAI's API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from memex import BadSetting, Capabilities, Cost, Event, Request, Usage
from memex.wire import (
    Attempt,
    Caller,
    Clients,
    ModelTable,
    RateLimits,
    WireSettings,
    tokens_of,
    wire_settings,
)
from memex_openai.asking import Ask, aanswer, answer
from memex_openai.chat_request import chat_request
from memex_openai.clients import clients_for
from memex_openai.connecting import key_for, limits_for, resolve
from memex_openai.faults import refused_setting, typed
from memex_openai.presets import Address
from memex_openai.requesting import Prepared, refusals
from memex_openai.responses_request import responses_request

if TYPE_CHECKING:
    import openai as openai_sdk

Api = Literal["chat", "responses"]
_CHAT_ONLY = ("audio", "search-preview")
NAME = "openai"


class OpenAIBackend:
    """Answers with a model of OpenAI's, or of any server that speaks OpenAI's API.

    It may be used from several threads and several event loops at once. Nothing is connected, and no
    key is looked for, before the first call.

    Args:
        address: Which model, where.
        api: ``"chat"`` for Chat Completions, ``"responses"`` for the Responses API.
        wire: Deadlines, tries, limits, key.
        settings: Settings of every call.
        clients: The SDK's clients.
        limits: Makes the limits of requests and tokens, when the first call is made.
        thinking_room: Tokens to allow for thoughts on top of the answer's.
    """

    name = NAME

    def __init__(
        self,
        address: Address,
        api: Api,
        *,
        wire: WireSettings,
        settings: Mapping[str, Any],
        clients: Clients[openai_sdk.OpenAI, openai_sdk.AsyncOpenAI],
        limits: Callable[[], RateLimits | None],
        thinking_room: int = 0,
    ) -> None:
        self.address = address
        self.api = api
        self.model = address.label
        self._wire = wire
        self._settings = dict(settings)
        self._clients = clients
        self._limits = limits
        self._thinking_room = thinking_room
        self._table = ModelTable.for_provider(NAME, files("memex_openai") / "models.toml")

    @property
    def capabilities(self) -> Capabilities:
        """What the model can take and give, as far as the table of models knows."""
        return self._table.capabilities(self.model)

    def cost(self, usage: Usage, model: str | None = None) -> Cost | None:
        """Return what a call cost, by the dated price list; None where the prices are not known.

        Args:
            usage: What the call used.
            model: The model that answered, by its own name; by default the one that is asked.
        """
        return self._table.cost(model or self.model, usage)

    def prepared(self, request: Request, dropped: Collection[str] = (), *, stream: bool = True) -> Prepared:
        """Return a request as it will go over the wire.

        Args:
            request: What is asked.
            dropped: Fields that the model is known to refuse.
            stream: Whether the answer is to come in pieces.

        Raises:
            BadSetting: If a setting makes no sense for one answer.
        """
        build = chat_request if self.api == "chat" else responses_request
        return build(request, self.address, self.capabilities, dropped=dropped, stream=stream)

    def stream(self, request: Request) -> Iterator[Event]:
        """Yield the answer as it comes."""
        return self._answer(request, stream=True)

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield the answer, which came in one piece, as events."""
        return self._answer(request, stream=False)

    async def astream(self, request: Request) -> AsyncIterator[Event]:
        """Yield the answer as it comes; cancelling the task closes the connection."""
        caller, tokens, first, ask = self._call(request, stream=True)

        def attempt(one: Attempt) -> AsyncIterator[Event]:
            return aanswer(ask(one), self._clients, one)

        events = caller.astream(attempt, tokens=tokens, settings=first.settings)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # a generator

    async def agenerate(self, request: Request) -> list[Event]:
        """Return the answer, which came in one piece, as events."""
        caller, tokens, first, ask = self._call(request, stream=False)

        def attempt(one: Attempt) -> AsyncIterator[Event]:
            return aanswer(ask(one), self._clients, one)

        events = caller.astream(attempt, tokens=tokens, settings=first.settings, whole=True)
        return [event async for event in events]

    def close(self) -> None:
        """Close the connections. Closing twice is allowed."""
        self._clients.close()

    def _answer(self, request: Request, *, stream: bool) -> Iterator[Event]:
        caller, tokens, first, ask = self._call(request, stream=stream)

        def attempt(one: Attempt) -> Iterator[Event]:
            return answer(ask(one), self._clients, one)

        return caller.stream(attempt, tokens=tokens, settings=first.settings, whole=not stream)

    def _call(
        self, request: Request, *, stream: bool
    ) -> tuple[Caller, int, Prepared, Callable[[Attempt], Ask]]:
        """Return who makes a call, what it may cost, and how each try of it is asked."""
        room = self._thinking_room if self.capabilities.reasoning else 0
        request = msgspec.structs.replace(
            request,
            settings={**self._settings, **request.settings},
            answer_tokens=request.answer_tokens + room,
        )
        first = self.prepared(request, stream=stream)
        limits = self._limits()
        caller = Caller(
            provider=NAME,
            model=self.model,
            translate=lambda error: typed(self.address, error),
            retries=self._wire.retries,
            deadlines=self._wire.deadlines,
            limits=limits,
            refused=refused_setting,
            droppable=first.settings,
            refuses=refusals(self.address, self.capabilities, request.settings),
            endpoint=self.address.base_url,
        )

        def ask(one: Attempt) -> Ask:
            prepared = self.prepared(request, one.dropped, stream=stream) if one.dropped else first
            return Ask(self.address, self.api, prepared, stream=stream, keep_raw=self._wire.keep_raw)

        tokens = 0 if limits is None else tokens_of(request, request.answer_tokens)
        return caller, tokens, first, ask


def openai(
    model: str,
    *,
    preset: str | None = None,
    api: Literal["auto", "chat", "responses"] = "auto",
    settings: Mapping[str, Any] | None = None,
    thinking_room: int = 0,
    key_environment: str | None = None,
    organization: str | None = None,
    project: str | None = None,
    host: object = None,
    **wire: Any,
) -> OpenAIBackend:
    """Return the backend of a model.

    Args:
        model: ``MODEL``, ``MODEL@preset`` or ``MODEL@http://host/v1``.
        preset: Name of the server's dialect, where the address does not tell: ``"vllm"``, ``"groq"``, ...
        api: Which of OpenAI's two APIs; ``"auto"`` is Responses at OpenAI and Chat Completions elsewhere.
        settings: Settings of every call; those of a call go over them.
        thinking_room: Tokens to allow a reasoning model for its thoughts, on top of the answer's.
        key_environment: Environment variable that holds the key, instead of the usual ones.
        organization: OpenAI's organization.
        project: OpenAI's project.
        host: The Memex, whose store counts calls for other processes where that is asked for.
        **wire: The settings that all backends over a wire take: ``api_key``, ``base_url``,
            ``headers``, ``attempts``, ``timeout``, ...

    Raises:
        BadSetting: If one of them makes no sense.
    """
    shared = wire_settings(NAME, wire)
    address, environment = resolve(model, preset, shared.base_url, key_environment, shared.login)
    key = key_for(address, shared.api_key, environment)
    clients = clients_for(address, key, headers=shared.headers, organization=organization, project=project)
    chosen: Api = _api(address) if api == "auto" else api
    if chosen not in ("chat", "responses"):
        raise BadSetting(f"openai: api is {api!r}; it must be 'auto', 'chat' or 'responses'")
    return OpenAIBackend(
        address,
        chosen,
        wire=shared,
        settings=settings or {},
        clients=clients,
        thinking_room=thinking_room,
        limits=limits_for(address, key, shared, host),
    )


def _api(address: Address) -> Api:
    chat_only = any(word in address.model for word in _CHAT_ONLY)
    return "responses" if address.official and not chat_only else "chat"
