"""How a turn waits for its backend on an event loop. Imported by the asyncio twins only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from memex._backend import Backend, Event, Request
from memex._driving import events_of
from memex._reply import Reply
from memex._turn import Turn

_T = TypeVar("_T")
_PAGE = 100
_DONE = object()


async def astream_turn(turn: Turn, backend: Backend, *, whole: bool) -> AsyncGenerator[Event | Reply, None]:
    """Drive a turn on an event loop: yield its events, then the reply.

    What touches the store runs in a worker thread, and is waited for even when the task is
    cancelled, so that the partial answer is stored before the cancellation goes on.
    """
    request = await _to_the_end(asyncio.to_thread(turn.begin))
    try:
        async for event in _aevents(backend, request, whole=whole):
            yield turn.feed(event)
        reply = await _to_the_end(asyncio.to_thread(turn.finish))
    except BaseException as error:
        failure = await _to_the_end(asyncio.to_thread(turn.fail, error))
        if failure is error:
            raise
        raise failure from error
    yield reply


async def _aevents(backend: Backend, request: Request, *, whole: bool) -> AsyncIterator[object]:
    agenerate = getattr(backend, "agenerate", None) if whole else None
    astream = getattr(backend, "astream", None)
    if agenerate is not None:
        for event in await agenerate(request):
            yield event
    elif astream is not None:
        events = astream(request)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()
    else:
        iterator = iter(events_of(backend, request, whole=whole))
        try:
            while (event := await asyncio.to_thread(next, iterator, _DONE)) is not _DONE:
                yield event
        finally:
            await _to_the_end(asyncio.to_thread(_close, iterator))


def _close(iterator: Iterator[object]) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()


async def _to_the_end(work: Any) -> Any:
    """Await ``work`` to its end even if this task is cancelled meanwhile, then be cancelled."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: BLE001 - task.result() below raises it
            break
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()


async def pages(items: Iterable[_T]) -> AsyncIterator[list[_T]]:
    """Yield ``items`` a page at a time, each read in a worker thread."""
    iterator = iter(items)
    while page := await asyncio.to_thread(lambda: list(islice(iterator, _PAGE))):
        yield page
