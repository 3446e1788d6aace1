"""Cache layers whose rows are written in place, and how a model's own layers map to them.

transformers' growing layer joins old and new rows into a new tensor for every token. Here they
are written into a buffer with room; a layer with a sliding window keeps all of its rows, so that
any beginning of a sequence can be gone on from, and shows the model only those in the window.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import (
    Cache,
    DynamicCache,
    DynamicLayer,
    DynamicSlidingWindowLayer,
)

_STEP = 64


class RowLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # transformers is half typed
    """Keys and values of one layer, in buffers of ``[1, heads, room, size]``.

    Args:
        window: Tokens that one token sees, itself included; None for all before it.

    Attributes:
        length: Rows that are written.
        room: Rows that the next buffers are made for.
    """

    is_croppable = True

    def __init__(self, window: int | None = None) -> None:
        self.window = window
        self.is_sliding = window is not None
        self.sliding_window = window
        self.length = 0
        self.room = _STEP
        self.is_initialized = False
        self.key_rows: torch.Tensor | None = None
        self.value_rows: torch.Tensor | None = None

    @property
    def keys(self) -> torch.Tensor | None:  # type: ignore[override]
        """The keys so far."""
        return None if self.key_rows is None else self.key_rows[:, :, : self.length]

    @property
    def values(self) -> torch.Tensor | None:  # type: ignore[override]
        """The values so far."""
        return None if self.value_rows is None else self.value_rows[:, :, : self.length]

    @property
    def nbytes(self) -> int:
        """Bytes of the buffers."""
        if self.key_rows is None or self.value_rows is None:
            return 0
        return _size(self.key_rows, self.value_rows)

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Make the buffers."""
        self.device = key_states.device
        self.key_rows = _empty(key_states, self.room)
        self.value_rows = _empty(value_states, self.room)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new rows and return those that the new tokens see."""
        before, end = self.length, self.length + key_states.shape[-2]
        keys, values = self.reserve(end, key_states, value_states)
        keys[:, :, before:end] = key_states
        values[:, :, before:end] = value_states
        self.length = end
        first = 0 if self.window is None else max(0, before - self.window + 1)
        return keys[:, :, first:end], values[:, :, first:end]

    def append(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Copy rows to the end; what ``update`` does, with nothing to return."""
        self.update(keys, values)

    def reserve(
        self, length: int, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return buffers with room for ``length`` rows like those given."""
        if self.key_rows is None or self.value_rows is None:
            self.room = max(self.room, _rounded(length))
            self.lazy_initialization(keys, values)
        elif length > self.key_rows.shape[-2]:
            self.room = _rounded(max(length, self.key_rows.shape[-2] * 5 // 4))
            self.key_rows = _moved(self.key_rows, self.length, self.room)
            self.value_rows = _moved(self.value_rows, self.length, self.room)
        assert self.key_rows is not None and self.value_rows is not None  # noqa: S101, PT018 - for the type checker
        return self.key_rows, self.value_rows

    def get_mask_sizes(self, query_length: Any) -> tuple[int, int]:
        """Return how many rows the next tokens see, and the first of them."""
        new = query_length if isinstance(query_length, int) else int(query_length.shape[0])
        first = 0 if self.window is None else max(0, self.length - self.window + 1)
        return self.length + new - first, first

    def get_seq_length(self, *_args: Any) -> int:
        """Return how many rows are written."""
        return self.length

    def get_max_length(self) -> int:
        """Return the window, -1 for none."""
        return -1 if self.window is None else self.window

    get_max_cache_shape = get_max_length  # its name before 5.20

    def crop(self, tokens_to_remove: int) -> None:
        """Forget the last rows; the count is negative, as transformers has it."""
        self.length = max(0, self.length - abs(tokens_to_remove))

    def reset(self) -> None:
        """Forget all rows."""
        self.length = 0


class LaneCache(DynamicCache):
    """A cache of one sequence: row layers where the model has attention, its own layers elsewhere.

    Args:
        config: The model's.
        room: Tokens to make room for.
        own_rows: Whether to use our own layers.
    """

    def __init__(self, config: Any, room: int, *, own_rows: bool = True) -> None:
        layers = list(DynamicCache(config=config).layers)
        if own_rows:
            layers = [_ours(layer) for layer in layers]
        for layer in layers:
            if isinstance(layer, RowLayer):
                layer.room = _rounded(room)
        Cache.__init__(self, layers=layers)
        self.rows: list[RowLayer] = [layer for layer in layers if isinstance(layer, RowLayer)]
        self.others: list[Any] = [layer for layer in layers if _holds_state(layer)]


def _ours(layer: Any) -> Any:
    """Return a layer that does what ``layer`` does; exact types only, a subclass may hold more."""
    if type(layer) is DynamicLayer:
        return RowLayer()
    if type(layer) is DynamicSlidingWindowLayer:
        return RowLayer(int(layer.sliding_window))
    return layer


def _holds_state(layer: Any) -> bool:
    return not isinstance(layer, RowLayer) and type(layer).__name__ != "DummyLayer"


def _rounded(length: int) -> int:
    return (length + _STEP - 1) // _STEP * _STEP


def _empty(like: torch.Tensor, room: int) -> torch.Tensor:
    batch, heads, _, size = like.shape
    return torch.empty((batch, heads, room, size), dtype=like.dtype, device=like.device)


def _moved(old: torch.Tensor, length: int, room: int) -> torch.Tensor:
    new = _empty(old, room)
    new[:, :, :length] = old[:, :, :length]
    return new


def _size(*tensors: torch.Tensor) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
