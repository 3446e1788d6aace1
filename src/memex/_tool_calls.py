"""The calls of one answer, run: each result, and each failure, is something the model is told."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from memex._errors import InvalidMessage, MemexError
from memex._functions import arguments_for, parts_of
from memex._message import Message
from memex._parts import Part, Text, ToolCall, ToolResult
from memex._serial import encode_message


class ToolCalls:
    """Runs the calls of one answer.

    Plain functions are run one after the other, in order; asynchronous ones all at once. However it
    ends, :attr:`message` holds the results of those that ended.

    Args:
        calls: The calls.
        functions: What runs each tool, by name.
    """

    def __init__(self, calls: Sequence[ToolCall], functions: Mapping[str, Callable[..., Any]]) -> None:
        self._calls = tuple(calls)
        self._functions = functions
        self._results: list[ToolResult | None] = [None] * len(self._calls)

    @property
    def message(self) -> Message | None:
        """All results so far as one message, None while there are none."""
        results = tuple(result for result in self._results if result is not None)
        return Message(role="tool", parts=results) if results else None

    def run(self) -> None:
        """Run them, from a thread without an event loop or with one."""
        begun: list[tuple[int, Awaitable[Any]]] = []
        try:
            for index in range(len(self._calls)):
                if (waiting := self._start(index)) is not None:
                    begun.append((index, waiting))
            if begun:
                _to_the_end(self._together(begun))
        finally:
            for _index, waiting in begun:  # of an interrupted run
                if inspect.iscoroutine(waiting):
                    waiting.close()

    async def arun(self) -> None:
        """Run them on the event loop; plain functions in a worker thread."""
        import asyncio

        native = [i for i, call in enumerate(self._calls) if _is_native(self._functions.get(call.name))]

        async def in_order() -> None:
            for index in range(len(self._calls)):
                if index not in native:
                    waiting = await asyncio.to_thread(self._start, index)
                    if waiting is not None:
                        await self._wait(index, waiting)

        async def native_call(index: int) -> None:
            if (waiting := self._start(index)) is not None:
                await self._wait(index, waiting)

        await asyncio.gather(in_order(), *map(native_call, native))

    def _start(self, index: int) -> Awaitable[Any] | None:
        """Call the function and keep what it gives, or return what has to be awaited first."""
        call = self._calls[index]
        function = self._functions.get(call.name)
        if function is None:
            self._results[index] = _failed(call, InvalidMessage(f"there is no tool {call.name!r}"))
            return None
        try:
            value = function(**arguments_for(function, call.arguments))
            if inspect.isawaitable(value):
                return value
            self._results[index] = _result(call, parts_of(value))
        except Exception as error:  # noqa: BLE001 - whatever it is, the model is told
            self._results[index] = _failed(call, error)
        return None

    async def _wait(self, index: int, waiting: Awaitable[Any]) -> None:
        call = self._calls[index]
        try:
            self._results[index] = _result(call, parts_of(await waiting))
        except Exception as error:  # noqa: BLE001 - as above
            self._results[index] = _failed(call, error)

    async def _together(self, begun: Sequence[tuple[int, Awaitable[Any]]]) -> None:
        import asyncio

        await asyncio.gather(*(self._wait(index, waiting) for index, waiting in begun))


def _result(call: ToolCall, parts: tuple[Part, ...]) -> ToolResult:
    result = ToolResult(call_id=call.id, parts=parts)
    encode_message(Message(role="tool", parts=(result,)))  # what no store could keep is a failure, too
    return result


def _failed(call: ToolCall, error: Exception) -> ToolResult:
    """Return what the model is told of a failure; the traceback goes to the log, not to a provider.

    A function that calls an API itself may fail with the key in its words: it goes to neither.
    """
    import logging

    from memex.wire._secret import scrub, scrub_error

    shows_no_key = scrub_error(error)
    logging.getLogger("memex").info("tool %s failed", call.name, exc_info=error if shows_no_key else None)
    kind = type(error).__name__
    text = f"{error}" if isinstance(error, MemexError) else f"{kind}: {error}"
    text = scrub(text)
    safe = text.encode(errors="replace").decode().replace("\0", " ")
    return ToolResult(call_id=call.id, parts=(Text(safe.removesuffix(": ") or kind),), is_error=True)


def _is_native(function: Callable[..., Any] | None) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - whether an object's call is a coroutine
    )


def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, beside an event loop that runs in this thread already."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as worker:
        worker.submit(asyncio.run, work).result()
