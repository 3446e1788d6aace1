"""The SDK's clients: made when first needed, one for blocking calls and one for each event loop."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from memex.wire import Secret, Timeouts, watch_sockets

if TYPE_CHECKING:
    import anthropic
    import httpx2


class Clients:
    """Makes clients of the SDK that never retry, and closes them.

    Args:
        key: The API key.
        base_url: The server; None for Anthropic's.
        headers: Sent with every call.

    Attributes:
        key: The API key.
    """

    def __init__(self, key: Secret, *, base_url: str | None, headers: Mapping[str, str]) -> None:
        self.key = key
        self._given: dict[str, Any] = {
            "base_url": base_url,
            "default_headers": dict(headers) or None,
            "max_retries": 0,
        }
        self._lock = threading.Lock()
        self._blocking: anthropic.Anthropic | None = None
        # An asynchronous client keeps connections of its loop. The generator beside it is closed by
        # the loop before that ends (``shutdown_asyncgens``), and closes them.
        self._on_loops: weakref.WeakKeyDictionary[Any, tuple[anthropic.AsyncAnthropic, Any]] = (
            weakref.WeakKeyDictionary()
        )

    def __repr__(self) -> str:
        """Name what it is for."""
        return f"<Clients of {self._given['base_url'] or 'Anthropic'}>"

    def blocking(self) -> anthropic.Anthropic:
        """Return the client for blocking calls; it may be used from several threads."""
        with self._lock:
            if self._blocking is None:
                import anthropic

                line = anthropic.DefaultHttpxClient()
                watch_sockets(line)  # so that a deadline can end a read that waits
                weakref.finalize(self, line.close)  # for programs that do not close
                self._blocking = anthropic.Anthropic(
                    api_key=self.key.reveal(), http_client=line, **self._given
                )
            return self._blocking

    async def on_this_loop(self) -> anthropic.AsyncAnthropic:
        """Return the client of the running event loop."""
        import asyncio

        import anthropic

        loop = asyncio.get_running_loop()
        if (found := self._on_loops.get(loop)) is not None:
            return found[0]
        client = anthropic.AsyncAnthropic(api_key=self.key.reveal(), **self._given)
        keeper = _until_closed(client)
        self._on_loops[loop] = client, keeper
        await anext(keeper)
        return client

    def close(self) -> None:
        """Close the blocking client; the others are closed with their loops."""
        with self._lock:
            client, self._blocking = self._blocking, None
        if client is not None:
            client.close()


async def _until_closed(client: anthropic.AsyncAnthropic) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.close()


def timeout(timeouts: Timeouts) -> httpx2.Timeout:
    """Return the timeouts of a try as the SDK takes them."""
    import httpx2

    return httpx2.Timeout(timeouts.read, connect=timeouts.connect)
