"""The SDK's clients: made when first needed, one for blocking calls and one for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Final

from memex.wire import Secret, Timeouts, watch_sockets

if TYPE_CHECKING:
    import cohere
    import httpx


ENVIRONMENT: Final = ("CO_API_KEY", "COHERE_API_KEY")
"""Where the key is looked for in the environment."""


class Clients:
    """Makes clients of the SDK that never retry, and closes them.

    The SDK takes seconds for a whole call only; the finer ones are in the HTTP client under it, which
    is made here for that reason.

    Args:
        key: The API key.
        base_url: The server; None for Cohere's.
        headers: Sent with every call.

    Attributes:
        key: The API key.
    """

    def __init__(self, key: Secret, *, base_url: str | None, headers: Mapping[str, str]) -> None:
        self.key = key
        self._base_url = base_url
        self._headers = dict(headers)
        self._lock = threading.Lock()
        self._blocking: tuple[cohere.ClientV2, httpx.Client] | None = None
        # An asynchronous client keeps connections of its loop. The generator beside it is closed by
        # the loop before that ends (``shutdown_asyncgens``), and closes them.
        self._on_loops: weakref.WeakKeyDictionary[Any, tuple[cohere.AsyncClientV2, Any]] = (
            weakref.WeakKeyDictionary()
        )

    def __repr__(self) -> str:
        """Name what it is for."""
        return f"<Clients of {self._base_url or 'Cohere'}>"

    def blocking(self) -> cohere.ClientV2:
        """Return the client for blocking calls; it may be used from several threads."""
        with self._lock:
            if self._blocking is None:
                import cohere
                import httpx

                line = httpx.Client(**self._line)
                watch_sockets(line)  # so that a deadline can end a read that waits
                weakref.finalize(self, line.close)  # for programs that do not close
                self._blocking = cohere.ClientV2(**self._given, httpx_client=line), line
            return self._blocking[0]

    async def on_this_loop(self) -> cohere.AsyncClientV2:
        """Return the client of the running event loop."""
        import asyncio

        import cohere
        import httpx

        loop = asyncio.get_running_loop()
        if (found := self._on_loops.get(loop)) is not None:
            return found[0]
        line = httpx.AsyncClient(**self._line)
        client = cohere.AsyncClientV2(**self._given, httpx_client=line)
        keeper = _until_closed(line)
        self._on_loops[loop] = client, keeper
        await anext(keeper)
        return client

    def close(self) -> None:
        """Close the blocking client; the others are closed with their loops."""
        with self._lock:
            found, self._blocking = self._blocking, None
        if found is not None:
            found[1].close()

    @property
    def _given(self) -> dict[str, Any]:
        return {
            "api_key": self.key.reveal(),
            "base_url": self._base_url or os.environ.get("CO_API_URL"),
            "max_retries": 0,
            "log_warning_experimental_features": False,
        }

    @property
    def _line(self) -> dict[str, Any]:
        return {"headers": self._headers, "follow_redirects": True, "timeout": None}


def options(timeouts: Timeouts, body: Mapping[str, Any] | None = None) -> Any:
    """Return the ``request_options`` of a call: its timeouts, no retries, and further fields of the body."""
    import httpx

    given: dict[str, Any] = {
        "timeout": httpx.Timeout(timeouts.read, connect=timeouts.connect),  # the SDK hands it on as it is
        "max_retries": 0,
    }
    return {**given, "additional_body_parameters": dict(body)} if body else given


async def _until_closed(line: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await line.aclose()
