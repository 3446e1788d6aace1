"""Carries rows between the shelf and bytes: what is written to a file, and read from one."""

from __future__ import annotations

from array import array

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from memex_hf.running.engine import Engine
from memex_hf.running.tensor_lane import TensorRows


def packed_rows(engine: Engine, ids: array[int], start: int, stop: int) -> bytes | None:
    """Return the keys and values of a stretch as bytes; None if they are not kept any more.

    The turnstile is taken while they are copied, and not while they are packed.
    """
    with engine.turn:
        pieces: list[TensorRows] | None = engine.shelf.pieces(ids, start, stop)
    if not pieces:
        return None
    tensors = {}
    for number, layers in enumerate(zip(*(piece.layers for piece in pieces), strict=True)):
        for name, tensors_of in zip("kv", zip(*layers, strict=True), strict=True):
            tensors[f"{number}.{name}"] = torch.cat(tensors_of, dim=-2).cpu().contiguous()
    return save(tensors, metadata={"holds": "keys and values"})


def unpacked_rows(engine: Engine, payload: bytes, length: int) -> TensorRows | None:
    """Return the rows that bytes hold; None if they are not what this model's would be."""
    try:
        tensors = load(payload)
    except (SafetensorError, ValueError, KeyError):
        return None
    count = len(engine.lane(1).cache.rows)
    if set(tensors) != {f"{number}.{name}" for number in range(count) for name in "kv"}:
        return None
    if any(
        tensor.dim() != 4 or tensor.shape[0] != 1 or tensor.shape[2] != length for tensor in tensors.values()
    ):
        return None
    tensors = {name: tensor.to(engine.device) for name, tensor in tensors.items()}
    return TensorRows([(tensors[f"{number}.k"], tensors[f"{number}.v"]) for number in range(count)])


def put_rows(engine: Engine, ids: array[int], start: int, rows: TensorRows) -> bool:
    """Put rows of the tokens of ``ids`` from ``start`` on on the shelf; False if they do not fit."""
    with engine.turn:
        return engine.shelf.put(ids, start, rows)
