"""The contract kit: what a plugin promises, as tests. Subclass a contract in the plugin's own tests.

Needs ``pip install memex-core[testing]``. Names are imported on first use, so that a plugin's
tests bring in only what they ask for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memex.testing._scratch import ScratchStore as ScratchStore
    from memex.testing.backend import BackendContract as BackendContract
    from memex.testing.backend import assembled as assembled
    from memex.testing.backend import check_events as check_events
    from memex.testing.batteries import StoreBatteries as StoreBatteries
    from memex.testing.drop_in import DropInContract as DropInContract
    from memex.testing.embedder import EmbedderContract as EmbedderContract
    from memex.testing.file_store import FileStoreContract as FileStoreContract
    from memex.testing.plugin import PluginContract as PluginContract
    from memex.testing.policy import PolicyContract as PolicyContract
    from memex.testing.policy import evict_oldest as evict_oldest
    from memex.testing.store import StoreContract as StoreContract
    from memex.testing.wire import WireServer as WireServer
    from memex.testing.wire_backend import WireBackendContract as WireBackendContract

_HOME = {
    "BackendContract": "backend",
    "DropInContract": "drop_in",
    "EmbedderContract": "embedder",
    "FileStoreContract": "file_store",
    "PluginContract": "plugin",
    "PolicyContract": "policy",
    "ScratchStore": "_scratch",
    "StoreBatteries": "batteries",
    "StoreContract": "store",
    "WireBackendContract": "wire_backend",
    "WireServer": "wire",
    "assembled": "backend",
    "check_events": "backend",
    "evict_oldest": "policy",
}

__all__ = [*_HOME]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'memex.testing' has no attribute {name!r}")
    from importlib import import_module

    import pytest

    home = f"memex.testing.{_HOME[name]}"
    # So that a broken promise shows both sides, as an assert in a test file does. The parts of a
    # contract lie in a package of its name with an underscore.
    wanted = (home, f"memex.testing._{_HOME[name]}")
    pytest.register_assert_rewrite(*(module for module in wanted if module not in sys.modules))
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
