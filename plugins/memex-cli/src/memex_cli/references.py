"""How a person names a message on the command line."""

from __future__ import annotations

from typing import Final

import click

from memex import Entry, Thread, UnknownMessage

HOW: Final = "a number such as 12 or #12, or a message's id (id:12 where that is a number)"
_LONGEST_NUMBER = 15


def message_reference(text: str) -> str | int:
    """Return the sequence number or the id that ``text`` names."""
    if text.startswith("id:"):
        return text.removeprefix("id:")
    digits = text.removeprefix("#")
    if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER:
        return int(digits)
    if text.startswith("#"):
        raise click.BadParameter(f"{text!r} names no message; give {HOW}")
    return text


def find_message(thread: Thread, reference: str | int) -> Entry:
    """Return the message that ``reference`` names.

    Raises:
        UnknownMessage: If the thread has none such.
    """
    if isinstance(reference, str):
        found = thread.memex.store.get(thread.id, [reference])
    else:
        found = list(thread.entries(reference, reference)) if reference > 0 else []
    if not found:
        raise UnknownMessage(f"thread {thread.id!r} has no message {reference!r}")
    return found[0]
