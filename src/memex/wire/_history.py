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
# What it takes to believe that a message is missing on one side, that one is a question which was given
# up, and that what is new has been said before, by the caller or by a model.
_MISSING, _UNASKED, _ASKED_AGAIN, _SAID_AGAIN = 4, 1, 3, 12


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

    The same words may stand in several places. The right one is where what is before it differs least,
    and where nothing would be new that a model has said already.
    """
    held = [_said(entry.message) for entry in log]
    sent = [_said(message) for message in spoken]
    pairs = _meetings(log, held, spoken, sent)
    if not pairs:
        return 0
    last = max(place for _, place, _ in pairs)
    first = next(at for at, place, _ in pairs if place == last)
    if held[first : first + last + 1] == sent[last::-1]:  # all before it is the same: no other can be better
        return last + 1
    known = set(held)
    again = [
        (said in known) * (_ASKED_AGAIN if message.role == "user" else _SAID_AGAIN)
        for message, said in zip(spoken, sent, strict=True)
    ]
    before = _differences(log, held, sent)

    def cost(pair: tuple[int, int, int]) -> int:
        at, place, behind = pair
        return behind + before[at + 1][place] + sum(again[place + 1 :])

    return min(pairs, key=cost)[1] + 1


def _meetings(
    log: Sequence[Entry], held: Sequence[Any], spoken: Sequence[Message], sent: Sequence[Any]
) -> list[tuple[int, int, int]]:
    """Return where the log and the caller's messages may meet: both places, and what it takes.

    The caller may lack what the log ends with: an answer that broke off; a question that got none and
    was given up for another one; a whole answer, for one of their own. Whoever says nothing after that
    says it anew.
    """
    places: dict[Any, list[int]] = {}
    for place, said in enumerate(sent):
        places.setdefault(said, []).append(place)
    pairs: list[tuple[int, int, int]] = []
    questions = answers = 0
    for at, entry in enumerate(log):
        for place in places.get(held[at], ()):
            following = spoken[place + 1 : place + 2]
            own = bool(following) and following[0].role == "assistant"
            if not questions + answers or (following and (not answers or (answers == 1 and own))):
                pairs.append((at, place, questions * _UNASKED + answers * _MISSING))
        if not _broken(entry):
            answers += entry.message.role == "assistant"
            questions += entry.message.role != "assistant"
    return pairs


def _differences(log: Sequence[Entry], held: Sequence[Any], sent: Sequence[Any]) -> list[list[int]]:
    """Return how much the log from each place back differs from each beginning of what is sent.

    An answer that broke off may be missing there, and a question that got none; the log may be longer.
    """
    table = [[_MISSING * place for place in range(len(sent) + 1)] for _ in range(len(log) + 1)]
    for at in range(len(log) - 1, -1, -1):
        older, row = table[at + 1], table[at]
        newer = next((e.message.role for e in log[max(0, at - 1) : at] if not _broken(e)), "user")
        skipped = _UNASKED if log[at].message.role == newer == "user" else _MISSING
        skipped = 0 if _broken(log[at]) else skipped
        for place, said in enumerate(sent, start=1):
            row[place] = min(older[place] + skipped, row[place - 1] + _MISSING)
            if said == held[at]:
                row[place] = min(row[place], older[place - 1])
    return table


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
