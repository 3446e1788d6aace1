"""A test's class, for a process of its own: named by the file that it stands in, and loaded from there."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from operator import attrgetter
from typing import Any


def place_of(kind: type[Any]) -> tuple[str, str] | None:
    """Return the file and the name by which another process loads a class; None if it cannot.

    A class that stands inside a function cannot be loaded.
    """
    file = inspect.getsourcefile(kind)
    return None if file is None or "<locals>" in kind.__qualname__ else (file, kind.__qualname__)


def load_case(file: str, kind: str) -> type[Any]:
    """Load a test's class from its file."""
    spec = importlib.util.spec_from_file_location("memex_store_under_test", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: type[Any] = attrgetter(kind)(module)
    return found
