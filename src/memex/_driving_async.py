"""How a turn waits for its backend on an event loop. Imported by the asyncio twins only."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from contextlib import aclosing
from itertools import islice
from typing import Any, TypeVar, cast

from memex._backend import Backend, Event, Request
from memex._driving import events_of
from memex._model_call import ModelCall
from memex._reply import Reply
from memex._turn import Turn

_T = TypeVar("_T")
_PAGE = 100
_DONE = object()


async def astream_turn(turn: Turn, *, whole: bool) -> AsyncGenerator[Event | Reply, None]:
    """Drive a turn on an event loop: yield its events, then the last reply.

    What touches the store runs in a worker thread, and is waited for even when the task is
    cancelled, so that the partial answer is stored before the cancellation goes on.
    """
    calls = await _to_the_end(asyncio.to_thread(turn.begin))
    while True:
        if calls is not None:
            try:
                await calls.arun()
            except BaseException as error:
                await _to_the_end(asyncio.to_thread(turn.interrupted, calls, error))
                raise
            for event in await _to_the_end(asyncio.to_thread(turn.keep, calls)):
                yield event
        reply: Reply | None = None
        async with aclosing(_astream_call(turn.call(), turn.backend, whole=whole)) as steps:
            async for step in steps:
                if isinstance(step, Reply):
                    reply = step
                else:
                    yield step
        calls = turn.after(cast("Reply", reply))  # a call ends with a reply or raises
        if calls is None:
            yield turn.reply()
            return


async def _astream_call(
    call: ModelCall, backend: Backend, *, whole: bool
) -> AsyncGenerator[Event | Reply, None]:
    request = await _to_the_end(asyncio.to_thread(call.begin))
    while True:
        try:
            async with aclosing(_aevents(backend, request, whole=whole)) as events:
                async for event in events:
                    yield call.feed(event)
            reply = await _to_the_end(asyncio.to_thread(call.finish))
            break
        except BaseException as error:
            smaller = await _to_the_end(asyncio.to_thread(call.refit, error))
            if smaller is None:
                failure = await _to_the_end(asyncio.to_thread(call.fail, error))
                if failure is error:
                    raise
                raise failure from error
            request = smaller
    yield reply


async def _aevents(backend: Backend, request: Request, *, whole: bool) -> AsyncGenerator[object, None]:
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
            if hasattr(events, "aclose"):  # an async iterator that is no generator needs none
                await events.aclose()
    else:
        async with aclosing(_in_worker(events_of(backend, request, whole=whole))) as steps:
            async for event in steps:
                yield event


async def _in_worker(events: Generator[object, None, None]) -> AsyncGenerator[object, None]:
    """Yield ``events``, each made in a worker thread.

    A task that is cancelled does not wait for a model that is still thinking: the worker closes
    the generator once that step has ended.
    """
    one_at_a_time = threading.Lock()

    def step() -> object:
        with one_at_a_time:
            return next(events, _DONE)

    def close() -> None:
        with one_at_a_time:
            events.close()

    try:
        while (event := await asyncio.to_thread(step)) is not _DONE:
            yield event
    finally:
        thinking = one_at_a_time.locked()
        closing = asyncio.get_running_loop().run_in_executor(None, close)
        if not thinking:
            await _to_the_end(closing)


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
