"""OpenAI Chat Completions messages, as the whole industry speaks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from memex._codec import Encoded
from memex._codecs import thoughts
from memex._codecs.annotations import read_annotations
from memex._codecs.content import read_blocks
from memex._codecs.dialect import read_result, read_spoken, write_messages
from memex._codecs.function_calls import read_call
from memex._codecs.leftovers import shape_of, shaped
from memex._codecs.openai_chat_parts import NAME, read_audio, read_block, read_function_call, write_part
from memex._codecs.openai_chat_write import DIALECT
from memex._codecs.reading import choice_field, objects, open_payload, required, text_field, text_or_none
from memex._frozen import FrozenDict
from memex._message import Message, new_id
from memex._parts import Part, Refusal, Text, ToolResult

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class OpenAIChat:
    """Messages of OpenAI's Chat Completions and of every server that speaks them.

    Payload: ``{"messages": [...]}``. Each wire message is one message, each tool message one tool
    result. Written and read again, a conversation comes back in this normal form:

    - a message with several tool results becomes one tool message each; an empty result is an
      empty text;
    - the parts of an assistant message stand in the order reasoning, text, refusal, sound, tool
      calls, citations; reasoning of one field is one part.

    Reasoning goes back only into the field (``reasoning_content``, ``reasoning``) that it came
    from; OpenAI itself has none. Images by file id, files by URL, films, media in tool results,
    ``is_error`` and citations of other formats are left out and listed. The tool name in a result
    is written, although OpenAI does not need it.
    """

    name = NAME

    def encode(self, messages: Sequence[Message], *, model: str | None = None) -> Encoded:
        """Write messages; parts bound to another model than ``model`` are left out and listed."""
        return write_messages(messages, model, DIALECT)

    def decode(self, payload: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[Message]:
        """Read a payload, or the bare list of its messages.

        Raises:
            InvalidMessage: If it is not of this format; names the message, from 0, and the field.
        """
        items, _ = open_payload(payload, "messages")
        messages: list[Message] = []
        for index, item in enumerate(items):
            messages.append(_read(item, f"message {index}", messages))
        return messages


def _read(item: FrozenDict, where: str, before: Sequence[Message]) -> Message:
    role = choice_field(item, "role", _ROLES, where)
    content = item.get("content") if role == "assistant" else required(item, "content", where)
    kind = "tool" if role == "function" else role
    parts = read_blocks(content, f"{where}: content", NAME, read_block, partial(write_part, kind))
    if kind == "tool":
        return read_result(item, _result(item, role, where, parts, before), where, DIALECT)
    if role == "assistant":
        parts = _read_assistant(item, parts, where)
    return read_spoken(item, role, parts, where, DIALECT)


def _read_assistant(item: FrozenDict, content: list[Part], where: str) -> list[Part]:
    parts: list[Part] = [*thoughts.read_thoughts(item, NAME), *content]
    refusal = text_or_none(item, "refusal")
    if refusal is not None:
        parts.append(Refusal(refusal))
    audio = read_audio(item["audio"]) if isinstance(item.get("audio"), FrozenDict) else None
    if audio is not None:
        parts.append(audio)
    if item.get("tool_calls") is not None:
        calls = objects(item["tool_calls"], f"{where}: tool_calls")
        parts.extend(
            read_call(call, f"{where}: tool_calls[{index}]", NAME) for index, call in enumerate(calls)
        )
    if isinstance(item.get("function_call"), FrozenDict):
        call_id = f"call_{new_id()}"
        parts.append(read_function_call(item["function_call"], call_id, f"{where}: function_call"))
    said = "\n".join(part.text for part in content if isinstance(part, Text))
    parts.extend(read_annotations(item.get("annotations"), said, nested=True))
    return parts


def _result(
    item: FrozenDict, role: str, where: str, parts: list[Part], before: Sequence[Message]
) -> ToolResult:
    if role == "tool":
        call_id = text_field(item, "tool_call_id", where)
        return ToolResult(call_id=call_id, parts=tuple(parts), name=text_or_none(item, "name"))
    name = text_field(item, "name", where)
    shape = shaped(NAME, role="function")
    return ToolResult(call_id=_called(name, before), parts=tuple(parts), name=name, extra=shape)


def _called(name: str | None, before: Sequence[Message]) -> str:
    """Return the id of the newest call of a function, which the deprecated role does not name."""
    for message in reversed(before):
        for call in message.tool_calls:
            if call.name == name and shape_of(call, NAME).get("field") == "function_call":
                return call.id
    return f"call_{new_id()}"
