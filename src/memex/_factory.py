"""Turns an offer and the user's settings into the thing itself: imports, checks, calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from memex._discovery import canonical, requirements
from memex._errors import ConfigError, MemexError, PluginError
from memex._plugin import Offer, describe
from memex._signature import FIRST, bind

_NO_SETTINGS: Mapping[str, Any] = {}


def parse_spec(spec: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Split ``"sqlite:chats.db"`` or ``{"use": "fifo", "low_water": 0.5}`` into name and settings.

    What follows the colon is the setting ``""``, for the factory's first positional parameter.

    Raises:
        ConfigError: If it is neither of the two.
    """
    settings: dict[str, Any] = {}
    use: object = spec
    if isinstance(spec, Mapping):
        settings = {key: value for key, value in spec.items() if key != "use"}
        use = spec.get("use")
        if use is None:
            names = ", ".join(map(str, spec)) or "nothing"  # not the values: one may be a key
            raise ConfigError(
                f"a table with {names} does not say which plugin; add 'use', as in use = \"fifo\""
            )
    if not isinstance(use, str):
        raise ConfigError(f'{use!r} is no plugin; write its name, as in "fifo" or "sqlite:chats.db"')
    for key in settings:
        if not isinstance(key, str) or key == FIRST:
            raise ConfigError(f"{key!r} is no name of a setting")
    name, _, first = use.partition(":")
    if not name.strip():
        raise ConfigError(f"{use!r} does not start with the name of a plugin")
    return name.strip(), {FIRST: first, **settings} if first else settings


def load_target(offer: Offer) -> Any:
    """Import what an offer points to.

    Raises:
        PluginError: If it cannot be imported; says what to install where a module is missing.
    """
    module, _, path = offer.provider.target.partition(":")
    try:
        return functools.reduce(getattr, path.split("."), import_module(module))
    except ModuleNotFoundError as error:
        raise _failed(offer, _what_to_install(offer, module, error)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too
        raise _failed(offer, f"{offer.provider.target} cannot be imported: {describe(error)}") from error


def build(
    offer: Offer, settings: Mapping[str, Any] = _NO_SETTINGS, *, host: object = None, **injected: object
) -> Any:
    """Make the thing that an offer stands for.

    Args:
        offer: What to make.
        settings: The user's settings, as :func:`parse_spec` gives them.
        host: Passed to a factory that has a parameter ``host``.
        **injected: Passed to a factory that has a parameter of that name. The user cannot set
            these.

    Raises:
        BadSetting: If a setting is unknown, missing or of the wrong type.
        PluginError: If the target cannot be imported or called, or fails.
    """
    target: Callable[..., object] = load_target(offer)
    if not callable(target):
        raise _failed(offer, f"{offer.provider.target} is a {type(target).__name__}, which cannot be called")
    try:
        arguments = bind(str(offer), target, settings, {"host": host, **injected})
    except ValueError as error:
        raise _failed(offer, f"{offer.provider.target} has no signature that shows its settings") from error
    try:
        return target(*arguments.args, **arguments.kwargs)
    except MemexError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(offer, describe(error)) from error


def _failed(offer: Offer, what: str) -> PluginError:
    return PluginError(f"{offer}: {what}", plugin=offer.plugin.name, version=offer.plugin.version)


def _what_to_install(offer: Offer, module: str, error: ModuleNotFoundError) -> str:
    missing = error.name or ""
    top = missing.partition(".")[0]
    if not top or top == module.partition(".")[0]:
        return f"{offer.provider.target} cannot be imported: {describe(error)}"
    extra = _extra_that_brings(top, offer.plugin.distribution)
    install = f"pip install '{offer.plugin.distribution}[{extra}]'" if extra else "install what brings it"
    return f"needs the Python module {missing!r}, which is not installed; {install}"


def _extra_that_brings(module: str, distribution: str) -> str:
    """Return the extra of a distribution that requires a package of that module's name, if any."""
    import re

    for requirement in requirements(distribution):
        found = re.match(r"""([\w.-]+).*extra\s*==\s*["']([\w.-]+)["']""", requirement)
        if found and canonical(found[1]) == canonical(module):
            return found[2]
    return ""
