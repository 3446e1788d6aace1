"""The SDK's clients, and the connection that uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from memex.wire import Clients, Connection, Secret, Timeouts, WireSettings, basic_auth
from memex_anthropic.faults import refused_setting, translate
from memex_anthropic.requesting import NEVER_DROPPED, PROVIDER

if TYPE_CHECKING:
    import anthropic
    import httpx2

    SdkClients: TypeAlias = Clients[anthropic.Anthropic, anthropic.AsyncAnthropic]

ADDRESS: Final = "ANTHROPIC_BASE_URL"
"""Where the SDK, and so memex, looks for another server in the environment."""


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
        environment=("ANTHROPIC_API_KEY",),
        translate=partial(translate, model=model),
        refused=refused_setting,
        never_dropped=NEVER_DROPPED,
        refuses=refuses,
        host=host,
    )


def clients_for(key: Secret, wire: WireSettings) -> SdkClients:
    """Return clients of the SDK that never retry.

    Args:
        key: The API key.
        wire: The server's address, None for Anthropic's, and headers of every call.
    """
    # No redirects: the conversation, the key and the headers are for this server.
    line = {"follow_redirects": False, **basic_auth(wire.login)}

    def options() -> dict[str, Any]:
        return {
            "api_key": key.reveal(),
            "base_url": wire.base_url,
            "default_headers": dict(wire.headers) or None,
            "max_retries": 0,
        }

    def blocking() -> tuple[anthropic.Anthropic, Any]:
        import anthropic

        http = anthropic.DefaultHttpxClient(**line)
        return anthropic.Anthropic(**options(), http_client=http), http

    def on_a_loop() -> tuple[anthropic.AsyncAnthropic, Callable[[], Awaitable[None]]]:
        import anthropic

        client = anthropic.AsyncAnthropic(**options(), http_client=anthropic.DefaultAsyncHttpxClient(**line))
        return client, client.close

    return Clients(blocking, on_a_loop, of=wire.base_url or "Anthropic")


def timeout(timeouts: Timeouts) -> httpx2.Timeout:
    """Return the timeouts of a try as the SDK takes them."""
    import httpx2

    return httpx2.Timeout(timeouts.read, connect=timeouts.connect)
