"""Questions with evidence: which messages hold the answer, and after which message it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, TypeGuard

import msgspec

from memex import MemexError, Thread


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question, and the messages of a thread that hold its answer.

    Attributes:
        id: What it is called in reports.
        query: What is asked.
        evidence: Places of the messages that hold the answer.
        at: The last message before it was asked.
        category: What kind of question it is.
    """

    id: str
    query: str
    evidence: tuple[int, ...]
    at: int
    category: str = "all"


class BadQuestions(MemexError):
    """A file of questions that cannot be used, with the line that is wrong. Nothing was measured."""


def read_questions(lines: Iterable[bytes], thread: Thread) -> list[Question]:
    r"""Return the questions of a JSONL file; blank lines are skipped.

    A line is ``{"question": "...", "evidence": ["m17", 42]}``: evidence by message id or by place in
    the thread. It may have ``at`` (the last message before the question, an id or a place; the end of
    the thread without it), ``category`` (or ``kind``) and ``id``. Other fields are ignored.

    Args:
        lines: The file.
        thread: The thread that the questions are about.

    Raises:
        BadQuestions: If a line is no question about this thread.
    """
    head = thread.info.head
    found: list[Question] = []
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            try:
                found.append(_question(_parsed(text), thread, head, f"line {number}"))
            except ValueError as error:
                raise BadQuestions(f"line {number:,}: {error}") from error
    if not found:
        raise BadQuestions("there is no question in the file")
    return found


def _question(item: dict[str, Any], thread: Thread, head: int, name: str) -> Question:
    query = _text(item, "question", item.get("question", item.get("query")))
    evidence = item.get("evidence")
    if not isinstance(evidence, list) or not evidence:
        raise ValueError("evidence must be a list with at least one message id or number")
    at = head if item.get("at") is None else _places([item["at"]], thread, head, "at")[0]
    places = _places(evidence, thread, head, "evidence")
    gone = set(places).difference(entry.seq for entry in thread.log(head).at(places))
    if gone:
        raise ValueError(f"evidence: #{min(gone)} of thread {thread.id!r} was forgotten")
    late = [seq for seq in places if seq > at]
    if late:
        raise ValueError(f"the evidence #{late[0]} comes after the question, which was asked after #{at}")
    return Question(
        id=_text(item, "id", item.get("id", name)),
        query=query,
        evidence=tuple(dict.fromkeys(places)),
        at=at,
        category=_text(item, "category", item.get("category", item.get("kind", "all"))),
    )


def _text(item: dict[str, Any], field: str, value: object) -> str:
    if value is None and field not in item:
        raise ValueError(f"there is no {field}")
    if isinstance(value, int) and not isinstance(value, bool) and field != "question":
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{field} must be a text, not {json.dumps(value)[:40]}")
    if not is_text(value):
        raise ValueError(f"{field} holds a lone surrogate, which is not text")
    return value


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether a value is words that can be stored and printed."""
    if not isinstance(value, str) or not value.strip():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _places(references: Sequence[object], thread: Thread, head: int, field: str) -> list[int]:
    """Return the places that ids and numbers stand for.

    Raises:
        ValueError: If the thread has no such message.
    """
    ids = [reference for reference in references if isinstance(reference, str)]
    known = {entry.message.id: entry.seq for entry in thread.memex.store.get(thread.id, ids)} if ids else {}
    places: list[int] = []
    for reference in references:
        seq = known.get(reference) if isinstance(reference, str) else reference
        if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq <= head:
            shown = json.dumps(reference)[:60]
            raise ValueError(f"{field}: thread {thread.id!r} has no message {shown}; it has #1 to #{head}")
        places.append(seq)
    return places


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        item = json.loads(line.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 ({error.reason} at byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at character {error.colno})") from error
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(item, dict):
        raise ValueError("not a JSON object; the file has one question a line")  # noqa: TRY004 - a line's fault
    return item


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON ({name} is no number)")
