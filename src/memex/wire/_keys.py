"""Where a key comes from: argument, environment, keyring, keys file, in this order."""

from __future__ import annotations

import os
from collections.abc import Sequence

from memex._errors import AuthFailed, ConfigError
from memex.wire._key_file import KeyFile, check_key
from memex.wire._keyring import KeyRing
from memex.wire._secret import Secret


def find_key(provider: str, given: str | Secret | None = None, *, environment: Sequence[str] = ()) -> Secret:
    """Return the key for a provider: the argument, else from the environment, the keyring, the keys file.

    Args:
        provider: Name of the backend, as in ``memex keys set NAME``.
        given: A key that the program or the settings gave.
        environment: Variables to look at, in this order.

    Raises:
        AuthFailed: If there is none; names every place that was looked at.
    """
    if isinstance(given, Secret) and given:
        return given
    if given:
        return _checked(provider, Secret(str(given), "argument"))
    for name in environment:
        if value := os.environ.get(name, "").strip():
            return _checked(provider, Secret(value, f"environment variable {name}"))
    looked = [f"the environment ({', '.join(environment)})"] if environment else []
    found, what = KeyRing().look(provider)
    if found is not None:
        return _checked(provider, found)
    looked.append(f"the keyring ({what})")
    file = KeyFile()
    if (kept := file.get(provider)) is not None:
        return _checked(provider, kept)
    looked.append(f"the keys file ({file.path})")
    raise AuthFailed(
        f"no key for {provider}: it is in none of these: the argument api_key, {', '.join(looked)}; "
        f"run: memex keys set {provider}"
    )


def _checked(provider: str, key: Secret) -> Secret:
    try:
        check_key(provider, key.reveal())
    except ConfigError as error:
        raise AuthFailed(f"{error}; it comes from: {key.source}") from None
    return key
