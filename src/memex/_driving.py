"""How a blocking turn waits for its backend."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from memex._backend import Backend, Event, Request
from memex._reply import Reply
from memex._turn import Turn


def stream_turn(turn: Turn, backend: Backend, *, whole: bool) -> Generator[Event, None, Reply]:
    """Drive a turn, yield its events and return the reply.

    Args:
        turn: The turn.
        backend: The model.
        whole: Prefer the backend's ``generate``, where it has one: nobody watches the events.
    """
    request = turn.begin()
    try:
        with closing(events_of(backend, request, whole=whole)) as events:
            for event in events:
                yield turn.feed(event)
        return turn.finish()
    except BaseException as error:
        failure = turn.fail(error)
        if failure is error:
            raise
        raise failure from error


def events_of(backend: Backend, request: Request, *, whole: bool) -> Generator[object, None, None]:
    """Yield what the backend sends, from ``generate`` where that is wanted and offered."""
    generate = getattr(backend, "generate", None) if whole else None
    yield from generate(request) if generate else backend.stream(request)
