"""The conversations that hypothesis makes up: they could have happened, and they are varied."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings

from memex import Media, Message, Part, Reasoning, Text, ToolCall, ToolResult, decode_message, encode_message
from memex.testing import strategies

QUICK = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def flat(parts: Sequence[Part]) -> list[Part]:
    return [each for part in parts for each in (part, *(part.parts if isinstance(part, ToolResult) else ()))]


@QUICK
@given(said=strategies.conversations())
def test_a_conversation_could_have_happened(said: list[Message]) -> None:
    assert len({message.id for message in said}) == len(said)
    waiting: list[str] = []
    seen: set[str] = set()
    for message in said:
        assert waiting == [] or message.role == "tool"
        for result in message.tool_results:
            waiting.remove(result.call_id)
        assert not (message.role == "tool" and not message.tool_results)
        calls = [call.id for call in message.tool_calls]
        assert not seen.intersection(calls)
        seen.update(calls)
        waiting += calls
    assert waiting == []
    assert all(message.role in {"system", "developer"} for message in said[:1]) or said[0].role == "user"
    assert all(message.role not in {"system", "developer"} for message in said[1:])


@QUICK
@given(message=strategies.messages())
def test_every_message_can_be_stored(message: Message) -> None:
    data = encode_message(message)
    assert decode_message(data) == message
    assert b"\\u0000" not in data.replace(b"\\\\", b"")  # after an escaped backslash, u0000 is text


@QUICK
@given(message=strategies.messages("assistant"))
def test_a_role_can_be_asked_for(message: Message) -> None:
    assert message.role == "assistant"


def test_conversations_are_varied() -> None:
    seen: set[str] = set()

    @settings(QUICK, derandomize=True, max_examples=200)
    @given(strategies.conversations())
    def look(said: list[Message]) -> None:
        seen.update(name for name, is_in in WANTED.items() if is_in(said))

    look()
    assert seen == WANTED.keys()


def has(wanted: Callable[[Part], bool]) -> Callable[[list[Message]], bool]:
    return lambda said: any(wanted(part) for message in said for part in flat(message.parts))


def written_in(first: str, last: str) -> Callable[[list[Message]], bool]:
    return has(lambda part: isinstance(part, Text) and any(first <= char <= last for char in part.text))


WANTED: dict[str, Callable[[list[Message]], bool]] = {
    "parallel calls": lambda said: any(len(message.tool_calls) > 1 for message in said),
    "results in one message": lambda said: any(len(message.tool_results) > 1 for message in said),
    "results in several": lambda said: [m.role for m in said].count("tool") > 1,
    "broken arguments": has(lambda part: isinstance(part, ToolCall) and part.parsed is None),
    "image by reference": has(lambda part: isinstance(part, Media) and part.source == "url"),
    "signed reasoning": has(lambda part: isinstance(part, Reasoning) and part.signature is not None),
    "a model": lambda said: any(message.origin and message.origin.model for message in said),
    "Han": written_in("\u4e00", "\u9fff"),
    "Arabic": written_in("\u0600", "\u06ff"),
    "emoji": written_in("\U0001f300", "\U0001faff"),
}
