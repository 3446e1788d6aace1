"""Server-sent events out of bytes. The SDK's own reader skips what is no JSON: half an answer looks whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from memex.wire import SseReader


class ServerSentEvents:
    """Takes the bytes of a stream and gives the objects in its ``data`` fields."""

    def __init__(self) -> None:
        self._reader = SseReader()

    def feed(self, chunk: bytes) -> Iterator[Mapping[str, Any]]:
        """Yield the objects that are whole with these bytes.

        Raises:
            ValueError: If one is no JSON object, or no UTF-8.
        """
        for data, _ in self._reader.feed(chunk):
            if data.strip() not in (b"", b"[DONE]"):
                yield _object(data.decode())


def _object(data: str) -> Mapping[str, Any]:
    value = json.loads(data)
    if not isinstance(value, Mapping):
        raise json.JSONDecodeError("no object", data[:80], 0)
    return value
