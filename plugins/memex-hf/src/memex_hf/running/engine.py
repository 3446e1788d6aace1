"""The engine: one model, its shelf of keys and values, and the steps of running it.

A step is a forward pass over some tokens in a lane. Whoever generates takes the turnstile for each
step, so that several threads advance together and a long prompt keeps nobody waiting for long.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any, Final

import msgspec
import torch

from memex_hf.running.tensor_lane import TensorLane
from memex_hf.shelf import Shelf
from memex_hf.turnstile import Turnstile

_WORTH_A_STEP: Final = 16  # tokens: nearer to a kept state, another one is not worth a step of its own
_WORTH_A_PLAN: Final = 1024  # tokens at once, from which on cuDNN's attention is worth its preparation
_CACHE_NAMES: Final = ("cache", "past_key_values", "cache_params")
_CHANGING_ROPE: Final = ("dynamic", "longrope")


class Counts(msgspec.Struct):
    """Tokens that went through the model.

    Attributes:
        prefilled: Of prompts.
        warmed: Of prompts that were prepared while the user read.
        decoded: Of answers.
    """

    prefilled: int = 0
    warmed: int = 0
    decoded: int = 0


class Engine:
    """Runs a model over lanes.

    Args:
        model: A causal language model of transformers, on its device.
        budget: The most bytes of keys and values to keep.
        chunk: Tokens of a prompt that are run at once; 512 on a CPU, 2,048 elsewhere by default.
        most_lanes: Sequences that stay ready to go on without a copy.

    Attributes:
        turn: Held for every step, and for every use of the shelf.
        alone: Held for a whole answer where a model cannot be gone on with: it may keep something of a
            sequence in itself.
        shelf: What is kept.
        counts: Tokens run so far.
        continues: How a sequence may be gone on with: ``"anywhere"``; ``"chunks"`` from its end or a
            kept state; ``"tokens"`` likewise, but one token at a time; ``"never"``.
        batches: Whether several sequences may take steps together; None until it was tried.
        own_rows: Whether the model takes our layers; if not, it is given transformers' own.
    """

    def __init__(self, model: Any, *, budget: int, chunk: int | None = None, most_lanes: int = 8) -> None:
        self.model = model
        self.turn = Turnstile()
        self.alone = threading.Lock()
        self.counts = Counts()
        self.config = model.config
        parameters = inspect.signature(model.forward).parameters
        self._cache_name = next((name for name in _CACHE_NAMES if name in parameters), _CACHE_NAMES[1])
        self._keeps = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self._device = torch.device(model.get_input_embeddings().weight.device)
        self._chunk = chunk or (512 if self._device.type == "cpu" else 2048)
        self._bytes_per_token = 0.0
        self._fixed_bytes = 0
        self._fixed_limit = _fixed_limit(model.config)
        self.batches: bool | None = False if self._fixed_limit else None
        self.own_rows = True
        self.continues = "anywhere"
        from memex_hf.running.continuing import how_to_continue

        self.continues = how_to_continue(self)
        self.shelf = Shelf(self, budget, most_lanes)

    @property
    def device(self) -> torch.device:
        """Where token ids go."""
        return self._device

    # -- what the shelf asks for ---------------------------------------------------------------

    @property
    def croppable(self) -> bool:
        """Whether a lane may be cut anywhere."""
        return self.continues == "anywhere"

    def lane(self, room: int) -> TensorLane:
        """Return an empty lane."""
        return TensorLane(self.config, room, own_rows=self.own_rows)

    def bytes_for(self, room: int) -> int:
        """Return what a lane will take."""
        return int(self._bytes_per_token * room) + self._fixed_bytes

    # -- steps ---------------------------------------------------------------------------------

    def forward(self, lane: TensorLane, ids: Sequence[int]) -> torch.Tensor:
        """Run tokens after those in a lane and return the scores of the next one.

        If it fails, the lane holds what it held before, where that can be restored.
        """
        given = torch.tensor([list(ids)], dtype=torch.long, device=self.device)
        held = len(lane.ids)
        try:
            out = self.run(given, lane.cache)
        except BaseException:
            lane.cut(held)
            raise
        lane.ids.extend(ids)
        scores: torch.Tensor = out.logits[0, -1]
        return scores

    def run(self, given: torch.Tensor, cache: Any, **more: torch.Tensor) -> Any:
        """Run the model over tokens that follow what is in a cache, and return what it gives."""
        with torch.no_grad(), self._attention(given.shape[-1]):
            return self.model(
                input_ids=given, use_cache=True, **{self._cache_name: cache}, **self._keeps, **more
            )

    def _attention(self, new: int) -> AbstractContextManager[None]:
        """Choose how attention is computed for a step over so many tokens.

        cuDNN's is the fastest over many tokens, and makes a plan for every new length, which each token
        of an answer has: with PyTorch 2.11 on an H200 a model of 1.1 B weights decoded 16 tokens a
        second with it at 8,000 tokens, and 74 without (``benchmarks/kv.py --device cuda --big``).
        """
        if self._device.type != "cuda" or new >= _WORTH_A_PLAN:
            return nullcontext()
        from torch.nn.attention import SDPBackend, sdpa_kernel

        others = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
        kernels: AbstractContextManager[None] = sdpa_kernel(others)
        return kernels

    def begin(self, ids: Sequence[int], room: int) -> TensorLane:
        """Borrow the lane that holds most of a prompt. The turnstile is held."""
        if self.continues == "never" or (self._fixed_limit and room > self._fixed_limit):
            lane = self.lane(max(room, len(ids)))
            lane.busy = True
            return lane
        return self.shelf.lend(ids, room)

    def end(self, lane: TensorLane, cuts: Sequence[int] = (), *, failed: bool = False) -> None:
        """Give a lane back. The turnstile is held.

        Args:
            lane: From :meth:`begin`.
            cuts: Where messages end.
            failed: Whether a step in it failed. Rows are still right then, a state may not be.
        """
        if lane not in self.shelf.lanes:
            return  # it never was on the shelf, or the shelf was cleared
        if failed and not self.croppable:
            self.shelf.throw_away(lane)
            return
        self._measure(lane)
        self.shelf.give_back(lane, cuts)

    def prefill(
        self,
        lane: TensorLane,
        ids: Sequence[int],
        cuts: Sequence[int] = (),
        *,
        go_on: Callable[[], bool] = lambda: True,
        warm: bool = False,
        chunk: int | None = None,
    ) -> torch.Tensor | None:
        """Run what of a prompt is not in the lane yet, in chunks, taking the turnstile for each.

        Args:
            lane: From :meth:`begin`.
            ids: The prompt.
            cuts: Where messages end.
            go_on: Asked before every chunk; False ends it there.
            warm: Whether nobody waits for it.
            chunk: Tokens that are run at once, if fewer than usual.

        Returns:
            The scores of the next token; None if it was ended early.
        """
        scores = None
        whole = lane not in self.shelf.lanes  # nothing of it is kept
        size = min(chunk or self._chunk, self._chunk)
        for start, stop in self._chunks(len(lane.ids), len(ids), cuts, size=len(ids) if whole else size):
            if not go_on():
                return None
            with self.turn:
                scores = self.forward(lane, ids[start:stop])
                if warm:
                    self.counts.warmed += stop - start
                else:
                    self.counts.prefilled += stop - start
                if stop < len(ids) and lane in self.shelf.lanes:
                    self._measure(lane)
                    self.shelf.record(lane, cuts, state=stop in cuts)
        return scores

    def _chunks(self, start: int, stop: int, cuts: Sequence[int], *, size: int) -> list[tuple[int, int]]:
        """Return the stretches in which ``start`` to ``stop`` are run, of at most ``size`` tokens."""
        if self.continues == "tokens":
            return [(0, stop)] if start == 0 else [(at, at + 1) for at in range(start, stop)]
        ends = {*range(start + size, stop, size), stop}
        if self.continues == "chunks":  # states are kept where messages end: the first and the last
            inside = [cut for cut in cuts if start + _WORTH_A_STEP <= cut < stop]
            ends |= {*inside[:1], *inside[-2:]}
        return list(pairwise([start, *sorted(ends)]))

    def _measure(self, lane: TensorLane) -> None:
        """Learn what a lane takes, once it holds something."""
        room = sum(layer.key_rows.shape[-2] for layer in lane.cache.rows if layer.key_rows is not None)
        if not self._bytes_per_token and lane.ids:
            rows = sum(layer.nbytes for layer in lane.cache.rows)
            self._bytes_per_token = rows * len(lane.cache.rows) / room if room else 0.0
            self._fixed_bytes = lane.nbytes - rows


def _fixed_limit(config: Any) -> int:
    """Return the length from which on earlier rows would have to be computed again, 0 for none.

    Some ways to stretch positions rotate every key differently once a sequence is longer than the
    model was trained for; rows from before that cannot be gone on from.
    """
    text = config.get_text_config()
    told = getattr(text, "rope_parameters", None) or getattr(text, "rope_scaling", None) or {}
    kinds = [told, *(value for value in told.values() if isinstance(value, dict))]
    for kind in kinds:
        if kind.get("rope_type", kind.get("type")) in _CHANGING_ROPE:
            name = "original_max_position_embeddings"
            return int(kind.get(name) or getattr(text, name, 0) or text.max_position_embeddings)
    return 0
