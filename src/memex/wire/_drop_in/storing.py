"""Stores of a caller's messages those that are new, whoever else writes in the thread."""

from __future__ import annotations

from collections.abc import Sequence

from memex._entry import Entry
from memex._errors import Conflict, FilterFailed, MessageVetoed
from memex._message import Message
from memex._thread import Thread
from memex.wire._reconcile import reconcile


def store_new(thread: Thread, messages: Sequence[Message]) -> tuple[Entry, ...]:
    """Store those of a caller's messages that the thread does not have, and return them.

    The caller may send the whole conversation or only what is new. Where they send another history than
    the thread's - it has been cut, summed up or corrected on their side - the thread keeps what it has,
    and what follows the part that both share is new.

    Raises:
        FilterFailed: If a filter raised on a new message.
        MessageVetoed: If a filter refused a new message.
    """
    refused: dict[str, FilterFailed | MessageVetoed] = {}
    filtered = [_filtered(thread, message, refused) for message in messages]
    while True:
        found = reconcile(thread, filtered)
        for message in found.new:
            if message.id in refused:
                raise refused[message.id]
        if not found.new:
            return ()
        try:
            return thread.keep(found.new, expect=found.head)
        except Conflict:  # somebody stored something since they were compared
            if thread.info.head == found.head:
                raise


def _filtered(thread: Thread, message: Message, refused: dict[str, FilterFailed | MessageVetoed]) -> Message:
    """Return a message as it is stored: so it is compared. One that is refused now may be an old one."""
    try:
        return thread.memex.filtered(thread.id, message)
    except (FilterFailed, MessageVetoed) as error:
        refused[message.id] = error
        return message
