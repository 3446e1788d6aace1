"""What of a message is embedded, and how a long one is cut into pieces that a model can take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from memex import Message, ScriptCounter, searchable_text, terms

VERSION: Final = 2
"""Counts changes of these rules: a space of vectors bears it, so that others are made anew."""
MOST: Final = 64
"""Pieces of one message. What comes after them is not embedded: some hundred kilobytes."""
_OVERLAP: Final = 8
_STANDING: Final = frozenset({"system", "developer"})
_COUNTER: Final = ScriptCounter()


def pieces_of(message: Message, size: int) -> list[str]:
    """Return the texts that stand for a message: none, one, or several of a long one.

    System and developer text stands in every window, so it need not be found. The speaker's name is not
    in front: it makes all that one person said alike, and near to whatever names that person.

    Args:
        message: The message.
        size: About how many tokens a piece may have.
    """
    text = searchable_text(message).strip()
    if not text or message.role in _STANDING or message.status == "forgotten":
        return []
    return pieces(text, size)


def without_names(question: str, names: Iterable[str]) -> str:
    """Return a question without the names of those who speak in its thread.

    Who said something is not in the vectors, and the host weighs it by itself. A name that is a word
    too, as Will is, is cut out only where it has a capital. What is nothing but names stays.
    """
    spoken = {word for name in names for word in terms(name)}
    if spoken.isdisjoint(terms(question)):
        return question
    words = question.split()
    kept = [word for word in words if word[:1].islower() or not _is_name(word, spoken)]
    return " ".join(kept) if len(kept) < len(words) and any(map(terms, kept)) else question


def _is_name(word: str, spoken: set[str]) -> bool:
    found = terms(word.replace("\u2019", "'").removesuffix("'s"))
    return bool(found) and spoken.issuperset(found)


def pieces(text: str, size: int) -> list[str]:
    """Cut a text at spaces into pieces of about ``size`` tokens, each with an end of the one before it."""
    text = text.strip()
    tokens = _COUNTER.count_text(text)
    if tokens <= size:
        return [text] if text else []
    # By the text's own characters a token: a piece of Chinese has fewer of them than one of English.
    width = max(1, size * len(text) // tokens)
    found: list[str] = []
    start = 0
    while start < len(text) and len(found) < MOST:
        end = _before_space(text, start, start + width)
        if piece := text[start:end].strip():
            found.append(piece)
        if end >= len(text):
            break
        start = max(start + 1, _before_space(text, start, end - width // _OVERLAP))
    return found


def _before_space(text: str, start: int, end: int) -> int:
    """Return where the last space before ``end`` is, if it is not too far off."""
    if end >= len(text):
        return len(text)
    for at in range(end, max(start, end - (end - start) // 4), -1):
        if text[at].isspace():
            return at
    return end
