"""Which server is meant, and which key goes to it."""

from __future__ import annotations

import os
from collections.abc import Callable

from memex import AuthFailed
from memex.wire import Login, RateLimits, Secret, WireSettings, find_key
from memex_openai.presets import Address, find_server

_NO_KEY = "no-key"  # the SDK wants one; servers that need none do not look at it


def resolve(
    model: str,
    preset: str | None,
    base_url: str | None,
    key_environment: str | None = None,
    login: Login | None = None,
) -> tuple[Address, tuple[str, ...]]:
    """Return which model on which server is meant, and where its key may be.

    As with the SDK, ``OPENAI_BASE_URL`` is where OpenAI's API is, and ``OPENAI_API_KEY`` goes there. To
    a server that is named otherwise goes no key that was not meant for it.

    Raises:
        BadSetting: If there is no model, or no such preset, or the address is none.
    """
    address = find_server(model, preset=preset, base_url=base_url, login=login)
    environment = address.server.environment
    moved = os.environ.get("OPENAI_BASE_URL", "").strip()
    if moved and preset is None and base_url is None and address.label == model:
        address = find_server(model, base_url=moved, setting="OPENAI_BASE_URL")
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


def limits_for(
    address: Address, key: Callable[[], Secret], wire: WireSettings, host: object
) -> Callable[[], RateLimits | None]:
    """Return what makes the limits of requests and tokens; None where there are none.

    The key is looked for only when there are: they are counted for each key.
    """

    def limits() -> RateLimits | None:
        if wire.requests_per_minute is None and wire.tokens_per_minute is None:
            return None
        return wire.limits(address.server.name, key(), getattr(host, "store", None))

    return limits
