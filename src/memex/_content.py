"""What a person may pass where messages are wanted: text, messages, or OpenAI-shaped dicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, cast

from memex._codec import built_in
from memex._errors import InvalidMessage
from memex._message import Message

_Shaped = Iterable[Mapping[str, Any]]
_Messages = Iterable[Message]
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
    for shaped, run in groupby(map(_checked, content), key=lambda item: isinstance(item, Mapping)):
        items = list(run)
        # Dicts that stand together are read together: a result is paired with the call before it.
        messages += built_in("openai").decode(cast("_Shaped", items)) if shaped else cast("_Messages", items)
    return messages


def _checked(item: object) -> Message | Mapping[str, Any]:
    if isinstance(item, (Message, Mapping)):
        return item
    raise InvalidMessage(f"a {type(item).__name__} is no message; give a Message or a dict")
