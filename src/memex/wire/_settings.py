"""The settings that every backend over a wire takes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from memex._errors import BadSetting
from memex._frozen import EMPTY
from memex._store import Store
from memex.wire._deadlines import Deadlines
from memex.wire._limits import RateLimits, shared_limits
from memex.wire._retries import Retries
from memex.wire._secret import Secret
from memex.wire._server_url import Login, server_url
from memex.wire._store_limits import StoreLimits

_NO_SETTINGS: Final = frozenset({"login", "in_headers"})
_HOLDS_A_KEY: Final = re.compile(r"auth|key|token|secret|password|credential|cookie", re.IGNORECASE)


class WireSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that every backend over a wire takes, by these names.

    Attributes:
        api_key: The key; better left to the environment, the keyring or the keys file.
        base_url: The server's address; the provider's own by default. A name and a password in it are
            sent by basic authentication, and never shown.
        headers: Further headers of every request. What those hold that are named for a key, a token and the
            like is kept out of every text, as the key is.
        attempts: Calls in all; 1 never tries again.
        connect_timeout: Seconds until the connection stands; 0 for no limit, as for the others.
        first_timeout: Seconds until the first words of an answer.
        idle_timeout: Seconds between two signs of life after that.
        timeout: Seconds for everything, retries and waiting included.
        requests_per_minute: Calls that all backends of this process with this key make.
        tokens_per_minute: Tokens of prompt and answer, in the same way.
        shared_limits: Whether other processes that use the same store count, too.
        keep_raw: Whether the provider's own payload is stored beside the answer.
        login: The name and password that stood in ``base_url``; no setting of its own.
        in_headers: The keys in ``headers``; no setting of its own.
    """

    api_key: Secret | None = None
    base_url: str | None = None
    headers: Mapping[str, str] = EMPTY
    attempts: int = 4
    connect_timeout: float = 10.0
    first_timeout: float = 120.0
    idle_timeout: float = 60.0
    timeout: float = 600.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    shared_limits: bool = False
    keep_raw: bool = True
    login: Login | None = None
    in_headers: tuple[Secret, ...] = ()

    def __repr__(self) -> str:
        """Show no header's value."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__ if name not in _NO_SETTINGS}
        shown["headers"] = [*self.headers]
        return f"WireSettings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def retries(self) -> Retries:
        """How often a call is tried."""
        return Retries(attempts=self.attempts)

    @property
    def deadlines(self) -> Deadlines:
        """How long it may take."""
        return Deadlines(
            connect=self.connect_timeout or None,
            first=self.first_timeout or None,
            idle=self.idle_timeout or None,
            total=self.timeout or None,
        )

    def limits(self, provider: str, key: Secret, store: Store | None = None) -> RateLimits | None:
        """Return the limits that all backends of this process with this key share; None for none.

        Args:
            provider: Name of the backend.
            key: The key.
            store: With ``shared_limits``, through which other processes take part.
        """
        if self.shared_limits and store is not None and (self.requests_per_minute or self.tokens_per_minute):
            return StoreLimits(store, provider, key, self.requests_per_minute, self.tokens_per_minute)
        return shared_limits(provider, key, self.requests_per_minute, self.tokens_per_minute)


def wire_settings(who: str, given: Mapping[str, Any], *, url_environment: str = "") -> WireSettings:
    """Return the shared settings out of what a factory was given, checked.

    ::

        def __init__(self, model: str = "parrot-1", *, colour: str = "grey", **wire: Any) -> None:
            settings = wire_settings("parrot", wire)

    Args:
        who: Name of the backend, for errors.
        given: Settings by name.
        url_environment: Environment variable that holds the server's address where none is given.

    Raises:
        BadSetting: If one is unknown or of the wrong type, or the address is none.
    """
    named = dict(given)
    key = named.pop("api_key", None)
    if key is not None and not isinstance(key, str | Secret):
        raise BadSetting(f"{who}: setting 'api_key' is a {type(key).__name__}; it must be a text")
    fields = [name for name in WireSettings.__struct_fields__ if name not in _NO_SETTINGS]
    if strange := [name for name in named if name not in fields]:
        raise BadSetting(f"{who}: unexpected setting {strange[0]!r}; there is {', '.join(fields)}")
    try:
        settings = msgspec.convert(named, WireSettings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSetting(f"{who}: {error}") from None
    if key:
        secret = key if isinstance(key, Secret) else Secret(key, "argument")
        settings = msgspec.structs.replace(settings, api_key=secret)
    keys = tuple(
        Secret(value.rpartition(" ")[2], f"header {name}")  # the word Bearer is no secret
        for name, value in settings.headers.items()
        if _HOLDS_A_KEY.search(name)
    )
    settings = msgspec.structs.replace(settings, in_headers=keys)
    settings = _with_address(who, settings, url_environment)
    # Refused now, not with the first call.
    _ = settings.retries, settings.deadlines
    RateLimits(settings.requests_per_minute, settings.tokens_per_minute)
    return settings


def _with_address(who: str, settings: WireSettings, environment: str) -> WireSettings:
    """Return the settings with a checked address, and apart from it the login that it held."""
    given, setting = settings.base_url, "base_url"
    if given is None and environment:
        given, setting = os.environ.get(environment, "").strip() or None, environment
    if given is None:
        return settings
    address = server_url(who, given, setting=setting)
    return msgspec.structs.replace(settings, base_url=address.url, login=address.login)
