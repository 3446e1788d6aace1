"""Measures for kv.py: several threads that decode together."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from kv_clock import now
from kv_models import build, configs, words
from kv_talk import scores_of
from kv_turns import backend
from memex_hf.backend import HF
from memex_hf.ledger import NOTE, read_note
from memex_hf.running.batch import can_batch

from memex import Event, Message, Request

Row = dict[str, Any]
HIDDEN, LAYERS, THREADS, TOKENS = 512, 8, 8, 64


def batch(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Compare answers together with those of one after the other, and their tokens per second."""
    for name in models:
        for dtype in (torch.float64, torch.float32):
            model = build(configs(64, 2)[name], dtype=dtype, device=device)
            if can_batch(backend(model).engine):
                yield _identical(model, name, dtype, seeds=2 if quick else 10)
        model = build(configs(HIDDEN, LAYERS)[name], dtype=torch.float32, device=device, spread=None)
        if can_batch(backend(model).engine):
            yield _speed(model, name, times=2 if quick else 5)


def _identical(model: Any, name: str, dtype: torch.dtype, *, seeds: int) -> Row:
    same = compared = unexplained = 0
    for seed in range(seeds):
        requests = _requests(seed, TOKENS)
        made, other = backend(model), backend(model)
        for request, (ids, out) in zip(requests, _together(made, requests), strict=True):
            expected = _ids(list(other.stream(request)))
            compared += 1
            same += out == expected
            differs = next(
                (at for at, pair in enumerate(zip(out, expected, strict=True)) if len({*pair}) > 1), None
            )
            if differs is not None:
                scores = scores_of(model, [*ids, *out[:differs]])
                margin = float(scores[expected[differs]] - scores[out[differs]])
                unexplained += abs(margin) > 1e-4 * float(scores.abs().max())
    exact = dtype == torch.float64
    return {
        "measure": f"{THREADS} threads together as one after the other, {str(dtype).removeprefix('torch.')}",
        "model": name,
        "figure": f"{same} of {compared} answers identical",
        "limit": "all identical"
        if exact
        else "identical, or the two tokens within 1e-4 of the largest score",
        "passed": same == compared if exact else unexplained == 0,
    }


def _speed(model: Any, name: str, *, times: int) -> Row:
    alone, together = [], []
    for turn in range(times):
        one, many = (
            [_seconds(model, turn, most, at_once=at_once) for most in (1, TOKENS + 1)] for at_once in (1, 8)
        )
        alone.append(THREADS * TOKENS / (one[1] - one[0]))
        together.append(THREADS * TOKENS / (many[1] - many[0]))
    slow, fast = statistics.median(alone), statistics.median(together)
    return {
        "measure": f"tokens per second of {THREADS} threads at 200 to 350 tokens, together against in turn",
        "model": name,
        "figure": f"{fast / slow:.1f}x ({fast:.0f}, {slow:.0f})",
        "limit": "at least 3x",
        "passed": fast / slow >= 3,
    }


def _seconds(model: Any, seed: int, most: int, *, at_once: int) -> float:
    made = backend(model)
    requests = _requests(seed, most)
    begun = now()
    if at_once == 1:
        for request in requests:
            list(made.stream(request))
    else:
        list(made.stream_many(requests, at_once=at_once))
    return now() - begun


def _requests(seed: int, most: int) -> list[Request]:
    return [
        Request(
            messages=(Message.user(words(200 + 20 * number, 100 * seed + number)),),
            answer_tokens=most,
            thread=f"t{number}",
        )
        for number in range(THREADS)
    ]


def _together(made: HF, requests: Sequence[Request]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    came: list[list[Event]] = [[] for _ in requests]
    for number, step in made.stream_many(requests):
        assert isinstance(step, Event)
        came[number].append(step)
    asked = [made.ask(request).prompt.ids for request in requests]
    return [(ids, _ids(events)) for ids, events in zip(asked, came, strict=True)]


def _ids(events: Sequence[Event]) -> tuple[int, ...]:
    note = events[-1].extra[NOTE]
    ledger = read_note(note, note["tokenizer"])
    assert ledger is not None
    return ledger.ids
