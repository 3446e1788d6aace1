"""Keys in the platform's keyring, where the optional package is there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

from memex._errors import ConfigError
from memex.wire._key_file import check_key
from memex.wire._secret import Secret, scrub

SERVICE: Final = "memex"
"""Under which name keys are in the keyring; the user name is the provider's."""


class KeyRing:
    """Keys by provider in the platform's keyring, through the package ``keyring``.

    Attributes:
        why_not: Why there is no keyring to use; empty where there is one.
    """

    def __init__(self) -> None:
        self.why_not = ""
        if find_spec("keyring") is None:
            self.why_not = "not installed: pip install 'memex-core[keyring]'"
            return
        try:
            import keyring

            self._ring: Any = keyring.get_keyring()
            if self._ring.priority <= 0:  # those of keyring that refuse, or keep nothing
                self.why_not = f"this machine has none: {self._ring.name}"
        except Exception as error:  # noqa: BLE001 - its backends raise what the platform's libraries raise
            self.why_not = _failure(error)

    def look(self, provider: str) -> tuple[Secret | None, str]:
        """Return a provider's key, or None and why there is none."""
        if self.why_not:
            return None, self.why_not
        try:
            value = self._ring.get_password(SERVICE, provider)
        except Exception as error:  # noqa: BLE001 - as above
            return None, _failure(error)
        return (Secret(value, "keyring"), "") if value else (None, f"nothing under {SERVICE}/{provider}")

    def set(self, provider: str, key: str) -> None:
        """Keep a key, in place of any earlier one.

        Raises:
            ConfigError: If the key is none, or the keyring does not take it.
        """
        check_key(provider, key)
        self._change("keeps no key", lambda: self._ring.set_password(SERVICE, provider, key))

    def remove(self, provider: str) -> bool:
        """Remove a key and say whether there was one.

        Raises:
            ConfigError: If the keyring does not let it go.
        """
        if self.look(provider)[0] is None:
            return False
        self._change("does not let the key go", lambda: self._ring.delete_password(SERVICE, provider))
        return True

    def _change(self, what: str, change: Any) -> None:
        if self.why_not:
            raise ConfigError(f"there is no keyring ({self.why_not}); use the keys file")
        try:
            change()
        except Exception as error:  # noqa: BLE001 - as above
            raise ConfigError(f"the keyring {what}: {_failure(error)}; use the keys file") from None


def _failure(error: Exception) -> str:
    return f"failed: {type(error).__name__}: {scrub(str(error))}"
