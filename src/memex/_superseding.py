"""Standing text that takes the place of older standing text, by a note with the newer message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from memex._message import Message

SUPERSEDES: Final = "memex:supersedes"
"""Key of the note in a message's extra: ids of the messages whose place it takes, none for the first one."""


def superseding(message: Message, ids: Sequence[str]) -> Message:
    """Return a message with the note that it takes the place of these.

    Without any, the note says that later text which is sent in its place may supersede it.
    """
    return message.replace(extra={**message.extra, SUPERSEDES: list(ids)})


def is_replaceable(message: Message) -> bool:
    """Say whether a message has such a note, so that it was sent where it may be superseded."""
    return SUPERSEDES in message.extra


def superseded_by(messages: Iterable[Message]) -> set[str]:
    """Return the ids of the messages whose place these take. A forgotten message takes none."""
    found: set[str] = set()
    for message in messages:
        ids = message.extra.get(SUPERSEDES)
        if isinstance(ids, list | tuple):
            found.update(one for one in ids if isinstance(one, str))
    return found
