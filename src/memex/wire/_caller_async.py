"""How a caller waits on an event loop. Imported by the asyncio twin only."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

from memex._backend import Event
from memex.wire._attempt import Attempt
from memex.wire._call import Call

if TYPE_CHECKING:
    from memex.wire._caller import Caller

_DONE = object()
_CLOSING: Final = 5.0  # seconds for a polite goodbye to a server that may no longer be there


async def astream(
    caller: Caller, call: Call, attempt: Callable[[Attempt], AsyncIterator[Event]]
) -> AsyncIterator[Event]:
    """Yield the events of an answer; see :meth:`Caller.stream`."""
    while True:
        await _wait_for_a_place(caller, call)
        failure: Exception | None = None
        one = call.begin()
        events: AsyncIterator[Event] | None = None
        try:
            while not call.finished:
                try:
                    events = aiter(attempt(one)) if events is None else events
                    event = await _next(caller, call, events)
                    ready = call.ended() if event is _DONE else call.took(event)
                except Exception as error:  # noqa: BLE001 - a stranger's code; typed by call.failed
                    failure = error
                    break
                for each in ready:
                    yield each
        finally:
            _settle(caller, call)
            await _close(events, one)
        try:
            if failure is None:
                return
            wait = call.failed(failure)
        finally:
            _settle(caller, call)
        await _rest(call, wait)


async def _next(caller: Caller, call: Call, events: AsyncIterator[Event]) -> Any:
    """Return the next event, or raise the error for the deadline that passed meanwhile."""
    loop = asyncio.get_running_loop()
    limit = asyncio.timeout(None)

    def reschedule() -> None:
        nearest = call.nearest()
        if nearest is not None and not limit.expired():
            limit.reschedule(loop.time() + nearest[0] - caller.clock())

    with call.waiting():
        try:
            async with limit:
                reschedule()
                call.on_life = reschedule
                return await anext(events, _DONE)
        except TimeoutError as error:
            nearest = call.nearest()
            if limit.expired() and nearest is not None:
                raise call.late(nearest[1], error) from error
            raise
        finally:
            call.on_life = None


async def _wait_for_a_place(caller: Caller, call: Call) -> None:
    limits = caller.limits
    if limits is None:
        return
    wait = (
        await asyncio.to_thread(limits.reserve, call.tokens) if limits.blocks else limits.reserve(call.tokens)
    )
    try:
        call.check_wait(wait)
        await _rest(call, wait)
    except BaseException:
        limits.give_back(call.tokens)
        raise


def _settle(caller: Caller, call: Call) -> None:
    if caller.limits is not None and caller.limits.blocks:
        asyncio.get_running_loop().run_in_executor(None, caller.settle, call.told())
    else:
        caller.settle(call.told())


async def _rest(call: Call, seconds: float) -> None:
    if seconds > 0:
        with call.waiting():
            await asyncio.sleep(seconds)


async def _close(events: Any, one: Attempt) -> None:
    """Close what a try opened. What closing raises must not hide how the try ended."""
    try:
        async with asyncio.timeout(_CLOSING):
            if hasattr(events, "aclose"):
                await events.aclose()
    except Exception:  # noqa: BLE001, S110 - a stranger's close
        pass
    finally:
        for close in one.end():
            try:
                closing = close()
                if inspect.isawaitable(closing):
                    async with asyncio.timeout(_CLOSING):
                        await closing
            except Exception:  # noqa: BLE001, S112 - as above
                continue
