"""Lanes made of tensors: the shelf's copies, cuts and states, done with torch."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import torch

from memex_hf.running.layers import LaneCache

Pair = tuple[torch.Tensor, torch.Tensor]


class TensorRows:
    """Keys and values of a stretch, layer by layer, in exactly their size."""

    __slots__ = ("layers",)

    def __init__(self, layers: list[Pair]) -> None:
        self.layers = layers

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return sum(_bytes(tensor) for pair in self.layers for tensor in pair)

    def split(self, at: int) -> tuple[TensorRows, TensorRows]:
        """Return copies of both parts."""
        return (
            TensorRows([(k[:, :, :at].clone(), v[:, :, :at].clone()) for k, v in self.layers]),
            TensorRows([(k[:, :, at:].clone(), v[:, :, at:].clone()) for k, v in self.layers]),
        )


class TensorState:
    """Everything that layers without rows hold at one place of a sequence."""

    __slots__ = ("layers", "nbytes")

    def __init__(self, layers: list[dict[str, Any]]) -> None:
        self.layers = layers
        self.nbytes = sum(_bytes(tensor) for fields in layers for tensor in _tensors(fields))


class TensorLane:
    """A sequence in one piece; what :class:`memex_hf.lanes.Lane` asks for.

    Args:
        config: The model's.
        room: Tokens to make room for.
        own_rows: Whether to use our own layers.

    Attributes:
        cache: What the model is given.
        ids: The tokens whose rows it holds.
        busy: Whether somebody is generating in it.
        used: When it was last used.
    """

    def __init__(self, config: Any, room: int, *, own_rows: bool = True) -> None:
        self.cache = LaneCache(config, room, own_rows=own_rows)
        self.ids = array("I")
        self.busy = False
        self.used = 0

    @property
    def nbytes(self) -> int:
        """Bytes of its buffers and states."""
        states = sum(_bytes(t) for layer in self.cache.others for t in _tensors(layer.__dict__))
        return states + sum(layer.nbytes for layer in self.cache.rows)

    def take(self, ids: Sequence[int], rows: Any, start: int, stop: int) -> None:
        """Copy rows of another lane, or rows of their own, to the end of this one."""
        pairs = _pairs(rows)
        for layer, (keys, values) in zip(self.cache.rows, pairs, strict=True):
            layer.append(keys[:, :, start:stop], values[:, :, start:stop])
        self.ids.extend(ids)

    def cut(self, length: int) -> None:
        """Forget what comes after the first ``length`` tokens."""
        for layer in self.cache.rows:
            layer.length = min(layer.length, length)
        del self.ids[length:]

    def copy(self, start: int, stop: int) -> TensorRows:
        """Return a copy of rows."""
        return TensorRows([(_part(k, start, stop), _part(v, start, stop)) for k, v in _pairs(self)])

    def freeze(self, spans: Sequence[tuple[int, int]]) -> list[TensorRows]:
        """Return copies of rows and give up the buffers, one layer at a time."""
        frozen: list[list[Pair]] = [[] for _ in spans]
        for layer in self.cache.rows:
            keys, values = layer.key_rows, layer.value_rows
            for pairs, (start, stop) in zip(frozen, spans, strict=True):
                if keys is not None and values is not None:
                    pairs.append((_part(keys, start, stop), _part(values, start, stop)))
            del keys, values
            layer.key_rows = layer.value_rows = None
        self.cache.others.clear()
        return [TensorRows(pairs) for pairs in frozen]

    def state(self) -> TensorState:
        """Return a copy of what the other layers hold."""
        return TensorState([_cloned(layer.__dict__) for layer in self.cache.others])

    def put_state(self, state: TensorState) -> None:
        """Let the other layers hold what they held then."""
        for layer, fields in zip(self.cache.others, state.layers, strict=True):
            layer.__dict__.update(_cloned(fields))


def _pairs(rows: Any) -> list[Pair]:
    if isinstance(rows, TensorRows):
        return rows.layers
    return [(layer.key_rows, layer.value_rows) for layer in rows.cache.rows]


def _part(rows: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    return rows[:, :, start:stop].clone(memory_format=torch.contiguous_format)


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [tensor for item in items for tensor in _tensors(item)]


def _cloned(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _cloned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cloned(item) for item in value)
    return value
