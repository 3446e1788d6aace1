"""Server-sent events out of bytes, however these are cut, with every end of a line that the format has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_END: Final = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class SseReader:
    """Takes the bytes of a stream and gives the data of its events."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # joined when it ends: one line may be many pieces long
        self._data: list[bytes] = []
        self._begun = False
        self._after_return = self._told = False

    def feed(self, piece: bytes) -> Iterator[tuple[bytes, int]]:
        """Yield the data of each event that ends in these bytes, and where in them it ends.

        Events without a field for data are none; some servers send an empty one as a sign of life.
        """
        if not piece:
            return
        begin = int(self._after_return and piece.startswith(b"\n"))
        self._after_return = False
        while (end := _END.search(piece, begin)) is not None:
            self._line.append(piece[begin : end.start()])
            begin = end.end()
            self._after_return = begin == len(piece) and end[0] == b"\r"
            data = self._ended()
            self._told = data is not None
            if data is not None:
                yield data, begin
        self._line.append(piece[begin:])

    def is_half_an_end(self, piece: bytes) -> bool:
        """Say whether these bytes begin with the last one of an event that has been told already."""
        return self._told and self._after_return and piece.startswith(b"\n")

    def _ended(self) -> bytes | None:
        """Take note that a line has ended, and return the data of the event that ends with it."""
        line = b"".join(self._line)
        self._line.clear()
        if not self._begun:
            self._begun, line = True, line.removeprefix(_BYTE_ORDER_MARK)
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        if not self._data:
            return None
        data = b"\n".join(self._data)
        self._data.clear()
        return data
