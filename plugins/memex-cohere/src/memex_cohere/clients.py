"""The SDK's clients, and the connection that uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from memex.wire import Clients, Connection, Secret, Timeouts, WireSettings, basic_auth
from memex_cohere.faults import PROVIDER, refused_setting, translate

if TYPE_CHECKING:
    import cohere
    import httpx

    SdkClients: TypeAlias = Clients[cohere.ClientV2, cohere.AsyncClientV2]

ADDRESS: Final = "CO_API_URL"
"""Where the SDK, and so memex, looks for another server in the environment."""
NEVER_DROPPED: Final = frozenset({"max_tokens", "documents", "tool_choice"})
"""Settings without which a call would be another call: a model that refuses them is an error."""


def connection(
    model: str, wire: WireSettings, *, refuses: Collection[str] = (), host: object = None
) -> Connection[SdkClients]:
    """Return the connection to a model.

    Args:
        model: The model.
        wire: Deadlines, tries, limits, key, address.
        refuses: Settings that the model is known to refuse.
        host: The Memex, whose store counts calls for other processes where that is asked for.
    """
    return Connection(
        PROVIDER,
        model,
        wire,
        connect=clients_for,
        environment=("CO_API_KEY", "COHERE_API_KEY"),
        translate=partial(translate, model=model),
        refused=refused_setting,
        never_dropped=NEVER_DROPPED,
        refuses=refuses,
        host=host,
    )


def clients_for(key: Secret, wire: WireSettings) -> SdkClients:
    """Return clients of the SDK that never retry.

    The SDK takes seconds for a whole call only; the finer ones are in the HTTP client under it, which
    is made here for that reason.

    Args:
        key: The API key.
        wire: The server's address, None for Cohere's, and headers of every call.
    """

    def options() -> dict[str, Any]:
        return {
            "api_key": key.reveal(),
            "base_url": wire.base_url,
            "max_retries": 0,
            "log_warning_experimental_features": False,
        }

    def line() -> dict[str, Any]:
        return {
            "headers": dict(wire.headers),
            "follow_redirects": False,  # the conversation and its key are for this server
            "timeout": None,
            **basic_auth(wire.login),
        }

    def blocking() -> tuple[cohere.ClientV2, httpx.Client]:
        import cohere
        import httpx

        http = httpx.Client(**line())
        return cohere.ClientV2(**options(), httpx_client=http), http

    def on_a_loop() -> tuple[cohere.AsyncClientV2, Callable[[], Awaitable[None]]]:
        import cohere
        import httpx

        http = httpx.AsyncClient(**line())
        return cohere.AsyncClientV2(**options(), httpx_client=http), http.aclose

    return Clients(blocking, on_a_loop, of=wire.base_url or "Cohere")


def options(timeouts: Timeouts, body: Mapping[str, Any] | None = None) -> Any:
    """Return the ``request_options`` of a call: its timeouts, no retries, and further fields of the body."""
    import httpx

    given: dict[str, Any] = {
        "timeout": httpx.Timeout(timeouts.read, connect=timeouts.connect),  # the SDK hands it on as it is
        "max_retries": 0,
    }
    return {**given, "additional_body_parameters": dict(body)} if body else given
