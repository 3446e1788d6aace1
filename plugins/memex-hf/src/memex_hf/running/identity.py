"""What a model is, in one fingerprint: two that share it compute the same keys and values."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import torch
import transformers

from memex import ConfigError

_NAMES_ONLY: Final = ("_name_or_path", "name_or_path", "transformers_version", "architectures")


def identity(model: Any) -> str:
    """Return the fingerprint of a model, its code and what runs it.

    Every byte of the weights goes in, not a sample of them: training may change a few rows of one
    matrix, and a wrong answer is worse than some seconds (a core reads 1.5 GB a second) once a start.

    Raises:
        ConfigError: If weights are not where they can be read.
    """
    if len({tensor.device for tensor in model.parameters()}) > 1:
        raise ConfigError(
            "hf: keys and values of a model on several devices cannot be kept on disk; leave kv_folder out"
        )
    config = {name: value for name, value in model.config.to_dict().items() if name not in _NAMES_ONLY}
    told = {
        "config": config,
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "code": _code(type(model)),
        "attention": getattr(model.config, "_attn_implementation", None),
        "device": str(next(model.parameters()).device.type),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode())
    parts = sorted(itertools.chain(model.named_parameters(), model.named_buffers()))
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as several:
        for found in several.map(_of_tensor, *zip(*parts, strict=True)):
            digest.update(found)
    return digest.hexdigest()


def _of_tensor(name: str, tensor: torch.Tensor) -> bytes:
    if tensor.is_meta:
        raise ConfigError(
            f"hf: {name} is not loaded, so keys and values cannot be kept on disk; leave kv_folder out"
        )
    digest = hashlib.sha256(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
    if tensor.numel():
        flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
        digest.update(flat.cpu().numpy().data)
    return digest.digest()


def _code(made: type) -> str:
    """Return a digest of the source of a model that may have come with its weights."""
    sources = sorted({source for cls in made.__mro__ if _foreign(cls) and (source := _source(cls))})
    digest = hashlib.sha256()
    for source in sources:
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()


def _source(cls: type) -> str | None:
    try:
        return inspect.getsourcefile(cls)
    except TypeError:  # it was typed in, not written to a file
        return None


def _foreign(cls: type) -> bool:
    """Tell whether a class comes from neither torch nor transformers, whose versions say all."""
    return cls.__module__.partition(".")[0] not in ("torch", "transformers", "builtins")
