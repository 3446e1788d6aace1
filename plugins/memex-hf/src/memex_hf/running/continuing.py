"""How a model may go on from what is kept: found out by trying, never assumed.

Attention can be cut anywhere. Layers with a state cannot, and not every implementation goes on
from a state with several tokens at once. So a few tokens are run whole and in parts, and what does
not come out the same is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from memex_hf.running.engine import Engine

Continuing = Literal["anywhere", "chunks", "tokens", "never"]

_LENGTH = 24
_CUT = 15
_CLOSE = {torch.float64: 1e-5, torch.float32: 1e-3}  # some layers compute in float32 in any model
_CLOSE_HALF = 0.1
_MUCH_CLOSER = 0.3
_OTHER_CACHE = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, NotImplementedError)


def how_to_continue(engine: Engine) -> Continuing:
    """Return how sequences of this model may be gone on with."""
    size = engine.config.get_text_config().vocab_size
    ids = [(7 + 31 * index) % size for index in range(_LENGTH)]
    try:
        whole = engine.forward(engine.lane(_LENGTH), ids)
    except _OTHER_CACHE:
        engine.own_rows = False
        whole = engine.forward(engine.lane(_LENGTH), ids)
    alone = engine.forward(engine.lane(_LENGTH), ids[_CUT:])  # what comes out if nothing is gone on from
    try:
        rows_only = not engine.lane(_LENGTH).cache.others
        if rows_only and _same(whole, _cut_and_again(engine, ids), alone):
            return "anywhere"
        if _same(whole, _in_parts(engine, ids, _LENGTH), alone):
            return "chunks"
        if _same(whole, _in_parts(engine, ids, 1), alone):
            return "tokens"
    except _OTHER_CACHE:
        return "never"
    return "never"


def _cut_and_again(engine: Engine, ids: list[int]) -> torch.Tensor:
    """Run a part, then something else, cut that off, and run the rest."""
    lane = engine.lane(_LENGTH)
    engine.forward(lane, ids[:_CUT])
    engine.forward(lane, ids[: _LENGTH - _CUT])
    lane.cut(_CUT)
    return engine.forward(lane, ids[_CUT:])


def _in_parts(engine: Engine, ids: list[int], step: int) -> torch.Tensor:
    """Run a part, keep the state, go on from a copy in another lane, ``step`` tokens at a time."""
    first, lane = engine.lane(_LENGTH), engine.lane(_LENGTH)
    scores = engine.forward(first, ids[:_CUT])
    state = first.state()
    engine.forward(first, ids[:1])  # what comes later must not change the copy
    lane.take(ids[:_CUT], first, 0, _CUT)
    lane.put_state(state)
    for at in range(_CUT, _LENGTH, step):
        scores = engine.forward(lane, ids[at : min(at + step, _LENGTH)])
    return scores


def _same(whole: torch.Tensor, parts: torch.Tensor, alone: torch.Tensor) -> bool:
    """Tell whether the parts give what the whole gives, and not what they would without a past."""
    close = _CLOSE.get(whole.dtype, _CLOSE_HALF) * float(whole.abs().max().clamp(min=1e-6))
    off, lost = (float((whole - other).abs().max()) for other in (parts, alone))
    return off <= close and (lost <= 3 * close or off <= _MUCH_CLOSER * lost)
