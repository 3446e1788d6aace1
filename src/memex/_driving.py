"""How a blocking turn waits for its backend and its functions."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from memex._backend import Backend, Event, Request
from memex._model_call import ModelCall
from memex._reply import Reply
from memex._turn import Turn


def stream_turn(turn: Turn, *, whole: bool) -> Generator[Event, None, Reply]:
    """Drive a turn, yield its events and return the last reply.

    Args:
        turn: The turn.
        whole: Prefer the backend's ``generate``, where it has one: nobody watches the events.
    """
    calls = turn.begin()
    while True:
        if calls is not None:
            try:
                calls.run()
            except BaseException as error:
                turn.interrupted(calls, error)
                raise
            yield from turn.keep(calls)
        reply = yield from _stream_call(turn.call(), turn.backend, whole=whole)
        calls = turn.after(reply)
        if calls is None:
            return turn.reply()


def _stream_call(call: ModelCall, backend: Backend, *, whole: bool) -> Generator[Event, None, Reply]:
    request = call.begin()
    while True:
        try:
            with closing(events_of(backend, request, whole=whole)) as events:
                for event in events:
                    yield call.feed(event)
            return call.finish()
        except BaseException as error:
            smaller = call.refit(error)
            if smaller is None:
                failure = call.fail(error)
                if failure is error:
                    raise
                raise failure from error
            request = smaller


def events_of(backend: Backend, request: Request, *, whole: bool) -> Generator[object, None, None]:
    """Yield what the backend sends, from ``generate`` where that is wanted and offered."""
    generate = getattr(backend, "generate", None) if whole else None
    yield from generate(request) if generate else backend.stream(request)
