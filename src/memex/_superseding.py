"""Standing text that takes the place of older standing text, by a note with the newer message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from memex._entry import Entry, content_digest
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


class Standing(msgspec.Struct, frozen=True):
    """The standing text of a thread, taken together.

    Attributes:
        held: What holds, in order. Of text that was said several times in the same words, the first.
        repeats: Numbers of the messages that repeat one that held at the time.
        replaced: Ids of the messages whose place others took.
    """

    held: tuple[Entry, ...]
    repeats: frozenset[int]
    replaced: frozenset[str]


def standing(entries: Iterable[Entry]) -> Standing:
    """Return what standing text comes to, given in the log's order. A forgotten message takes no place.

    What repeats a text goes with it: only the first copy of each is asked for.
    """
    held: dict[str, Entry] = {}
    digests: dict[str, str] = {}
    repeats, replaced = set(), set()
    for entry in entries:
        for one in _superseded_by(entry.message):
            replaced.add(one)
            held.pop(digests.get(one, ""), None)
        digest = content_digest(entry.message)
        if digest in held:
            repeats.add(entry.seq)
        else:
            held[digest] = entry
            digests[entry.message.id] = digest
    return Standing(tuple(held.values()), frozenset(repeats), frozenset(replaced))


def _superseded_by(message: Message) -> list[str]:
    ids = message.extra.get(SUPERSEDES)
    return [one for one in ids if isinstance(one, str)] if isinstance(ids, list | tuple) else []
