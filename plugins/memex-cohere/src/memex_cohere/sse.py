"""Server-sent events out of bytes. The SDK's own reader skips what is no JSON: half an answer looks whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


class ServerSentEvents:
    """Takes the bytes of a stream and gives the objects in its ``data`` fields."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Mapping[str, Any]]:
        """Yield the objects that are whole with these bytes.

        Raises:
            ValueError: If one is no JSON object, or no UTF-8.
        """
        # Not str.splitlines: it would cut a text in two at U+2028.
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for raw in lines:
            line = raw.rstrip(b"\r").decode()
            if line.startswith("data:"):
                self._data.append(line[5:].removeprefix(" "))
            elif not line and self._data:
                data = "\n".join(self._data)
                self._data = []
                if data != "[DONE]":
                    yield _object(data)


def _object(data: str) -> Mapping[str, Any]:
    value = json.loads(data)
    if not isinstance(value, Mapping):
        raise json.JSONDecodeError("no object", data[:80], 0)
    return value
