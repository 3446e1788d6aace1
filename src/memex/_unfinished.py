"""What the end of a thread still waits for: an answer, or the results of tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from memex._entry import Entry
from memex._message import Message, is_broken
from memex._parts import ToolCall
from memex._window import is_question

# How far from the end the beginning of a turn is looked for: each round of tools adds two messages.
_LOOK_BACK: Final = 500


class Unfinished(msgspec.Struct, frozen=True):
    """A turn that has no whole answer.

    Attributes:
        waiting: Calls of its last answer that have no result.
        asked: Id of the user's message that is to be answered, where there is one.
        said: What began it, where that was asked for.
    """

    waiting: tuple[ToolCall, ...] = ()
    asked: str | None = None
    said: tuple[Entry, ...] = ()


def unfinished(newest_first: Iterable[Entry], said: Sequence[Message] | None = None) -> Unfinished | None:
    """Return the turn at the end of a thread if it is unfinished, else None.

    Passed over, from the end, are answers that broke off, exchanges with tools, and system text. Before
    them stands what the user said, or a whole answer: then nothing is unfinished.

    Args:
        newest_first: The thread's messages, newest first; read as far as needed.
        said: Only a turn that began with exactly these messages.
    """
    back = _Back(newest_first)
    waiting: tuple[ToolCall, ...] = ()
    given: list[str] = []
    exchanged = False
    for at in range(_LOOK_BACK):
        entry = back.at(at)
        if entry is None:
            break
        message = entry.message
        if said and not (exchanged and _gives_results(said)) and back.holds(said, at):
            block = back.entries(at, len(said))
            return Unfinished(waiting, _question(block), block)
        if message.role == "assistant":
            alone = tuple(call for call in message.tool_calls if not _taken(given, call.id))
            if is_broken(message) and len(alone) == len(message.tool_calls):
                continue  # its calls were never run: the next answer stands in its place
            if not exchanged:
                if not message.tool_calls:
                    break
                waiting, exchanged = alone, True
        elif is_question(message):
            return None if said else Unfinished(waiting, message.id)
        else:
            given += [result.call_id for result in message.tool_results]
    return None


class _Back:
    """The end of a thread, read backwards as far as it is asked for; tombstones are left out."""

    def __init__(self, newest_first: Iterable[Entry]) -> None:
        self._coming = iter(newest_first)
        self._read: list[Entry] = []

    def at(self, place: int) -> Entry | None:
        """Return the message so many places before the newest, None past the first."""
        while len(self._read) <= place:
            entry = next(self._coming, None)
            if entry is None:
                return None
            if entry.message.status != "forgotten":
                self._read.append(entry)
        return self._read[place]

    def holds(self, said: Sequence[Message], place: int) -> bool:
        """Tell whether the messages that end at ``place`` are these, word for word."""
        for back, message in enumerate(reversed(said)):
            entry = self.at(place + back)
            if entry is None or not _same(entry.message, message):
                return False
        return True

    def entries(self, place: int, count: int) -> tuple[Entry, ...]:
        """Return so many messages that end at ``place``, in log order."""
        return tuple(reversed(self._read[place : place + count]))


def _same(one: Message, other: Message) -> bool:
    """Tell whether two messages say the same; id and time are not what is said."""
    return (one.role, one.name, one.parts, one.meta, one.extra) == (
        other.role,
        other.name,
        other.parts,
        other.meta,
        other.extra,
    )


def _gives_results(said: Sequence[Message]) -> bool:
    return any(message.tool_results for message in said)


def _question(block: Sequence[Entry]) -> str | None:
    return next((entry.message.id for entry in reversed(block) if entry.message.role == "user"), None)


def _taken(given: list[str], call_id: str) -> bool:
    """Take the result of a call out of ``given``, if it is there."""
    if call_id not in given:
        return False
    given.remove(call_id)
    return True
