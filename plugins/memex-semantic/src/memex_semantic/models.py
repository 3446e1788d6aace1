"""Which model it is, and whether the library that runs it is there. Imports neither."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from memex import PluginError

MODEL: Final = "sentence-transformers/all-MiniLM-L6-v2"
"""What is used where no model is named."""
_PATIENCE: Final = 5.0  # seconds
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


def need_at_hand(model: str) -> None:
    """Refuse to begin without a model of the hub on this machine: nobody waits for a download unasked.

    Imports what says where the hub's files lie, and asks no network.

    Args:
        model: The hub's name of a model of sentence-transformers, or a folder.

    Raises:
        PluginError: Says how to get it.
    """
    need("sentence_transformers", "sentence-transformers")
    if not is_at_hand(model):
        raise PluginError(
            f"the model {model!r} is not on this machine, and is not downloaded unasked: name a model or a "
            f"folder in the chain, as in {{'use': 'semantic', 'embedder': 'sentence-transformers:{model}'}}; "
            "where no chain is set, 'memex embed' downloads the default one",
            plugin="semantic",
        )


def is_at_hand(model: str) -> bool:
    """Tell whether a model is a folder, or in the cache of the hub's files."""
    from huggingface_hub.constants import HF_HUB_CACHE

    caches = (HF_HUB_CACHE, os.environ.get("SENTENCE_TRANSFORMERS_HOME"))
    kept = f"models--{model.replace('/', '--')}/snapshots/*/*.json"
    return Path(model).expanduser().is_dir() or any(
        next(Path(cache).expanduser().glob(kept), None) is not None for cache in caches if cache
    )


def ask_hub(model: str, revision: str | None = None) -> None:
    """Ask the hub once, briefly, whether it has a model; raises whatever says that it has not.

    Loading would try each file again and again where there is no network, for half a minute.
    """
    from huggingface_hub import HfApi

    if model.startswith(("/", "~", ".")) or model.count("/") > 1:  # the hub knows owner/name
        raise FileNotFoundError(f"there is no folder {model!r}")
    HfApi().model_info(model, revision=revision, timeout=_PATIENCE)


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
