"""Files that hold conversations together with their questions, such as public sets for evidence recall."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from memex import Memex, MemexError, Message, Thread
from memex_lab.questions import BadQuestions, Question, is_text

_ROLES = ("system", "developer", "user", "assistant")


class Conversation(msgspec.Struct, frozen=True):
    """A conversation of a file, and what is asked about it.

    Attributes:
        id: What it is called.
        messages: What was said.
        questions: What is asked, with places of messages as evidence.
        unused: How many questions have no evidence that can be used.
    """

    id: str
    messages: tuple[Message, ...]
    questions: tuple[Question, ...]
    unused: int = 0

    def stored_in(self, memory: Memex) -> Thread:
        """Return it as a thread of ``memory``."""
        thread = memory.thread(self.id)
        thread.append(list(self.messages))
        return thread


def holds_conversations(data: bytes) -> bool:
    """Tell whether a file holds conversations, and not a question a line."""
    start = data[:4_096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"{"):
        return False
    try:
        item = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(item, dict) and "conversations" in item


def read_conversations(data: bytes) -> list[Conversation]:
    """Return the conversations of a JSON file.

    The file is ``{"conversations": [{"id", "messages", "questions"}]}``. A message has ``id``,
    ``role`` and ``content``, and may have ``name`` and ``timestamp``. A question has ``query`` and
    ``evidence`` (message ids), and may have ``id``, ``category``, ``at`` (how many messages were
    there before it) and ``scored`` (false: it is left out).

    Raises:
        BadQuestions: If it is not of that form; names the conversation and the item.
    """
    listed = json.loads(data.decode("utf-8-sig"))["conversations"]
    if not isinstance(listed, list) or not listed:
        raise BadQuestions("conversations must be a list with at least one of them")
    found = [_conversation(item, number) for number, item in enumerate(listed, 1)]
    if not any(conversation.questions for conversation in found):
        raise BadQuestions("no conversation of the file has a question that can be used")
    return found


def _conversation(item: object, number: int) -> Conversation:
    where = f"conversation {number}"
    if not isinstance(item, Mapping):
        raise BadQuestions(f"{where}: not a JSON object")
    name = item["id"] if is_text(item.get("id")) else f"conversation-{number}"
    where = f"conversation {name!r}"
    messages = tuple(_messages(item.get("messages"), where))
    places = {message.id: seq for seq, message in enumerate(messages, 1)}
    if len(places) < len(messages):
        raise BadQuestions(f"{where}: two messages have the same id")
    asked = item.get("questions")
    if not isinstance(asked, list):
        raise BadQuestions(f"{where}: questions must be a list")
    questions, unused = [], 0
    for index, question in enumerate(asked, 1):
        if not isinstance(question, Mapping):
            raise BadQuestions(f"{where}, question {index}: not a JSON object")
        if question.get("scored") is False:
            unused += 1
            continue
        questions.append(_question(question, places, f"{where}, question {index}"))
    return Conversation(str(name), messages, tuple(questions), unused)


def _messages(listed: object, where: str) -> Iterator[Message]:
    if not isinstance(listed, list) or not listed:
        raise BadQuestions(f"{where}: messages must be a list with at least one of them")
    for number, item in enumerate(listed, 1):
        here = f"{where}, message {number}"
        if not isinstance(item, Mapping):
            raise BadQuestions(f"{here}: not a JSON object")
        role, content, key = item.get("role"), item.get("content"), item.get("id")
        if role not in _ROLES:
            raise BadQuestions(f"{here}: role is {_shown(role)}; it must be one of {', '.join(_ROLES)}")
        if not isinstance(content, str):
            raise BadQuestions(f"{here}: content is {_shown(content)}; it must be a text")
        if not isinstance(key, str) or not key:
            raise BadQuestions(f"{here}: id is {_shown(key)}; it must be a text")
        name = item.get("name")
        try:
            yield Message.of(
                cast("Any", role),
                content,
                id=key,
                name=name if isinstance(name, str) and name else None,
                **_time(item.get("timestamp")),
            )
        except MemexError as error:
            raise BadQuestions(f"{here}: {error}") from error


def _time(told: object) -> dict[str, Any]:
    """Return when a message was made, as a moment or in the words of the file."""
    if not isinstance(told, str) or not told.strip():
        return {}
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return {"meta": {"created": told}}
    return {"created": moment if moment.tzinfo else moment.replace(tzinfo=UTC)}


def _question(item: Mapping[str, Any], places: Mapping[str, int], where: str) -> Question:
    query, evidence, at = item.get("query"), item.get("evidence"), item.get("at")
    if not is_text(query):
        raise BadQuestions(f"{where}: query is {_shown(query)}; it must be a text")
    if not isinstance(evidence, list) or not evidence:
        raise BadQuestions(f"{where}: evidence must be a list with at least one message id")
    unknown = [key for key in evidence if not isinstance(key, str) or key not in places]
    if unknown:
        raise BadQuestions(f"{where}: evidence: there is no message {_shown(unknown[0])}")
    last = len(places) if at is None else at
    if isinstance(last, bool) or not isinstance(last, int) or not 0 <= last <= len(places):
        raise BadQuestions(f"{where}: at is {_shown(at)}; it must be a number of messages")
    found = tuple(dict.fromkeys(places[key] for key in evidence))
    if max(found) > last:
        raise BadQuestions(f"{where}: the evidence {_shown(evidence[0])} comes after the question")
    category = item.get("category")
    return Question(
        id=str(item.get("id") or hashlib.blake2b(query.encode(errors="replace"), digest_size=6).hexdigest()),
        query=query,
        evidence=found,
        at=last,
        category=category if is_text(category) else "all",
    )


def _shown(value: object) -> str:
    return json.dumps(value)[:60]
