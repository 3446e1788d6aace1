"""Answers several requests at once: each is run up to its answer, then they take their steps together."""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from memex import BackendError, Event, MemexError, Request
from memex_hf.asked import Asked
from memex_hf.running.batch import Batch
from memex_hf.running.choosing import Choosing
from memex_hf.running.tensor_lane import TensorLane

if TYPE_CHECKING:
    from memex_hf.backend import HF

_ROOM = 256
Step = tuple[int, Event | MemexError]


class _Seat:
    """One request that is being answered."""

    def __init__(self, number: int, asked: Asked, lane: TensorLane, choosing: Choosing) -> None:
        self.number = number
        self.asked = asked
        self.lane = lane
        self.choosing = choosing
        self.ids = array("I", asked.prompt.ids)
        limit = asked.sampling.deadline
        self.until = None if limit is None else time.monotonic() + limit

    def go_on(self) -> bool:
        return self.until is None or time.monotonic() < self.until


class Together:
    """Answers requests of one backend, at most so many at a time; whoever is done makes room for the next.

    Args:
        backend: Whose model answers.
        requests: What is asked.
        at_once: Most sequences in one step.
    """

    def __init__(self, backend: HF, requests: Sequence[Request], at_once: int) -> None:
        self._backend = backend
        self._engine = backend.engine
        self._waiting = deque(enumerate(requests))
        self._at_once = at_once
        self._seats: list[_Seat] = []
        self._batch = Batch(backend.engine)
        self._one_by_one = False

    def steps(self) -> Iterator[Step]:
        """Yield events with the number of their request; an error instead ends that request alone."""
        try:
            while self._waiting or self._seats:
                while self._waiting and len(self._seats) < self._at_once:
                    yield from self._join(*self._waiting.popleft())
                if self._seats:
                    yield from self._step()
        finally:
            for seat in list(self._seats):
                self._leave(seat, whole=False)

    def _join(self, number: int, request: Request) -> Iterator[Step]:
        backend, engine = self._backend, self._engine
        try:
            asked = backend.ask(request)
            backend.find(asked)
        except MemexError as error:
            yield number, error
            return
        yield number, Event(kind="start", model=backend.model)
        ids, cuts, run = asked.prompt.ids, asked.prompt.cuts, asked.run
        try:
            choosing = Choosing(asked.sampling, engine.device)
            with engine.turn:
                lane = engine.begin(ids, len(ids) + min(asked.most, _ROOM))
        except RuntimeError as error:
            yield number, self._told(error)
            return
        seat = _Seat(number, asked, lane, choosing)
        self._seats.append(seat)
        run.reused = len(lane.ids)
        run.prefilled = len(ids) - run.reused
        try:
            scores = engine.prefill(lane, ids, cuts, go_on=seat.go_on)
        except RuntimeError as error:
            yield from self._fail(seat, error)
        else:
            yield from self._take(seat, scores)

    def _step(self) -> Iterator[Step]:
        seats, engine = list(self._seats), self._engine
        tokens = [seat.asked.run.out[-1] for seat in seats]
        scores: Any = None
        if not self._one_by_one:
            try:
                with engine.turn:
                    scores = self._batch.step([seat.lane for seat in seats], tokens)
                    engine.counts.decoded += len(seats)
            except RuntimeError:  # too much memory, say: whoever fails alone too is told
                self._one_by_one = True
        for place, (seat, token) in enumerate(zip(seats, tokens, strict=True)):
            if scores is not None:
                yield from self._take(seat, scores[place])
                continue
            try:
                with engine.turn:
                    alone = engine.forward(seat.lane, [token])
                    engine.counts.decoded += 1
            except RuntimeError as error:
                yield from self._fail(seat, error)
            else:
                yield from self._take(seat, alone)

    def _take(self, seat: _Seat, scores: Any) -> Iterator[Step]:
        """Choose the next token of a request, tell of it, and end the answer where it ends."""
        run, answer = seat.asked.run, seat.asked.answer
        if scores is not None:
            try:
                token = seat.choosing.choose(scores, seat.ids)
            except RuntimeError as error:
                yield from self._fail(seat, error)
                return
            run.out.append(token)
            seat.ids.append(token)
            if token in self._backend.ends:
                run.finish = "stop"
            elif len(run.out) >= seat.asked.most or not seat.go_on():
                run.finish = "length"
            for event in answer.push(token):
                yield seat.number, event
        if scores is None or run.finish or answer.stopped:
            run.finish = run.finish or "length"
            for event in answer.rest():
                yield seat.number, event
            self._leave(seat, whole=True)
            for event in seat.asked.last_events():
                yield seat.number, event

    def _fail(self, seat: _Seat, error: RuntimeError) -> Iterator[Step]:
        self._leave(seat, whole=False)
        yield seat.number, self._told(error)

    def _told(self, error: RuntimeError) -> MemexError:
        told = self._backend.what_failed(error)
        told.__cause__ = error
        return told

    def _leave(self, seat: _Seat, *, whole: bool) -> None:
        self._seats.remove(seat)
        prompt = seat.asked.prompt
        with self._engine.turn:
            self._batch.leave(seat.lane)
            self._engine.end(seat.lane, [*prompt.cuts, len(prompt.ids)])
        self._backend.settle(seat.asked, whole=whole)


def refused(backend: HF) -> BackendError:
    """Return what is said where a model cannot do it."""
    return BackendError(
        f"hf: {backend.model} cannot answer several at once: sequences of different lengths do not give "
        "together what they give alone; ask one after the other"
    )
