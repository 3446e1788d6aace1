"""What is new in a history that a caller sends again with every call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from memex._entry import Entry
from memex._errors import FilterFailed, MessageVetoed
from memex._message import Message, Role
from memex._parts import Citation, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from memex._thread import Thread

_STANDING: Final[frozenset[Role]] = frozenset({"system", "developer"})
# How many messages that a caller does not send are looked past, besides as many as they send.
_SLACK: Final = 50


def new_messages(thread: Thread, messages: Sequence[Message]) -> list[Message]:
    """Return those of a caller's messages that the thread does not hold.

    The caller may send the whole conversation, the end of it, or only what is new; the system text
    every time; a call again that failed. What is compared is what was said: words, calls, results and
    media, not thoughts, ids or spelling; and what the filters make of it, as that is what is stored. An answer that broke off counts as said where the caller sends
    it, and as not said where they do not.

    Args:
        thread: The thread.
        messages: What the caller sends, in order.
    """
    known = {_said(entry.message) for entry in thread.entries() if entry.message.role in _STANDING}
    spoken = [message for message in messages if message.role not in _STANDING]
    log = list(_newest_first(thread, _SLACK + 2 * len(spoken)))
    start = _first_new(log, [_stored(thread, message) for message in spoken])
    fresh = {id(message) for message in spoken[start:]}
    new: list[Message] = []
    for message in messages:
        if message.role not in _STANDING:
            if id(message) in fresh:
                new.append(message)
        elif (said := _said(_stored(thread, message))) not in known:
            known.add(said)
            new.append(message)
    return new


def _stored(thread: Thread, message: Message) -> Message:
    """Return a message as it is stored. One that is refused now is compared as it is."""
    try:
        return thread.memex.filtered(thread.id, message)
    except (MessageVetoed, FilterFailed):
        return message


def _newest_first(thread: Thread, most: int) -> Iterator[Entry]:
    spoken = (e for e in thread.entries(reverse=True) if e.message.role not in _STANDING)
    return islice((e for e in spoken if e.message.status != "forgotten"), most)


def _first_new(log: Sequence[Entry], spoken: Sequence[Message]) -> int:
    """Return the place of the first new message: after the one that the log ends with.

    The same words may stand in several places. The right one is where most of what is before them
    agrees as well.
    """
    held = [_said(entry.message) for entry in log]
    sent = [_said(message) for message in spoken]
    places: dict[Any, list[int]] = {}
    for place, said in enumerate(sent):
        places.setdefault(said, []).append(place)
    best, start = (0, False), 0
    behind = _LeftBehind()
    for at, entry in enumerate(log):
        for place in places.get(held[at], ()):
            if behind.may_be(spoken[place + 1 :]):
                agreed = _agreement(log[at:], held[at:], sent[: place + 1])
                if agreed > best:
                    best, start = agreed, place + 1
        behind.add(entry)
    return start


class _LeftBehind:
    """What the log ends with and the caller has not sent."""

    def __init__(self) -> None:
        self._question = self._answer = False

    def add(self, entry: Entry) -> None:
        if not _broken(entry):
            self._question = True
            self._answer = self._answer or entry.message.role == "assistant"

    def may_be(self, following: Sequence[Message]) -> bool:
        """Tell whether a caller who goes on like this may have left it out.

        An answer that broke off, they do not have. A question that got none, they may have given up for
        another one; a whole answer, for one of their own. Whoever says nothing after that says it anew.
        """
        if not self._question:
            return True
        return bool(following) and (following[0].role == "assistant" or not self._answer)


def _agreement(log: Sequence[Entry], held: Sequence[Any], sent: Sequence[Any]) -> tuple[int, bool]:
    """Return how far two conversations agree, backwards, and whether all of what is sent is held.

    What the caller may have left out may be missing: answers that broke off, questions that got none.
    """
    agreed, place = 0, len(sent) - 1
    after = "user"
    for entry, said in zip(log, held, strict=True):
        role = entry.message.role
        if place >= 0 and said == sent[place]:
            agreed, place = agreed + 1, place - 1
        elif not (_broken(entry) or role == after == "user"):
            break
        if not _broken(entry):
            after = role
    return agreed, place < 0


def _broken(entry: Entry) -> bool:
    return entry.message.role == "assistant" and entry.message.status in ("incomplete", "error")


def _said(message: Message) -> Any:
    role = "system" if message.role == "developer" else message.role
    return role, message.name, tuple(_pieces(message))


def _pieces(message: Message) -> Iterator[Any]:
    words: list[str] = []
    for part in message.parts:
        if isinstance(part, (Text, Refusal)):
            words.append(part.text)
            continue
        if isinstance(part, (Reasoning, Citation)):
            continue
        if words:
            yield "".join(words)
            words = []
        yield _piece(part)
    if words:
        yield "".join(words)


def _piece(part: Any) -> Any:
    if isinstance(part, ToolCall):
        return "call", part.id, part.name
    if isinstance(part, ToolResult):
        return "result", part.call_id, tuple(_pieces(Message(role="tool", parts=part.parts)))
    if isinstance(part, Opaque):
        return "opaque", repr(part.data)
    return "media", part.kind, part.value
