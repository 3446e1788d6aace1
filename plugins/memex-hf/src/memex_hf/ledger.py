"""The token ledger: the exact ids of a generated message, kept with it and never made again.

Encoding an answer's text again does not give back the ids that were generated. They are stored
as a note on the message, under the fingerprint of the tokenizer that they belong to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from memex import Message

NOTE: Final = "hf:tokens"
"""The name of the note in ``Message.extra``."""

PROMPT: Final = "hf:prompt"
"""The name of a second note: how many earlier answers the prompt held as they were generated, and how
many were encoded again because the template shows them otherwise. Only there where some were."""


class Ledger(msgspec.Struct, frozen=True):
    """What was generated for one message.

    Attributes:
        tokenizer: Fingerprint of the tokenizer.
        ids: Every token, in order, the one that ended the answer included.
        answer: Index of the first token of the answer's words, after the thought.
        said: Digest of the message's words, where they are all that was generated: wherever they are
            shown unaltered, the ids stand for them, whatever else the tokens may be written as.
    """

    tokenizer: str
    ids: tuple[int, ...]
    answer: int = 0
    said: str = ""

    def to_note(self) -> dict[str, Any]:
        """Return it as JSON values: what a store keeps."""
        return {"tokenizer": self.tokenizer, "ids": pack(self.ids), "answer": self.answer, "said": self.said}


def ledger_of(message: Message, tokenizer: str) -> Ledger | None:
    """Return the ledger of a message; None if it has none, of another tokenizer, or a damaged one."""
    return read_note(message.extra.get(NOTE), tokenizer)


def read_note(note: object, tokenizer: str) -> Ledger | None:
    """Return the ledger that a note holds; as :func:`ledger_of`."""
    if not isinstance(note, Mapping) or note.get("tokenizer") != tokenizer:
        return None
    answer, said = note.get("answer", 0), note.get("said", "")
    ids = unpack(note.get("ids"))
    if ids is None or not isinstance(answer, int) or not 0 <= answer <= len(ids):
        return None
    return Ledger(tokenizer, ids, answer, said if isinstance(said, str) else "")


def digest(words: str) -> str:
    """Return a short fingerprint of what was said."""
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def pack(ids: Sequence[int]) -> str:
    """Write token ids in about 2.7 characters each, or 5.3 where one is above 65,535."""
    wide = max(ids, default=0) > 0xFFFF
    words = array("I" if wide else "H", ids)
    if sys.byteorder == "big":
        words.byteswap()
    return ("w" if wide else "n") + base64.b64encode(words.tobytes()).decode()


def unpack(packed: object) -> tuple[int, ...] | None:
    """Read what :func:`pack` wrote; None if it is anything else."""
    if not isinstance(packed, str) or packed[:1] not in ("w", "n"):
        return None
    words = array("I" if packed[0] == "w" else "H")
    try:
        words.frombytes(base64.b64decode(packed[1:], validate=True))
    except (binascii.Error, ValueError):
        return None
    if sys.byteorder == "big":
        words.byteswap()
    return tuple(words)
