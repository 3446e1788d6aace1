"""Names of the files that hold keys and values: what a stretch of tokens is called, without the tokens.

A name says where a stretch begins and ends by digests over the model and all token ids up to there,
so it is found by whoever has the same tokens, however they were cut, and by nobody else; and it
carries a digest of the file's bytes. No torch here.
"""

from __future__ import annotations

import hashlib
import re
import sys
from array import array
from typing import Any, Final

import msgspec

ENDING: Final = ".safetensors"
_DIGITS: Final = 32
_NAME: Final = re.compile(
    rf"([0-9a-f]{{{_DIGITS}}})-([1-9]\d{{0,8}})-([0-9a-f]{{{_DIGITS}}})-([0-9a-f]{{64}}){ENDING}"
)


class Kept(msgspec.Struct, frozen=True):
    """One file.

    Attributes:
        begins: Digest of everything before the stretch.
        length: Its tokens.
        ends: Digest of everything up to its end.
        digest: Of the file's bytes, and of the three before.
    """

    begins: str
    length: int
    ends: str
    digest: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.begins}-{self.length}-{self.ends}-{self.digest}{ENDING}"

    def holds(self, payload: bytes | bytearray) -> bool:
        """Tell whether these are the bytes that were written under this name."""
        return self.digest == sealed(self.begins, self.length, self.ends, payload)


def sealed(begins: str, length: int, ends: str, payload: bytes | bytearray) -> str:
    """Return the digest of a file: a flipped bit changes it, and so does another name."""
    digest = hashlib.sha256(f"{begins}-{length}-{ends}-".encode())
    digest.update(payload)
    return digest.hexdigest()


def read_name(name: str) -> Kept | None:
    """Return what a name says; None if it is none of ours."""
    found = _NAME.fullmatch(name)
    return None if found is None else Kept(found[1], int(found[2]), found[3], found[4])


class Trail:
    """Digests along a sequence of tokens, each over all of it so far; goes forward only.

    Args:
        model: Fingerprint of the model.
        ids: The tokens.
    """

    def __init__(self, model: str, ids: array[int]) -> None:
        self._ids = ids
        self._so_far: Any = hashlib.sha256(f"keys and values of {model}: ".encode())
        self.at = 0

    @property
    def here(self) -> str:
        """The digest up to where it stands."""
        return self._after(0)

    def ahead(self, length: int) -> str | None:
        """Return the digest ``length`` tokens further on; None if there are not so many."""
        return self._after(length) if self.at + length <= len(self._ids) else None

    def go(self, length: int) -> None:
        """Go on by ``length`` tokens."""
        self._so_far.update(_bytes(self._ids[self.at : self.at + length]))
        self.at += length

    def _after(self, length: int) -> str:
        digest = self._so_far.copy()
        digest.update(_bytes(self._ids[self.at : self.at + length]))
        found: str = digest.hexdigest()[:_DIGITS]
        return found


def _bytes(ids: array[int]) -> bytes:
    if sys.byteorder == "big":
        ids = ids[:]
        ids.byteswap()
    return ids.tobytes()
