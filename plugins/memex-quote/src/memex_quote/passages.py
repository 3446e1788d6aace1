"""What may be quoted: the sentences of a request, each with where it was said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final

import msgspec

from memex import Message, Refusal, Text, ToolResult
from memex_quote.sentences import asks, sentences

NAME: Final = "quote"
NOTHING: Final = "Nothing in this window answers that."

_HEADER: Final = re.compile(r"\[(?:thread [^\n\[\]]* )?#\d+ [^\n\[\]]*\]\n\Z")
_CITED: Final = re.compile(r"\".*\" \[(?:#\d+ )?[^\[\]]+, [^\[\]]+\]\Z")


class Passage(msgspec.Struct, frozen=True):
    """A sentence that may be quoted.

    Attributes:
        text: Its words.
        reference: Where it was said: ``[#41 mara (user), 2026-01-19]``.
        asks: Whether it is a question.
        source: Number of the text it is part of.
    """

    text: str
    reference: str
    asks: bool
    source: int


def question_of(messages: Sequence[Message]) -> Message | None:
    """Return the newest message of the user's own; quotes and tool results are not."""
    for message in reversed(messages):
        results = len(message.tool_results)
        if message.role == "user" and not _quotes(message) and (not results or results < len(message.parts)):
            return message
    return None


def passages(messages: Sequence[Message], question: Message, seqs: Sequence[int] = ()) -> Iterator[Passage]:
    """Yield what may be quoted, in order.

    Left out are the question and the same question asked before, system text, which is not for
    the user to see, and earlier answers of this backend, which only repeat others.

    Args:
        messages: What the model sees.
        question: The one that is asked.
        seqs: The number of each message in its thread, 0 where it has none.
    """
    asked = _plain(question.text)
    source = 0
    for message, seq in zip(messages, chain(seqs, repeat(0)), strict=False):
        if message.role in ("system", "developer") or (message.origin and message.origin.provider == NAME):
            continue
        for said, reference in _said(message, seq):
            source += 1
            if message is question or _plain(said) == asked:
                continue
            for sentence in sentences(_without_citations(said)):
                if _plain(sentence) != asked and sentence != NOTHING:
                    yield Passage(sentence, reference, asks(sentence), source)


def _said(message: Message, seq: int) -> Iterator[tuple[str, str]]:
    """Yield the texts of a message, each with its reference."""
    if _quotes(message):
        for part in message.parts:
            yield from _recalled(part) if isinstance(part, Text) else ()
        return
    reference = _reference(message, seq)
    for part in message.parts:
        for text in _texts(part):
            yield text, reference


def _reference(message: Message, seq: int) -> str:
    """Return who said it when, as the host writes it before a recalled message.

    The number is that in the thread; a message of no thread has none.
    """
    speaker = f"{message.name} ({message.role})" if message.name else message.role
    source = message.meta.get("created")  # where the source's words for the time could not be read
    when = source[:60] if isinstance(source, str) and source.strip() else f"{message.created:%Y-%m-%d}"
    words = " ".join(f"{speaker}, {when}".replace("[", "(").replace("]", ")").split())
    return f"[#{seq} {words}]" if seq else f"[{words}]"


def _recalled(part: Text) -> Iterator[tuple[str, str]]:
    """Yield what a block of recalled messages quotes; the header before each quote is its reference.

    A header names the day only where it is another one than that of the quote before.
    """
    for thread, seq, start, end, day in part.meta.get("elsewhere", ()):
        yield _quoted(part.text, start, end, day, f"[thread {thread} #{seq}]")
    quotes, days = part.meta.get("quotes", ()), part.meta.get("days") or repeat("")
    for (seq, start, end), day in zip(quotes, days, strict=False):
        yield _quoted(part.text, start, end, day, f"[#{seq}]")


def _quoted(text: str, start: int, end: int, day: str, otherwise: str) -> tuple[str, str]:
    header = _HEADER.search(text[:start])
    words = "\n".join(line.removeprefix("> ") for line in text[start:end].split("\n"))
    reference = header.group().strip() if header else otherwise
    return words, reference if not day or reference.endswith(f", {day}]") else f"{reference[:-1]}, {day}]"


def _texts(part: Any) -> Iterator[str]:
    match part:
        case Text(text=text) | Refusal(text=text):
            yield text
        case ToolResult(parts=parts):
            for inner in parts:
                yield from _texts(inner)


def _quotes(message: Message) -> bool:
    return any(isinstance(part, Text) and "quotes" in part.meta for part in message.parts)


def _without_citations(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not _CITED.match(line.strip()))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" ?!.？！。")
