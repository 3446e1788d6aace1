"""What a person may pass where messages are wanted: text, messages, or OpenAI-shaped dicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from memex._codec import built_in
from memex._errors import InvalidMessage
from memex._message import Message

Content = str | Message | Mapping[str, Any] | Iterable[Message | Mapping[str, Any]]


def to_messages(content: Content) -> list[Message]:
    """Return messages: a string is one user message, a dict is read as OpenAI Chat writes it.

    Raises:
        InvalidMessage: If it is none of these.
    """
    if isinstance(content, str):
        return [Message.user(content)]
    if isinstance(content, Message):
        return [content]
    if isinstance(content, Mapping):
        return built_in("openai").decode([content])
    if not isinstance(content, Iterable):
        raise InvalidMessage(f"a {type(content).__name__} is no message; give text, a Message or a dict")
    messages: list[Message] = []
    for item in content:
        if not isinstance(item, (Message, Mapping)):
            raise InvalidMessage(f"a {type(item).__name__} is no message; give a Message or a dict")
        messages.extend(to_messages(item))
    return messages
