"""Several lanes that take a step together: one forward pass, each sequence at its own length.

The weights are read once for all of them, which is what a step of one sequence costs. The rows of
the lanes are copied side by side into one buffer, aligned at their ends, so that distances are what
they were; new rows are written there, and back into the lanes when these leave.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import torch

from memex_hf.running.continuing import OTHER_CACHE, same
from memex_hf.running.engine import Engine
from memex_hf.running.layers import LaneCache
from memex_hf.running.tensor_lane import TensorLane

_ROOM = 128  # tokens of every answer that room is made for at once
_LENGTHS = (9, 17)


class Batch:
    """Lanes side by side. The turnstile is held for every use.

    Args:
        engine: Runs the model.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cache: LaneCache | None = None
        self._places: list[TensorLane | None] = []
        self._fed: list[list[int]] = []
        self._mask = torch.empty(0)
        self._positions = torch.empty(0)

    def step(self, lanes: Sequence[TensorLane], tokens: Sequence[int]) -> torch.Tensor:
        """Run one token in each lane and return the scores of the next ones, in the lanes' order.

        If it fails, the lanes hold what they held before.
        """
        if len(lanes) == 1:
            self.dissolve()
            return self._engine.forward(lanes[0], tokens).unsqueeze(0)
        if self._is_out_of_date(lanes):
            self.dissolve()
            self._form(lanes)
        places = [self._place(lane) for lane in lanes]
        given = torch.zeros((len(self._places), 1), dtype=torch.long)
        given[places, 0] = torch.tensor(list(tokens))
        scores = self._forward(given.to(self._engine.device))
        for place, token in zip(places, tokens, strict=True):
            self._fed[place].append(token)
        return scores[places]

    def leave(self, lane: TensorLane) -> None:
        """Write what was computed for a lane back into it; its place stays empty."""
        if any(other is lane for other in self._places):
            place = self._place(lane)
            self._write_back(place)
            self._places[place] = None

    def dissolve(self) -> None:
        """Let every lane leave."""
        for place, lane in enumerate(self._places):
            if lane is not None:
                self._write_back(place)
        self._places, self._fed, self._cache = [], [], None

    # -- inside --------------------------------------------------------------------------------

    def _is_out_of_date(self, lanes: Sequence[TensorLane]) -> bool:
        """Tell whether somebody is new, or so many have left that moving together pays."""
        here = {id(lane) for lane in self._places}
        return any(id(lane) not in here for lane in lanes) or 2 * len(lanes) <= len(self._places)

    def _place(self, lane: TensorLane) -> int:
        return next(place for place, other in enumerate(self._places) if other is lane)

    def _form(self, lanes: Sequence[TensorLane]) -> None:
        lengths = [len(lane.ids) for lane in lanes]
        longest, engine = max(lengths), self._engine
        engine.shelf.fit(engine.bytes_for(longest + _ROOM) * len(lanes))
        cache = LaneCache(engine.config, longest + _ROOM)
        for number, layer in enumerate(cache.rows):
            layer.start_with([lane.cache.rows[number] for lane in lanes])
        self._cache, self._places, self._fed = cache, list(lanes), [[] for _ in lanes]
        starts = torch.tensor([[longest - length] for length in lengths])
        self._mask = (torch.arange(longest).unsqueeze(0) >= starts).long().to(engine.device)
        self._positions = torch.tensor([[length] for length in lengths], device=engine.device)

    def _forward(self, given: torch.Tensor) -> torch.Tensor:
        cache = self._cache
        assert cache is not None  # noqa: S101 - for the type checker
        held = [layer.length for layer in cache.rows]
        mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=1)
        try:
            scores = self._engine.run(given, cache, attention_mask=mask, position_ids=self._positions).logits[
                :, -1
            ]
        except BaseException:
            for layer, length in zip(cache.rows, held, strict=True):
                layer.length = length
            self.dissolve()
            raise
        self._mask, self._positions = mask, self._positions + 1
        found: torch.Tensor = scores
        return found

    def _write_back(self, place: int) -> None:
        lane, fed, cache = self._places[place], self._fed[place], self._cache
        if lane is None or cache is None or not fed:
            return
        for mine, theirs in zip(cache.rows, lane.cache.rows, strict=True):
            rows = slice(mine.length - len(fed), mine.length)
            assert mine.key_rows is not None and mine.value_rows is not None  # noqa: S101, PT018
            theirs.append(
                mine.key_rows[place : place + 1, :, rows], mine.value_rows[place : place + 1, :, rows]
            )
        lane.ids.extend(fed)
        self._fed[place] = []


def can_batch(engine: Engine) -> bool:
    """Tell whether several sequences may take steps together: tried out on a few tokens, once."""
    if engine.batches is None:
        engine.batches = _tried(engine)
    return engine.batches


def _tried(engine: Engine) -> bool:
    parameters = inspect.signature(engine.model.forward).parameters
    needed = {"attention_mask", "position_ids"}
    if engine.continues != "anywhere" or not engine.own_rows or not needed <= set(parameters):
        return False
    size = engine.config.get_text_config().vocab_size
    ids = [(5 + 29 * index) % size for index in range(max(_LENGTHS) + 2)]
    batch, lanes, alone = Batch(engine), [], []
    try:
        with engine.turn:
            for length in _LENGTHS:
                alone.append(engine.forward(engine.lane(length), ids[: length + 2]))
                lane = engine.lane(length)
                engine.forward(lane, ids[:length])
                lanes.append(lane)
            without = engine.forward(engine.lane(1), ids[:1])
            batch.step(lanes, [ids[length] for length in _LENGTHS])
            together = batch.step(lanes, [ids[length + 1] for length in _LENGTHS])
    except OTHER_CACHE:
        return False
    return all(same(one, other, without) for one, other in zip(alone, together, strict=True))
