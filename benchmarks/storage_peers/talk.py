"""Test text: endless, deterministic, and like real conversations in sizes, words and scripts.

Words follow Zipf's law over the vocabulary of ``examples/harbour.jsonl``, most frequent first, which
invented words extend to 30,000. Of ten messages four are the user's (most of 100 to 300 bytes), four
a model's answers (400 to 1,600 bytes), one a tool call and one its JSON result; one exchange in four
is Japanese, in sentences of the same file. Message ``i`` is always the same, whoever asks.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

SAMPLE = Path(__file__).parents[2] / "examples" / "harbour.jsonl"
VOCABULARY = 30_000
STREAM = 400_000
_STEP, _MIX = 2_654_435_761, 0x9E3779B97F4A7C15
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
# Who says what in ten messages.
TURNS = (
    ("user", "english"),
    ("assistant", "english"),
    ("user", "english"),
    ("assistant", "call"),
    ("tool", "result"),
    ("assistant", "english"),
    ("user", "japanese"),
    ("assistant", "japanese"),
    ("user", "english"),
    ("assistant", "english"),
)


class Said(NamedTuple):
    """One message, before any library has a shape for it.

    Attributes:
        number: Its place in the conversation.
        role: Who speaks.
        text: What is said; of a tool call its arguments, of a result its JSON.
        call: Id of the tool call that is made or answered, empty where there is none.
    """

    number: int
    role: str
    text: str
    call: str = ""

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.text.encode())


class Talk:
    """A conversation without end."""

    def __init__(self, seed: int = 7) -> None:
        chance = random.Random(seed)
        texts = [row["content"] for row in map(json.loads, SAMPLE.open(encoding="utf-8")) if _is_text(row)]
        known = Counter(re.findall("[a-z]+", " ".join(texts).lower()))
        self.vocabulary = _vocabulary(known, chance)
        weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(VOCABULARY)))
        drawn = chance.choices(self.vocabulary, cum_weights=weights, k=STREAM)
        self._stream = list(_punctuated(drawn, chance))
        self._sentences = [
            sentence + "。"
            for text in texts
            for sentence in re.split("[。\n]", text)
            if len(_JAPANESE.findall(sentence)) > 8
        ]

    def said(self, number: int) -> Said:
        """Return message ``number``."""
        chance = (number * _STEP ^ (number * _MIX) >> 29) & 0xFFFFFFFF
        role, kind = TURNS[number % len(TURNS)]
        if kind == "call":
            arguments = {
                "query": self._words(chance, 4),
                "limit": chance % 50,
                "since": f"2026-{chance % 12:02}",
            }
            return Said(number, role, json.dumps(arguments), f"call_{number}")
        if kind == "result":
            rows = [
                {
                    "id": chance + row,
                    "name": self._words(chance + row * 97, 3),
                    "amount": (chance >> row) % 9_000,
                }
                for row in range(2 + chance % 14)
            ]
            return Said(number, role, json.dumps({"rows": rows}), f"call_{number - 1}")
        if kind == "japanese":
            count = 1 + chance % 3 if role == "user" else 4 + chance % 9
            many = len(self._sentences)
            text = "".join(self._sentences[(chance + 31 * at) % many] for at in range(count))
            return Said(number, role, f"{text}({chance % 10_000})")
        count = 18 + chance % 36 if role == "user" else 70 + chance % 190
        return Said(number, role, self._words(chance, count))

    def batch(self, first: int, count: int) -> list[Said]:
        """Return ``count`` messages from number ``first`` on."""
        return [self.said(number) for number in range(first, first + count)]

    def queries(self) -> dict[str, list[list[str]]]:
        """Return searches of one and two words, by how frequent the words are."""
        ranks = {"frequent": 40, "middling": 1_200, "rare": 6_000}
        found: dict[str, list[list[str]]] = {}
        for name, rank in ranks.items():
            words = self.vocabulary[rank : rank + 8]
            found[name] = [[word] for word in words[:6]] + [[word, self.vocabulary[20]] for word in words[6:]]
        return found

    def _words(self, chance: int, count: int) -> str:
        start = chance * 7 % (STREAM - count)
        return " ".join(self._stream[start : start + count])


def _is_text(row: dict[str, object]) -> bool:
    return isinstance(row.get("content"), str)


def _vocabulary(known: Counter[str], chance: random.Random) -> list[str]:
    words = dict.fromkeys(word for word, _ in known.most_common())
    while len(words) < VOCABULARY:
        syllables = (
            chance.choice("bdfghklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(2, 5))
        )
        words.setdefault("".join(syllables))
    return list(words)


def _punctuated(words: list[str], chance: random.Random) -> list[str]:
    left, marked = 0, []
    for word in words:
        if not left:
            word, left = word.capitalize(), chance.randint(4, 18)  # noqa: PLW2901
        left -= 1
        marked.append(word if left else word + chance.choice((".", ".", ".", "?", ".\n\n", ",\n-")))
    return marked
