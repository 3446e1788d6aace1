"""What is in a message, as features with weights: the score of a message is their sum, and says so."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from memex import Message, Text, ToolResult, searchable_text
from memex_importance.cues import CUES, DENIABLE, DENIED, DENIED_WITHIN

WEIGHTS: Final[Mapping[str, float]] = {
    "decision": 1.0,
    "correction": 1.0,
    "remember": 1.0,
    "commitment": 0.9,
    "preference": 0.8,
    "open": 0.8,
    "identifier": 0.8,
    "definition": 0.7,
    "date": 0.6,
    "amount": 0.6,
    "name": 0.4,
    "number": 0.3,
    "question": 0.2,
}
"""What each feature is worth at most. They were set by judgement, not fitted to any data."""

SPEAKERS: Final[Mapping[str, float]] = {"user": 1.0, "assistant": 0.7, "tool": 0.4}
"""What somebody says counts fully for a user: a fact about them seldom stands anywhere else."""

HEAD: Final = 2_000
TAIL: Final = 500
"""Characters of the beginning and the end of a long message that are looked at."""

# Every German noun has a capital, which says nothing there.
_GERMAN: Final = re.compile(
    r"(?<!\w)(?:der|die|das|und|ist|nicht|ein|eine|ich|wir|mit|für|auf|den|dem)(?!\w)"
)


def features_of(message: Message) -> dict[str, float]:
    """Return what is in a message: feature to worth, rounded, without those that are not there.

    The first cue of a feature gives two thirds of its weight, each further one less; so a long list
    of numbers is worth no more than a few. The cost is bounded, however long the message is.
    """
    share = SPEAKERS.get(message.role, 0.0)
    if message.role == "user" and message.tool_results and not _has_words(message):
        share = SPEAKERS["tool"]
    text = _looked_at(searchable_text(message)) if share else ""
    if not text:
        return {}
    lower = text.lower()
    found: dict[str, float] = {}
    for feature, weight in WEIGHTS.items():
        if feature == "name" and len(_GERMAN.findall(lower)) > 2:
            continue
        count = _count(feature, text if feature == "name" else lower)
        if count:
            found[feature] = round(share * weight * (1 - (1 / 3) ** count), 3)
    return found


def _count(feature: str, text: str) -> int:
    """Return how many different cues there are, 4 at most: more make no difference."""
    seen: set[str] = set()
    for cue in CUES[feature].finditer(text):
        if feature in DENIABLE and DENIED.search(text, max(0, cue.start() - DENIED_WITHIN), cue.start()):
            continue
        seen.add(cue.group())
        if len(seen) == 4:
            break
    return len(seen)


def _looked_at(text: str) -> str:
    text = text.strip().replace("\u2019", "'")
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _has_words(message: Message) -> bool:
    return any(isinstance(part, Text) for part in message.parts if not isinstance(part, ToolResult))


class Scorer:
    """Features of messages, each message looked at once: the newest ``most`` are remembered.

    A message is known by its id, and by what it says: two threads may use the same id. Nothing of
    its words is kept. May be called from any thread.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str, int, int], dict[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, message: Message) -> Mapping[str, float]:
        """Return what is in a message."""
        text = searchable_text(message)
        key = (message.id, message.role, len(text), hash(text))
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
                return found
        found = features_of(message)
        with self._lock:
            self._known[key] = found
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found
