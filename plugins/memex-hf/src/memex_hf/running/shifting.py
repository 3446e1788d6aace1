"""Approximate, and only where asked for: keys of what stays after an eviction are moved, not computed again.

What follows the evicted messages was computed while they were there. Its keys are turned to the
positions that it has now, its values are left as they are, and the first tokens, which attention
leans on (the sinks), are kept. A full recompute would give other numbers: by how much is measured.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Final

import torch

from memex import ConfigError
from memex_hf.radix import packed, shared
from memex_hf.running.continuing import OTHER_CACHE
from memex_hf.running.engine import Engine
from memex_hf.running.tensor_lane import TensorLane, TensorRows

SINKS: Final = 4
_WORTH_IT: Final = 32
_MODELS: Final = ("llama", "mistral", "qwen2", "qwen3")
_ROPES: Final = ("default", "linear", "llama3")  # their frequencies never change
_TRIED: Final = (37, 500)
_CLOSE: Final = {torch.float64: 1e-5, torch.float32: 1e-3}


class Shifting:
    """Moves keys to other positions for one engine.

    Args:
        engine: The engine.

    Raises:
        ConfigError: If the model's positions are not of a kind that can be moved.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        rope = getattr(engine.model.get_decoder(), "rotary_emb", None)
        kind = getattr(rope, "rope_type", "default")
        known = engine.config.get_text_config().model_type in _MODELS and kind in _ROPES
        if engine.continues != "anywhere" or rope is None or not known or not self._turns_as_expected(rope):
            raise ConfigError(
                "hf: approximate='sinks' moves keys of models like llama, mistral and qwen with plain rotary "
                f"positions; {engine.config.get_text_config().model_type} is not one; leave it out"
            )

    def shift(self, prompt: Sequence[int]) -> int:
        """Put moved rows on the shelf where a prompt leaves out what a lane has in its middle.

        Returns:
            How many tokens of the prompt will be gone on from although they are moved, or come after such.
        """
        ids, engine = packed(prompt), self._engine
        with engine.turn:
            shelf = engine.shelf
            known = shelf.known(ids)
            if known >= SINKS and len(ids) - known > _WORTH_IT:
                lane, first, length = self._longest(ids, known)
                if lane is not None:
                    rows = self._moved(lane.copy(first, first + length), known - first)
                    shelf.put(ids[: known + length], known, rows, moved=True)
            return shelf.moved(ids)

    def _longest(self, ids: array[int], known: int) -> tuple[TensorLane | None, int, int]:
        """Return where the tokens after the known ones stand further on in a lane, and how many of them."""
        best: tuple[TensorLane | None, int, int] = (None, 0, _WORTH_IT - 1)
        wanted = ids[known : known + _WORTH_IT].tobytes()
        for lane in self._engine.shelf.lanes:
            held, size = lane.ids.tobytes(), lane.ids.itemsize
            at = held.find(wanted, known * size)
            while at >= 0:
                if at % size == 0:
                    length = min(shared(lane.ids[at // size :], ids, known), len(ids) - 1 - known)
                    if length > best[2]:
                        best = (lane, at // size, length)
                at = held.find(wanted, at + 1)
        return best

    def _moved(self, rows: TensorRows, by: int) -> TensorRows:
        frequencies = self._engine.model.get_decoder().rotary_emb.inv_freq
        return TensorRows([(turned(keys, by, frequencies), values) for keys, values in rows.layers])

    def _turns_as_expected(self, rope: Any) -> bool:
        """Run one token alone at several positions: the keys of every layer must differ by the turn alone."""
        engine, (one, other) = self._engine, _TRIED
        try:
            with engine.turn:
                before, after = (self._keys_at(position) for position in (one, other))
        except OTHER_CACHE:
            return False
        close = _CLOSE.get(before[0].dtype, 0.05)
        return all(
            float((turned(first, other - one, rope.inv_freq) - second).abs().max())
            <= close * float(second.abs().max())
            for first, second in zip(before, after, strict=True)
        )

    def _keys_at(self, position: int) -> list[torch.Tensor]:
        engine, lane = self._engine, self._engine.lane(1)
        where = torch.tensor([[position]], device=engine.device)
        engine.run(torch.tensor([[5]], device=engine.device), lane.cache, position_ids=where)
        return [layer.keys for layer in lane.cache.rows if layer.keys is not None]


def turned(keys: torch.Tensor, by: int, frequencies: torch.Tensor) -> torch.Tensor:
    """Return keys as they would be ``by`` positions further on."""
    angles = by * frequencies.cpu().double()
    kind = torch.promote_types(keys.dtype, torch.float32)
    cosine, sine = (torch.cat([part, part]).to(kind).to(keys.device) for part in (angles.cos(), angles.sin()))
    wide = keys.to(kind)
    half = wide.shape[-1] // 2
    rotated = torch.cat([-wide[..., half:], wide[..., :half]], dim=-1)
    return (wide * cosine + rotated * sine).to(keys.dtype)
