"""What a window is made of: entries of the log, and entries derived from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

import msgspec

from memex._message import Message
from memex._ranges import Elsewhere, Range, expand
from memex._serial import encode_message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(msgspec.Struct, frozen=True):
    """A message in its place in the log.

    Attributes:
        seq: Its number, given by the store: 1 for the first, without gaps.
        message: The message.
        tokens: What it costs, framing included, as ``counter`` counts.
        counter: Name of the counter that ``tokens`` comes from; None where it was never counted.
    """

    seq: int
    message: Message
    tokens: int = 0
    counter: str | None = None


class Derived(msgspec.Struct, frozen=True, dict=True):
    """A message that stands in a window for others: a recalled block, a summary, or a stub.

    Attributes:
        kind: ``recall`` stands just before the newest user message, ``summary`` where the
            messages it covers were, ``stub`` in the place of a message whose tool results are
            shortened.
        message: What the model sees.
        covers: Sequence numbers of the messages it speaks for; one for a stub.
        tokens: What it costs.
        shown: How many characters of the beginning of each result a stub shows.
        elsewhere: Messages of other threads that a recalled block quotes, by thread.
    """

    kind: Literal["recall", "summary", "stub"]
    message: Message
    covers: tuple[Range, ...]
    tokens: int = 0
    shown: int = 0
    elsewhere: Elsewhere = ()

    @property
    def places(self) -> Iterator[Place]:
        """What it speaks for, message by message: this thread's, then those of other threads."""
        yield from expand(self.covers)
        for thread, ranges in self.elsewhere:
            for seq in expand(ranges):
                yield thread, seq

    @cached_property
    def digest(self) -> str:
        """A fingerprint of role and parts: equal text has an equal digest."""
        return content_digest(self.message)


Item = Entry | Derived
Place = int | tuple[str, int]
"""Where a message stands: its number, with its thread where that is another one."""


def content_digest(message: Message) -> str:
    """Return a short fingerprint of what a model would see of ``message``.

    Id, time and meta are left out, so that a rebuilt message has the same digest.
    """
    bare = Message(role=message.role, parts=message.parts, id="-", created=_EPOCH, name=message.name)
    from hashlib import blake2b  # loads OpenSSL, which appending does not need

    return blake2b(encode_message(bare), digest_size=12).hexdigest()
