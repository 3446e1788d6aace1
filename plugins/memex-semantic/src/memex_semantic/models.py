"""Which model it is, and whether the library that runs it is there. Imports neither."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from memex import PluginError

_PARTS: Final = frozenset({".bin", ".json", ".model", ".npy", ".onnx", ".safetensors", ".txt"})


def need(module: str, extra: str) -> None:
    """Refuse to begin without a library, so that a chain says so when it is made.

    Raises:
        PluginError: Says what to install.
    """
    if find_spec(module) is None:
        raise PluginError(
            f"needs the Python module {module!r}, which is not installed; "
            f"pip install 'memex-semantic[{extra}]', or choose another embedder",
            plugin="semantic",
        )


def version_of(model: str, revision: str | None) -> str:
    """Return a name for a model that changes when the model does.

    Args:
        model: The hub's name, or a folder.
        revision: Which revision on the hub.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return f"{model}@{revision}" if revision else model
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(path for path in folder.rglob("*") if path.suffix in _PARTS and path.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
    return f"{folder.resolve().name}#{digest.hexdigest()}"
