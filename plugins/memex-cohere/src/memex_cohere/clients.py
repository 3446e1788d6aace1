"""The SDK's clients: made when first needed, one for blocking calls and one for each event loop."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import cohere
    import httpx

    from memex.wire import Secret, Timeouts


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
        return f"<Clients of {self._base_url or 'Cohere'}>"
