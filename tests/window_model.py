"""What a window must hold, worked out from messages alone: the slow and plain way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from memex import Counter, Derived, Entry, Message, is_question

Item = Entry | Derived


@dataclass
class Seen:
    """A recorded window.

    Attributes:
        items: What was in it.
        head: The newest stored message then.
        asked: What was asked without being stored.
        lost: Whether a message it was made from was forgotten since.
    """

    items: tuple[Item, ...]
    head: int
    asked: Message | None
    lost: bool = False

    def stored_in(self, log: Sequence[Message]) -> bool:
        """Tell whether what it asked was stored right afterwards, word for word."""
        if self.asked is None:
            return True
        return len(log) > self.head and said(log[self.head]) == said(self.asked)


def said(message: Message) -> Any:
    """Return what a model sees of a message."""
    return message.role, message.name, message.parts


def fresh_tokens(before: Seen | None, items: Sequence[Item], counter: Counter) -> tuple[int, int]:
    """Return the tokens after the longest prefix that a window shares with the last, and its length."""
    shared = 0
    for old, new in zip(before.items if before else (), items, strict=False):
        if getattr(old, "seq", 0) != getattr(new, "seq", 0) or said(old.message) != said(new.message):
            break
        shared += 1
    return sum(counter.count_message(item.message) for item in items[shared:]), shared


def standing_texts(messages: Sequence[Message]) -> set[Any]:
    """Return what system and developer messages say, each once."""
    return {said(m) for m in messages if m.role in ("system", "developer") and m.status != "forgotten"}


def newest_question(log: Sequence[Message]) -> int | None:
    """Return the place of the newest user message."""
    places = range(len(log), 0, -1)
    return next((s for s in places if is_question(log[s - 1]) and log[s - 1].status != "forgotten"), None)


def links(log: Sequence[Message]) -> tuple[list[tuple[int, int]], dict[int, list[int]], set[int]]:
    """Return (call, result) places, the places that answer each call of a place, and orphan results.

    A result answers the nearest earlier call of its id; of two in one message, first the one, then the other.
    """
    pairs: list[tuple[int, int]] = []
    answers: dict[int, list[int]] = {}
    unasked: set[int] = set()
    asked: dict[str, tuple[int, list[int]]] = {}
    for seq, message in enumerate(log, 1):
        for result in message.tool_results:
            if result.call_id in asked and asked[result.call_id][0] != seq:
                at, calls = asked[result.call_id]
                pairs.append((at, seq))
                answers[at][min(calls, key=answers[at].__getitem__)] += 1
            else:
                unasked.add(seq)
        for call in message.tool_calls:
            answers.setdefault(seq, []).append(0)
            same = asked[call.id][1] if asked.get(call.id, (0, []))[0] == seq else []
            asked[call.id] = (seq, [*same, len(answers[seq]) - 1])
    return pairs, answers, unasked


def together(log: Sequence[Message], places: Collection[int]) -> set[int]:
    """Return ``places`` with all that they are linked to through calls and results."""
    pairs, found = links(log)[0], set(places)
    while more := {seq for pair in pairs if found & set(pair) for seq in pair} - found:
        found |= more
    return found


def replaced(log: Sequence[Message]) -> set[int]:
    """Return the places of answers that broke off, and that another answer follows or nothing at all."""
    found = set()
    for seq, message in enumerate(log, 1):
        if message.role == "assistant" and message.status in ("incomplete", "error"):
            after = [m for m in log[seq:] if m.role not in ("system", "developer")]
            parents = {message.parent, after[0].parent} - {None} if after else set()
            if not after or (after[0].role == "assistant" and len(parents) < 2):
                found.add(seq)
    return found


def goes_on(log: Sequence[Message], asked: Message) -> bool:
    """Tell whether this was asked already, word for word, and has no whole answer yet."""
    newest = newest_question(log)
    if newest is None or said(log[newest - 1]) != said(asked):
        return False
    answers = links(log)[1]
    given = [s for s in range(newest + 1, len(log) + 1) if log[s - 1].role == "assistant"]
    given = [s for s in given if log[s - 1].status == "complete" or any(answers.get(s, ()))]
    return not given or (bool(log[given[-1] - 1].tool_calls) and 0 not in answers[given[-1]])


def last_exchange(log: Sequence[Message]) -> set[int]:
    """Return the places of an exchange with tools that stands at the very end."""
    out = replaced(log)
    places = [s for s in range(1, len(log) + 1) if log[s - 1].status != "forgotten" and s not in out]
    last = places[-1] if places else None
    if last is None or not (log[last - 1].tool_calls or log[last - 1].tool_results):
        return set()
    return together(log, {last})


def must_stay(log: Sequence[Message], pins: Collection[int]) -> set[int]:
    """Return the places of what has to be in a window, whatever the budget."""
    places = {seq for seq in pins if log[seq - 1].status != "forgotten"}
    texts: set[Any] = set()
    for seq, message in enumerate(log, 1):
        if standing_texts([message]) - texts:
            texts |= standing_texts([message])
            places.add(seq)
    newest = newest_question(log)
    places |= {newest} if newest else set()
    return together(log, places | last_exchange(log))


def broken_pairs(log: Sequence[Message], seqs: Collection[int], pins: Collection[int]) -> list[str]:
    """Say which calls and results of a window stand without each other.

    A call may wait for its results at the very end, and what is pinned stays as it is.
    """
    pairs, answers, unasked = links(log)
    pinned, pending = together(log, set(pins)), last_exchange(log)
    split = [f"#{a} and #{b}" for a, b in pairs if (a in seqs) != (b in seqs)]
    waiting = {seq for seq, heard in answers.items() if seq in seqs and 0 in heard}
    lost = sorted(waiting - pending - pinned)
    alone = sorted((unasked & set(seqs)) - pinned)
    return split + [f"call #{seq}" for seq in lost] + [f"result #{seq}" for seq in alone]
