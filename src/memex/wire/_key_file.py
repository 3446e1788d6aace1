"""The file that keys are kept in: for its owner's eyes only."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Final

from memex._errors import AuthFailed, ConfigError
from memex.wire._secret import Secret

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


class KeyFile:
    """Keys by provider, in a TOML file that only its owner may read.

    Args:
        path: The file; ``keys.toml`` in the platform's config folder of memex by default.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        if path is None:
            from platformdirs import user_config_path

            path = user_config_path("memex") / "keys.toml"
        self.path = Path(path)

    def get(self, provider: str) -> Secret | None:
        """Return the key of a provider, None where the file has none.

        Raises:
            AuthFailed: If the file cannot be used; see :meth:`read`.
        """
        return self.read().get(provider)

    def read(self) -> dict[str, Secret]:
        """Return all keys by provider; none where there is no file.

        Raises:
            AuthFailed: If others may read the file, or it is no table of texts.
        """
        import tomllib

        try:
            with self.path.open("rb") as file:
                self._check_mode(os.fstat(file.fileno()).st_mode)
                data = file.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise AuthFailed(f"the keys in {self.path} cannot be read: {error}") from error
        try:
            keys = tomllib.loads(data.decode("utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            # Not chained: its text may quote a line, and with it a key.
            raise AuthFailed(f'{self.path} is not TOML; each line is: provider = "key"') from None
        if wrong := [name for name, key in keys.items() if not isinstance(key, str)]:
            raise AuthFailed(f'{self.path}: {wrong[0]} is no text; each line is: provider = "key"')
        return {name: Secret(key, f"keys file {self.path}") for name, key in keys.items()}

    def set(self, provider: str, key: str) -> None:
        """Keep a key, in place of any earlier one.

        Raises:
            ConfigError: If the name or the key is none, or the file cannot be written.
        """
        if not _NAME.fullmatch(provider):
            raise ConfigError(f"{provider!r} is no name of a provider; use letters, digits, - and _")
        check_key(provider, key)
        self._write({**self._revealed(), provider: key})

    def remove(self, provider: str) -> bool:
        """Remove a key and say whether there was one."""
        keys = self._revealed()
        there = keys.pop(provider, None) is not None
        if there:
            self._write(keys)
        return there

    def _revealed(self) -> dict[str, str]:
        return {name: key.reveal() for name, key in self.read().items()}

    def _check_mode(self, mode: int) -> None:
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise AuthFailed(
                f"other users may read the keys in {self.path} (mode {stat.S_IMODE(mode):04o}); "
                f"run: chmod 600 {self.path}"
            )

    def _write(self, keys: dict[str, str]) -> None:
        # A JSON string of such characters is a TOML string, too.
        import tempfile

        lines = [f"{name} = {json.dumps(key)}\n" for name, key in sorted(keys.items())]
        temporary = ""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, temporary = tempfile.mkstemp(prefix=".keys-", dir=self.path.parent)  # mode 0600
            with open(descriptor, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a descriptor
                file.writelines(["# Keys of memex, one a provider. For your eyes only.\n", *lines])
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)  # noqa: PTH105 - both are plain names here
        except OSError as error:
            with contextlib.suppress(OSError):
                Path(temporary).unlink(missing_ok=True) if temporary else None
            raise ConfigError(f"the keys cannot be written to {self.path}: {error}") from error


def check_key(provider: str, key: str) -> None:
    """Refuse what cannot be a key, without showing it.

    Raises:
        ConfigError: If it is empty, or has characters that no header can carry.
    """
    if not key:
        raise ConfigError(f"the key for {provider} is empty")
    if not all("!" <= character <= "~" for character in key):
        raise ConfigError(f"the key for {provider} has spaces or characters outside ASCII; copy it again")
