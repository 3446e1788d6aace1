"""JSON values of what an SDK takes in a body: its own objects, files, and any iterable."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

_ABSENT: Final = ("Omit", "NotGiven")  # what the SDKs send nothing for


def to_plain(value: Any) -> Any:
    """Return a value as the JSON that an SDK would send for it.

    The objects that an SDK answered with become the objects that they were; a file or a path becomes
    base64; an iterable is read once. What is none of these is returned as it is.
    """
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items() if type(item).__name__ not in _ABSENT}
    if hasattr(value, "model_dump"):
        excluded = getattr(value, "__api_exclude__", None)
        return to_plain(value.model_dump(mode="json", exclude_unset=True, by_alias=True, exclude=excluded))
    if isinstance(value, os.PathLike) or hasattr(value, "read"):
        return _encoded(value)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        return [to_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _encoded(file: Any) -> str:
    data = Path(file).read_bytes() if isinstance(file, os.PathLike) else file.read()
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode("ascii")
