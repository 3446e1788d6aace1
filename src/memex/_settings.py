"""Settings from files and the environment: arguments win over ``MEMEX_*``, that over ``memex.toml``."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from memex._errors import ConfigError

FILE: Final = "memex.toml"
_NEEDED: Final = {
    str: "text in quotes",
    int: "a whole number",
    bool: "true or false",
    list: "a list in square brackets",
    (str, dict): "a name in quotes or a table with 'use'",
}
_KEYS: dict[str, type | tuple[type, ...]] = {
    "store": (str, dict),
    "backend": (str, dict),
    "chain": list,
    "budget": int,
    "answer_tokens": int,
    "counter": (str, dict),
    "namespace": str,
    "order": list,
    "disable": list,
    "on_error": str,
    "background": bool,
}
DEFAULT_STORE: Final = "sqlite:memex.db"


def load_settings(folder: str | None = None, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the arguments that files and environment give to :class:`~memex.Memex`.

    Args:
        folder: Where to look for ``memex.toml`` first, then in its parents; the working folder
            by default. Or the settings file itself, of whatever name.
        environ: The environment; the process's own by default.

    Raises:
        ConfigError: If a file cannot be read or holds an unknown or wrong setting; names it.
    """
    found = settings_file(folder)
    settings = _read(found) if found else {}
    settings |= _from_environment(os.environ if environ is None else environ)
    settings.setdefault("store", DEFAULT_STORE)
    return settings


def settings_file(folder: str | None = None) -> Path | None:
    """Return the settings file that counts, None if there is none.

    Args:
        folder: As in :func:`load_settings`.

    Raises:
        ConfigError: If ``folder`` is not there.
    """
    start = Path(folder or ".").resolve()
    if start.is_file():
        return start
    if folder is not None and not start.is_dir():
        raise ConfigError(f"there is no settings file or folder {folder}")
    for place in (start, *start.parents):
        if (place / FILE).is_file():
            return place / FILE
    from platformdirs import user_config_path

    fallback = user_config_path("memex") / FILE
    return fallback if fallback.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors write the mark
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    for key, value in settings.items():
        if key not in _KEYS:
            raise ConfigError(f"{path}: unknown setting {key!r}; there is {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool) != (_KEYS[key] is bool):
            needed = _NEEDED[_KEYS[key]]
            raise ConfigError(f"{path}: {key} = {value!r} is of the wrong type; it must be {needed}")
    return _beside(path, settings)


def _beside(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Let a relative path in ``store = "sqlite:chats.db"`` mean: beside the settings file."""
    name, colon, argument = settings.get("store", "").partition(":") if _has_path(settings) else ("", "", "")
    if colon and argument and not Path(argument).is_absolute():
        settings["store"] = f"{name}:{path.parent / argument}"
    return settings


def _has_path(settings: Mapping[str, Any]) -> bool:
    store = settings.get("store")
    return isinstance(store, str) and "://" not in store and store.partition(":")[0] in ("sqlite", "jsonl")


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _yes_or_no(text: str) -> bool:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    read: dict[type | tuple[type, ...], Callable[[str], Any]] = {list: _split, int: int, bool: _yes_or_no}
    settings: dict[str, Any] = {}
    for key, kind in _KEYS.items():
        text = environ.get(f"MEMEX_{key.upper()}")
        if not text or key == "disable":  # the loader reads MEMEX_DISABLE for every Memex
            continue
        try:
            settings[key] = read.get(kind, str)(text)
        except (ValueError, KeyError) as error:
            needed = _NEEDED[bool] if kind is bool else "a number"
            raise ConfigError(f"MEMEX_{key.upper()}={text!r} is not {needed}") from error
    return settings
