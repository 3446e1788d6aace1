"""Conversations that the contracts hold: long, repeatable, and with one fact worth finding again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from memex._message import Message
from memex._parts import Text, ToolCall

QUESTION = "Which colour did Ottoline want for the lighthouse door?"
FACT = "Ottoline wants the lighthouse door in vermilion, and nothing else."

_START = datetime(2026, 1, 5, 9, tzinfo=UTC)
# fmt: off
_NAMES = (
    "Abel", "Berit", "Casimir", "Dorrit", "Elva", "Fabian", "Gudrun", "Hiro", "Ilse", "Jovan", "Kaisa",
    "Leander", "Mirabel", "Nils", "Oona", "Pim", "Quirin", "Rosalind", "Sefa", "Tibor", "Ulla", "Viggo",
)
# fmt: on
_SUBJECTS = ("the harbour", "our ticket shop", "the night train", "a small garden", "the old printer")
_VERBS = ("needs", "waits for", "was moved because of", "cannot do without", "costs more than")
_OBJECTS = ("new cables", "the second key", "more rain", "a permit", "fresh paint", "two volunteers")


def long_talk(turns: int, *, fact_at: int | None = 3, tools: bool = False, seed: int = 1) -> list[Message]:
    """Return a conversation of so many turns; the same arguments give the same words.

    Args:
        turns: How many questions with their answers.
        fact_at: The turn in which :data:`FACT` is said; None for nowhere.
        tools: Whether every fifth turn calls two tools in parallel.
        seed: For other words.
    """
    chance = random.Random(seed)  # noqa: S311 - it only has to be the same every time
    messages = [Message.system("You keep the minutes of a small harbour town.")]
    for turn in range(turns):
        said = FACT if turn == fact_at else _sentence(chance, turn)
        messages.append(Message.user(f"{said} {_sentence(chance, turn)}"))
        if tools and turn % 5 == 2:
            calls = [ToolCall(id=f"call_{i}", name="look", arguments=f'{{"at": {turn}}}') for i in (0, 1)]
            messages.append(Message.assistant(calls))
            messages += [Message.tool(call.id, _sentence(chance, turn)) for call in calls]
        messages.append(Message.assistant([Text(" ".join(_sentence(chance, turn) for _ in range(3)))]))
    return [_dated(message, index) for index, message in enumerate(messages)]


def _dated(message: Message, index: int) -> Message:
    return message.replace(id=f"m{index:05d}", created=_START + timedelta(hours=index))


def _sentence(chance: random.Random, turn: int) -> str:
    subject, verb, what = chance.choice(_SUBJECTS), chance.choice(_VERBS), chance.choice(_OBJECTS)
    return f"Point {turn}: {chance.choice(_NAMES)} says {subject} {verb} {what}."
