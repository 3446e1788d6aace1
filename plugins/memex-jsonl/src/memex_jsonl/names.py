"""File names for any id: safe on every file system, and readable where the id is.

A name is a readable beginning and a digest of the id. The digest tells apart what a file system may
not: ``A`` and ``a``, an accent written in one way or the other, ids of a thousand bytes. So no id can
be a path, a reserved word or too long. The id itself stands in the file's first line.
"""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from typing import Final

FORMAT_FILE: Final = "memex-jsonl.json"
LOG: Final = ".jsonl"
PLANS: Final = ".plans.jsonl"
STATE: Final = ".state.json"
VECTORS: Final = ".vectors.jsonl"
INDEX: Final = ".idx"
DRAFT: Final = ".tmp"
INTENT: Final = "unfinished.json"
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
_READABLE = 48
_THREAD = re.compile(r"[A-Za-z0-9_-]{1,48}-[0-9a-f]{32}")
_GHOST = re.compile(r"[0-9a-f]{16}\.forgotten")


def safe_name(value: str) -> str:
    """Return a file name, without an ending, that no other id has."""
    digest = blake2b(value.encode(), digest_size=16).hexdigest()
    readable = _UNSAFE.sub("-", value)[:_READABLE].strip("-_") or "id"
    return f"{readable}-{digest}"


def ghost_name(log: str) -> str:
    """Return the name of the tombstones that a forgotten thread leaves to its forks."""
    return f"{log}.forgotten"


def is_thread(name: str) -> bool:
    """Tell whether a name is one of :func:`safe_name`."""
    return _THREAD.fullmatch(name) is not None


def is_ghost(name: str) -> bool:
    """Tell whether a name is one of :func:`ghost_name`."""
    return _GHOST.fullmatch(name) is not None


def new_log() -> str:
    """Return a new name for a log, which no other log ever had."""
    return os.urandom(8).hex()


def id_hash(message_id: str) -> int:
    """Return 64 bits of an id, for the index; a match is always checked against the log."""
    data = message_id.encode(errors="surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
