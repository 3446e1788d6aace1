"""The SDK's clients, for a server and a key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from memex.wire import Clients, Secret, basic_auth
from memex_openai.presets import Address

if TYPE_CHECKING:
    import openai


def clients_for(
    address: Address,
    key: Callable[[], Secret],
    *,
    headers: Mapping[str, str],
    organization: str | None = None,
    project: str | None = None,
) -> Clients[openai.OpenAI, openai.AsyncOpenAI]:
    """Return clients of the SDK that never retry.

    Args:
        address: The server.
        key: Finds the key, when the first client is made.
        headers: Sent with every call.
        organization: OpenAI's organization.
        project: OpenAI's project.
    """
    # No redirects: the conversation, the key and the headers are for this server.
    line = {"follow_redirects": False, **basic_auth(address.login)}

    def options() -> dict[str, Any]:
        return {
            "api_key": key().reveal(),
            "base_url": address.base_url,
            "default_headers": _headers(address, headers),
            "organization": organization,
            "project": project,
            "max_retries": 0,
        }

    def blocking() -> tuple[openai.OpenAI, Any]:
        import openai

        http = openai.DefaultHttpxClient(**line)
        return openai.OpenAI(**options(), http_client=http), http

    def on_a_loop() -> tuple[openai.AsyncOpenAI, Callable[[], Awaitable[None]]]:
        import openai

        client = openai.AsyncOpenAI(**options(), http_client=openai.DefaultAsyncHttpxClient(**line))
        return client, client.close

    return Clients(blocking, on_a_loop, of=address.base_url)


def _headers(address: Address, given: Mapping[str, str]) -> dict[str, Any]:
    import openai

    if address.official:
        return dict(given)
    # The SDK takes these from the environment; they are nobody else's business.
    return {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit(), **given}
