"""Opening a memory under asyncio, without blocking the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memex._memex import Memex


class AsyncOpening:
    """A memory that is about to open: ``async with Memex.aopen(...) as memory``."""

    def __init__(self, make: Callable[[], Memex]) -> None:
        self._make = make
        self._memex: Memex | None = None
        self._given_up = False
        self._lock = threading.Lock()

    async def __aenter__(self) -> Memex:
        import asyncio

        try:
            return await asyncio.to_thread(self._open)
        except asyncio.CancelledError:
            with self._lock:
                self._given_up = True
            if self._memex is not None:
                self._memex.close()
            raise

    def _open(self) -> Memex:
        memory = self._make()
        with self._lock:
            self._memex = memory
            given_up = self._given_up
        if given_up:  # nobody is left to close it: the task was cancelled while this worked
            memory.close()
        return memory

    async def __aexit__(self, *exc: object) -> None:
        import asyncio

        if self._memex is not None:
            await asyncio.to_thread(self._memex.close)
