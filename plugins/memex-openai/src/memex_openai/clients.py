"""The SDK's clients: made when first needed, one for blocking calls and one for each event loop."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from memex.wire import Secret, watch_sockets
from memex_openai.presets import Address

if TYPE_CHECKING:
    import openai


class Clients:
    """Makes clients of the SDK that never retry, and closes them.

    Args:
        address: The server.
        key: Finds the key, when the first client is made.
        headers: Sent with every call.
        organization: OpenAI's organization.
        project: OpenAI's project.
    """

    def __init__(
        self,
        address: Address,
        key: Callable[[], Secret],
        *,
        headers: Mapping[str, str],
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        self.key = key
        self._address = address
        self._headers = dict(headers)
        self._given = {"organization": organization, "project": project, "max_retries": 0}
        self._lock = threading.Lock()
        self._blocking: openai.OpenAI | None = None
        # Connections cannot outlive their loop, and nothing tells that it ends but this: it closes the
        # generators that are still open then. The one beside each client closes the client.
        self._on_loops: weakref.WeakKeyDictionary[Any, tuple[openai.AsyncOpenAI, Any]] = (
            weakref.WeakKeyDictionary()
        )

    def blocking(self) -> openai.OpenAI:
        """Return the client for blocking calls; it may be used from several threads."""
        with self._lock:
            if self._blocking is None:
                import openai

                line = openai.DefaultHttpxClient()
                watch_sockets(line)  # so that a deadline can end a read that waits
                weakref.finalize(self, line.close)  # for programs that do not close
                self._blocking = openai.OpenAI(**self._options(), http_client=line)
            return self._blocking

    async def on_this_loop(self) -> openai.AsyncOpenAI:
        """Return the client of the running event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        if (found := self._on_loops.get(loop)) is not None:
            return found[0]
        import openai

        client = openai.AsyncOpenAI(**self._options())
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

    def _options(self) -> dict[str, Any]:
        return {
            "api_key": self.key().reveal(),
            "base_url": self._address.base_url,
            "default_headers": self._own_headers(),
            **self._given,
        }

    def _own_headers(self) -> dict[str, Any]:
        import openai

        if self._address.official:
            return self._headers
        # The SDK takes these from the environment; they are nobody else's business.
        return {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit(), **self._headers}


async def _until_closed(client: openai.AsyncOpenAI) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.close()
