"""Questions that a conversation asks itself: facts that were said once, and were needed again later.

Nobody has to write questions with evidence down. Where an answer holds a number, a path or a name that
was said in one earlier message only, the question before it needed that message. The same goes for a
question that names such a fact, and for one that asks what was decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from memex import Entry, Message, is_question, searchable_text, terms
from memex_lab.questions import Question

APART: Final = 20
"""So many messages lie between a fact and the question, so that it does not just stand there."""
_LOOKED_AT: Final = 4_000
_MOST_PER_MESSAGE: Final = 60

_KINDS: Final = {
    "path": re.compile(
        r"https?://[^\s<>\"')\]]{4,200}|(?<![\w/])~?/[\w.-]{1,64}(?:/[\w.-]{1,64}){1,16}"
        r"|\b[\w-]{1,64}\.(?:py|js|ts|md|txt|csv|json|toml|ya?ml|pdf|docx?|xlsx?|sql|sh|rs|go|java|log|db)\b"
        r"|[\w.+-]{1,64}@[\w-]{1,64}\.\w{2,12}"
    ),
    "number": re.compile(
        r"(?<![\w.,:/-])(?=(?:\D{0,2}\d){3})\d[\d.,:-]{1,30}\d(?![\w/])|\b[A-Z]{1,6}-\d{2,12}\b"
    ),
    "name": re.compile(
        r"(?<=[\w,] )(?!I\b)(?:[A-ZÀ-ÖØ-Þ][a-zà-ÿ][\w’-]{0,40}(?: [A-ZÀ-ÖØ-Þ][\w’-]{1,40}){1,2}"
        r"|[A-ZÀ-ÖØ-Þ][a-zà-ÿ][\w’-]{2,40})"
    ),
}
_DECIDED: Final = re.compile(
    r"(?<!\w)(?:decid\w+|decision|agreed|settled on|entschieden|beschlossen|vereinbart|décid\w+|convenu"
    r"|decidi\w+|acordad\w+|acordamos)(?!\w)|決め|決定|决定|商定|確定|确定",
    re.IGNORECASE,
)
# Every German noun has a capital: there it is no sign of a name.
_GERMAN: Final = re.compile(r"(?<!\w)(?:der|die|das|und|ist|nicht|ein|eine|ich|wir)(?!\w)", re.IGNORECASE)

Fact = tuple[str, str]
"""A kind and the words."""


def facts_in(message: Message) -> set[Fact]:
    """Return the numbers, paths and names in a message."""
    text = searchable_text(message)[:_LOOKED_AT]
    found: set[Fact] = set()
    for kind, pattern in _KINDS.items():
        if kind == "name" and len(_GERMAN.findall(text)) > 2:
            continue
        for match in pattern.finditer(text):
            if len(found) >= _MOST_PER_MESSAGE:
                return found
            found.add((kind, match.group().rstrip(".,:;-").casefold()))
    return found


def mine(entries: Iterable[Entry]) -> list[Question]:
    """Return the questions of a conversation that need a message far before them, in order.

    Args:
        entries: The whole conversation; it is gone through once.
    """
    said: dict[Fact, int] = {}
    """Where a fact was said; 0 once it was said in more than one message."""
    decisions: list[tuple[int, frozenset[str]]] = []
    questions: list[Question] = []
    for asked, answers in _exchanges(entries):
        if asked is not None and (found := _question(asked, answers, said, decisions)):
            questions.append(found)
        for entry in (*([asked] if asked else []), *answers):
            for fact in facts_in(entry.message):
                said[fact] = entry.seq if fact not in said else 0
            if _states_a_decision(entry.message):
                decisions.append((entry.seq, _telling(entry.message)))
    return questions


def _exchanges(entries: Iterable[Entry]) -> Iterator[tuple[Entry | None, list[Entry]]]:
    """Yield each message of the user with what was said until the next one."""
    asked: Entry | None = None
    answers: list[Entry] = []
    for entry in entries:
        if is_question(entry.message):
            yield asked, answers
            asked, answers = entry, []
        elif entry.message.role in ("assistant", "tool"):
            answers.append(entry)
    yield asked, answers


def _question(
    asked: Entry, answers: list[Entry], said: dict[Fact, int], decisions: list[tuple[int, frozenset[str]]]
) -> Question | None:
    query = asked.message.text
    newest = asked.seq - APART
    if not query.strip():
        return None
    needed = facts_in(asked.message)
    for answer in answers:
        if answer.message.role == "assistant":
            needed |= facts_in(answer.message)
    places = {
        kind: seq for kind, seq in ((fact[0], said.get(fact, 0)) for fact in needed) if 0 < seq <= newest
    }
    evidence = {said[fact] for fact in needed if 0 < said.get(fact, 0) <= newest}
    category = next((kind for kind in _KINDS if kind in places), "decision")
    if "?" in query and _DECIDED.search(query):
        meant = _meant(_telling(asked.message), [one for one in decisions if one[0] <= newest])
        if meant:
            evidence, category = {meant}, "decision"
    if not evidence:
        return None
    return Question(
        id=f"#{asked.seq}",
        query=query,
        evidence=tuple(sorted(evidence)),
        at=asked.seq - 1,
        category=category,
    )


def _meant(words: frozenset[str], decisions: list[tuple[int, frozenset[str]]]) -> int:
    """Return the decision that a question asks for, 0 for none: one word is enough where no other has it."""
    shared = sorted(((len(words & told), seq) for seq, told in decisions), reverse=True)
    most, seq = shared[0] if shared else (0, 0)
    alone = len(shared) < 2 or shared[1][0] < most
    return seq if most > 1 or (most and alone) else 0


def _states_a_decision(message: Message) -> bool:
    text = message.text[:_LOOKED_AT]
    return bool(_DECIDED.search(text)) and not text.rstrip().endswith(("?", "？"))


def _telling(message: Message) -> frozenset[str]:
    """Return the longer words: they say what it is about. Pairs of Chinese or Japanese are words too."""
    words = terms(_DECIDED.sub(" ", message.text[:_LOOKED_AT]))
    return frozenset(w for w in words if len(w) > 4 or (len(w) == 2 and not w.isascii()))
