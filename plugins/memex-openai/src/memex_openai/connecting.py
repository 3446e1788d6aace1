"""How a server is reached: its address, the key, the SDK's clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from memex import AuthFailed
from memex.wire import Secret, find_key
from memex_openai.clients import Clients
from memex_openai.presets import Address, find_server

if TYPE_CHECKING:
    import openai

_NO_KEY = "no-key"  # the SDK wants one; servers that need none do not look at it


def resolve(
    model: str, preset: str | None, base_url: str | None, key_environment: str | None = None
) -> tuple[Address, tuple[str, ...]]:
    """Return which model on which server is meant, and where its key may be.

    As with the SDK, ``OPENAI_BASE_URL`` is where OpenAI's API is, and ``OPENAI_API_KEY`` goes there. To
    a server that is named otherwise goes no key that was not meant for it.

    Raises:
        BadSetting: If there is no model, or no such preset.
    """
    address = find_server(model, preset=preset, base_url=base_url)
    environment = address.server.environment
    moved = os.environ.get("OPENAI_BASE_URL", "").strip()
    if moved and preset is None and base_url is None and address.label == model:
        address = find_server(model, base_url=moved)
        environment = address.server.environment or ("OPENAI_API_KEY",)
    return address, (key_environment,) if key_environment else environment


def key_for(address: Address, given: Secret | None, environment: tuple[str, ...]) -> Callable[[], Secret]:
    """Return what finds the key, once, when it is needed.

    A server that is known by its address only is asked without a key, unless one was given for it.
    """
    found: list[Secret] = []

    def key() -> Secret:
        if not found:
            found.append(_find(address, given, environment))
        return found[0]

    return key


def _find(address: Address, given: Secret | None, environment: tuple[str, ...]) -> Secret:
    server = address.server
    if given is None and not environment:
        return Secret(_NO_KEY, "nowhere: the server is asked without a key")
    try:
        return find_key(server.name, given, environment=environment)
    except AuthFailed:
        if server.needs_key:
            raise
        return Secret(_NO_KEY, "nowhere: the server is asked without a key")


def connections(
    address: Address,
    key: Callable[[], Secret],
    headers: Mapping[str, str],
    *,
    organization: str | None = None,
    project: str | None = None,
) -> Clients:
    """Return the clients for a server. The SDK's own retries are off: memex retries in one place."""

    def options() -> dict[str, Any]:
        return {
            "api_key": key().reveal(),
            "base_url": address.base_url,
            "organization": organization,
            "project": project,
            "default_headers": _headers(address, headers),
            "max_retries": 0,
        }

    def make(hooks: dict[str, Any]) -> openai.OpenAI:
        import openai

        return openai.OpenAI(**options(), http_client=openai.DefaultHttpxClient(event_hooks=hooks))

    def amake() -> openai.AsyncOpenAI:
        import openai

        return openai.AsyncOpenAI(**options())

    return Clients(make, amake)


def _headers(address: Address, headers: Mapping[str, str]) -> dict[str, Any]:
    import openai

    if address.official:
        return dict(headers)
    # The SDK takes these from the environment; they are nobody else's business.
    return {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit(), **headers}
