"""The contract kit: what a plugin promises, as tests. Subclass a contract in the plugin's own tests.

Needs ``pip install memex-core[testing]``. Names are imported on first use, so that a plugin's
tests bring in only what they ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memex.testing.backend import BackendContract as BackendContract
    from memex.testing.plugin import PluginContract as PluginContract
    from memex.testing.policy import PolicyContract as PolicyContract
    from memex.testing.policy import evict_oldest as evict_oldest

_HOME = {
    "BackendContract": "backend",
    "PluginContract": "plugin",
    "PolicyContract": "policy",
    "evict_oldest": "policy",
}

__all__ = [*_HOME]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'memex.testing' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"memex.testing.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
