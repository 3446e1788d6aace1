"""Reads the answer of an asynchronous client as its bytes pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from memex._driving_async import _to_the_end
from memex.wire._drop_in.tap import Passing


class AsyncTap(Passing):
    """Passes the bytes of an asynchronous body on."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes, each piece once it is heard."""
        try:
            async for piece in self._inside:
                for heard in self._body.take(piece):
                    yield heard
            if left := self._body.left():
                yield left
        except (Exception, asyncio.CancelledError) as error:
            await in_worker(self._body.call.fail, error)
            raise
        self._dropped.detach()
        await in_worker(self._body.end)

    async def aclose(self) -> None:
        """Close the body."""
        try:
            await self._inside.aclose()
        finally:
            self._dropped.detach()
            if not self._body.call.over:
                await in_worker(self._body.end)


async def in_worker(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run what touches a store in a worker thread, to its end even if the task is cancelled meanwhile."""
    return await _to_the_end(asyncio.to_thread(work, *arguments))
