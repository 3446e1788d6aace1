"""Generates: a prompt through the engine, then one token after the other, each told as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

import msgspec

from memex_hf.running.choosing import Choosing
from memex_hf.running.engine import Engine
from memex_hf.sampling import Sampling

_ROOM = 256  # tokens of an answer that room is made for at once


class Run(msgspec.Struct):
    """What one generation did; filled in as it goes.

    Attributes:
        reused: Tokens of the prompt that were not computed.
        prefilled: Tokens of it that were.
        out: The tokens of the answer.
        finish: Why it ended: ``stop`` or ``length``; empty while it runs.
    """

    reused: int = 0
    prefilled: int = 0
    out: list[int] = msgspec.field(default_factory=list)
    finish: str = ""


def generate_ids(
    engine: Engine,
    ids: Sequence[int],
    sampling: Sampling,
    run: Run,
    *,
    most: int,
    ends: frozenset[int],
    cuts: Sequence[int] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """Yield the tokens of an answer; leaving the loop early keeps what was computed.

    The last token that is yielded is not in the cache: the next prompt begins with it.

    Args:
        engine: The model.
        ids: The prompt.
        sampling: How tokens are chosen.
        run: Told what was done.
        most: Most tokens of the answer.
        ends: Tokens that end it; they are yielded too.
        cuts: Where messages end in the prompt.
        cancelled: Asked between steps; True ends the answer there.
    """
    until = None if sampling.deadline is None else time.monotonic() + sampling.deadline
    choosing = Choosing(sampling, engine.device)

    def go_on() -> bool:
        return not cancelled() and (until is None or time.monotonic() < until)

    alone = engine.alone if engine.continues == "never" else nullcontext()
    with alone:
        yield from _generate(engine, ids, choosing, run, most=most, ends=ends, cuts=cuts, go_on=go_on)


def _generate(
    engine: Engine,
    ids: Sequence[int],
    choosing: Choosing,
    run: Run,
    *,
    most: int,
    ends: frozenset[int],
    cuts: Sequence[int],
    go_on: Callable[[], bool],
) -> Iterator[int]:
    with engine.turn:
        lane = engine.begin(ids, len(ids) + min(most, _ROOM))
    run.reused = len(lane.ids)
    run.prefilled = len(ids) - run.reused
    failed = True
    try:
        scores = engine.prefill(lane, ids, cuts, go_on=go_on)
        while scores is not None:
            with engine.turn:
                token = choosing.choose(scores, lane.ids)
            run.out.append(token)
            if token in ends:
                run.finish = "stop"
            elif len(run.out) >= most or not go_on():
                run.finish = "length"
            yield token
            if run.finish:
                break
            with engine.turn:
                scores = engine.forward(lane, [token])
                engine.counts.decoded += 1
        run.finish = run.finish or "length"
        failed = False
    except GeneratorExit:
        failed = False
        raise
    finally:
        with engine.turn:
            engine.end(lane, [*cuts, len(ids)], failed=failed)
