"""What is new in messages of a caller that sends its whole history again, or a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from memex._errors import Conflict
from memex._message import Message
from memex._thread import Thread
from memex.wire._standing import changed_system
from memex.wire._units import Unit, covered, messages_of, units_of


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """How messages that were sent compare to a thread.

    Attributes:
        new: What the thread does not have yet and belongs at its end, in order. System text that
            has changed stands first.
        head: The thread's newest message when they were compared; give it as ``expect`` to
            :meth:`Thread.append <memex.Thread.append>`.
        edited: Where the sent history is another one than the thread's, for a person; empty if it
            is not.
        fork_at: For an edited history, the last message that both share: a fork from there, with
            ``fork_new`` appended, is the history that was sent.
        fork_new: What has to be appended to that fork.
    """

    new: tuple[Message, ...]
    head: int
    edited: str = ""
    fork_at: int = 0
    fork_new: tuple[Message, ...] = ()


def new_messages(
    thread: Thread, messages: Sequence[Message], *, edited: Literal["raise", "append"] = "raise"
) -> list[Message]:
    """Return which of the messages that a caller sent are not in the thread yet, in order.

    Callers of a stateless API send everything again with each request. Messages are recognised by what
    they say: role, name, words, tool calls with ids and arguments as JSON, results, media. Ids and times
    of messages, usage, thoughts, white space at the ends and the order of parallel results do not matter.

    - The whole history is sent, or its end, or parts of it: what follows the thread's newest message is new.
    - Only something new is sent, without any answer of the model: all of it is new. So the same words
      said again are a new turn, unless their first try got no whole answer: then they stand once.
    - System text at the beginning is new when it is another one than the thread's last. It supersedes what
      stood there before: no later window has the old one, unless it is pinned.
    - An answer that the caller began may come back as one message, or as the beginning and the rest.
    - What was forgotten is not stored again.

    A history that was changed (an earlier message has other words, or answers are missing at the end) is
    an error by default, as the thread cannot be changed to match. :func:`reconcile` tells where to fork.

    Args:
        thread: The thread.
        messages: What was sent, decoded by a codec.
        edited: What happens with a changed history: an error, or what comes after the part that both
            share goes to the end of the thread, which keeps what it has.

    Raises:
        Conflict: If the history was changed; says what differs.
    """
    found = reconcile(thread, messages)
    if found.edited and edited == "raise":
        raise Conflict(
            f"the messages sent to thread {thread.id!r} tell another history: {found.edited}; send the "
            f"messages that the thread has, only what is new, or go on in a fork from #{found.fork_at}"
        )
    return list(found.new)


def reconcile(thread: Thread, messages: Sequence[Message]) -> Reconciled:
    """Compare what a caller sent to a thread; see :func:`new_messages`."""
    head = thread.info.head
    sent = list(units_of((0, message) for message in messages))
    first = next((number for number, unit in enumerate(sent) if unit.kind != "system"), len(sent))
    leading, sent = sent[:first], sent[first:]
    system = changed_system(thread, leading, sent, head)
    log = _Log(thread, head)
    for count in range(len(sent), 0, -1):
        ends, rest = _ends_the_log(sent[:count], log)
        if ends:
            return Reconciled(new=(*system, *messages_of([*rest, *sent[count:]])), head=head)
    if not log.binds() or not any(unit.kind == "assistant" for unit in sent):
        return Reconciled(new=(*system, *messages_of(sent)), head=head)
    edited, at, common, anchor = _difference(log.forwards(), sent)
    return Reconciled(
        new=(*system, *messages_of(sent[max(common, anchor) :])),
        head=head,
        edited=edited,
        fork_at=at,
        fork_new=(*changed_system(thread, leading, sent, at), *messages_of(sent[common:])),
    )


class _Log:
    """The units of a thread from its end, read as far as needed."""

    def __init__(self, thread: Thread, head: int) -> None:
        self.read: list[Unit] = []
        self._more = _backwards(thread, head)

    def has_one(self, place: int) -> bool:
        """Say whether there is a unit at this place from the end."""
        while len(self.read) <= place:
            unit = next(self._more, None)
            if unit is None:
                return False
            self.read.append(unit)
        return True

    def above(self, place: int) -> Iterator[Unit]:
        """Yield the units from this place on, newest first."""
        while self.has_one(place):
            yield self.read[place]
            place += 1

    def may_be_missing(self, place: int) -> bool:
        """Say whether a caller need not know a unit: an answer cut off, or a question without a whole one."""
        unit = self.read[place]
        if unit.gone or unit.kind == "system":
            return True
        if unit.kind == "assistant":
            return not unit.whole
        after = (
            next((after for after in self.read[place - 1 :: -1] if after.kind != "system"), None)
            if place
            else None
        )
        return after is None or after.kind != "assistant" or not after.whole

    def binds(self) -> bool:
        """Say whether there is anything that a caller with a history must have."""
        place = 0
        while self.has_one(place):
            if not self.may_be_missing(place):
                return True
            place += 1
        return False

    def forwards(self) -> list[Unit]:
        """Return all units in the order of the log."""
        self.has_one(10**12)
        return self.read[::-1]


def _backwards(thread: Thread, head: int) -> Iterator[Unit]:
    """Yield the units of the log, newest first; those of one run of results or one message as they belong."""
    run: list[tuple[int, Message]] = []
    for entry in thread.entries(1, head, reverse=True):
        message = entry.message
        if run and not (_has_results(run[-1][1]) and _has_results(message)):
            yield from reversed(list(units_of(reversed(run))))
            run = []
        run.append((entry.seq, message))
    yield from reversed(list(units_of(reversed(run))))


def _has_results(message: Message) -> bool:
    return message.role == "tool" or bool(message.tool_results)


def _ends_the_log(sent: Sequence[Unit], log: _Log) -> tuple[bool, list[Unit]]:
    """Say whether ``sent`` is the log or what is left of it when parts are taken out, up to its very end.

    Also returned are results that came in addition to those which the log has for the last calls.
    """
    place, rest = 0, None
    while log.has_one(place):
        if count := covered(sent[-1], log.above(place), backwards=True):
            place += count - 1
            break
        rest = sent[-1].without(log.read[place])
        if rest is not None:
            break
        if not log.may_be_missing(place):
            return False, []
        place += 1
    else:
        return False, []
    left = _above_forgotten(sent, len(sent) - 1, log, place)
    while left and log.has_one(place := place + 1):
        if count := covered(sent[left - 1], log.above(place), backwards=True):
            place += count - 1
            left = _above_forgotten(sent, left - 1, log, place)
    return not left, [rest] if rest is not None else []


def _above_forgotten(sent: Sequence[Unit], left: int, log: _Log, place: int) -> int:
    """Return how many sent units are left above one that matched; a forgotten one may have been several."""
    while left and log.read[place].gone and sent[left - 1].same(log.read[place]):
        if log.has_one(place + 1) and sent[left - 1].same(log.read[place + 1]):
            break
        left -= 1
    return left


def _difference(known: Sequence[Unit], sent: Sequence[Unit]) -> tuple[str, int, int, int]:
    """Say where a history that does not fit differs.

    Returns:
        That in words; the last message that both beginnings share; how many of the sent units these
        are; and how many are over when the thread's newest unit has been met.
    """
    common = place = at = 0
    while common < len(sent) and place < len(known):
        here_on = (known[number] for number in range(place, len(known)))
        if count := covered(sent[common], here_on, backwards=False, exactly=True):
            place += count - 1
            common, at = common + 1, known[place].seq
        elif known[place].kind != "system":
            break
        place += 1
    here = known[place] if place < len(known) else None
    anchor = _anchor(sent, known)
    if common == len(sent):
        goes_on = f" with #{here.seq} {here.shown}" if here else ""
        words = f"they end at #{at}, and the thread goes on{goes_on}"
    elif here and (common or anchor):
        words = f"instead of #{here.seq} {here.shown} there is {sent[common].shown}"
    else:
        words = f"{sent[common].shown} is not in the thread"
    return words, at, common, anchor


def _anchor(sent: Sequence[Unit], known: Sequence[Unit]) -> int:
    """Return how many of the sent units are over when the thread's newest one has been met."""
    met = (n for n, unit in enumerate(sent, 1) if covered(unit, reversed(known), backwards=True))
    return max(met, default=0)
