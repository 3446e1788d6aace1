"""Hypothesis strategies for messages, and for whole conversations that could have happened.

Example::

    from hypothesis import given
    from memex.testing import strategies

    @given(strategies.conversations())
    def test_mine(messages): ...
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import strategies as st

from memex._message import Message, Origin
from memex._parts import Part, Text, ToolCall, ToolResult
from memex.testing._part_strategies import (
    Role,
    arguments,
    json_objects,
    json_values,
    media,
    opaque,
    parts,
    reasoning,
    texts,
    tool_calls,
    tool_results,
)

__all__ = [
    "arguments",
    "conversations",
    "json_objects",
    "json_values",
    "media",
    "messages",
    "opaque",
    "parts",
    "reasoning",
    "texts",
    "tool_calls",
    "tool_results",
]

_ROLES: tuple[Role, ...] = ("system", "developer", "user", "assistant", "tool")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_MODELS = st.sampled_from(
    [
        None,
        Origin(provider="openai", model="gpt-5.6", response_id="resp_1"),
        Origin(provider="anthropic", model="claude-sonnet-5"),
        Origin(provider="hf", model="Qwen/Qwen3-8B"),
        Origin(provider="local"),
    ]
)


def messages(role: Role | None = None) -> st.SearchStrategy[Message]:
    """Single messages with every field in use; calls and results in them belong to nobody.

    Args:
        role: Who speaks; None for anyone.
    """
    return _messages(role) if role else st.one_of(*map(_messages, _ROLES))


@cache
def _messages(role: Role) -> st.SearchStrategy[Message]:
    said = st.lists(parts(role), min_size=1, max_size=3)
    return st.builds(lambda message, parts: message.replace(parts=tuple(parts)), _frames(role), said)


@cache
def _frames(role: Role) -> st.SearchStrategy[Message]:
    """Messages of a role without parts."""
    answer = role == "assistant"
    return st.builds(
        Message,
        role=st.just(role),
        id=st.integers(0, 2**96 - 1).map("{:024x}".format),
        name=st.sampled_from([None, "ada", "李"]) if role == "user" else st.none(),
        origin=_MODELS if answer else st.none(),
        status=st.sampled_from(["complete", "complete", "incomplete"]) if answer else st.just("complete"),
        created=st.integers(0, 10**12).map(lambda moment: _START + timedelta(microseconds=moment)),
        meta=st.just({}) | json_objects(),
    )


@st.composite
def conversations(draw: st.DrawFn, *, max_turns: int = 3) -> list[Message]:
    """Conversations that could have happened.

    Ids are unique; each tool call has its results right after it, parallel ones in any order, in
    one message or one each; each answer comes from one model; the first message may be the
    system's.

    Args:
        draw: Given by hypothesis.
        max_turns: Most questions.
    """
    said: list[Message] = []
    if draw(st.booleans()):
        said.append(draw(messages("system") | messages("developer")))
    for _ in range(draw(st.integers(0, max_turns))):
        said.append(draw(messages("user")))
        for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
            said += _tool_round(draw, len(said))
        if draw(st.booleans()):
            said.append(draw(messages("assistant")))
    return [message.replace(id=f"m{index:04d}") for index, message in enumerate(said)]


@cache
def _called() -> st.SearchStrategy[list[tuple[ToolCall, ToolResult]]]:
    return st.lists(st.tuples(tool_calls(), tool_results()), min_size=1, max_size=3)


@cache
def _said_before_calls() -> st.SearchStrategy[list[Part]]:
    words: st.SearchStrategy[Part] = st.builds(Text, texts())
    return st.lists(words | reasoning(), max_size=2)


def _tool_round(draw: st.DrawFn, number: int) -> list[Message]:
    """Return an assistant message with calls, and the messages that answer them."""
    calls: list[Part] = []
    results: list[ToolResult] = []
    for index, (call, result) in enumerate(draw(_called())):
        call_id = f"call_{number}_{index}"
        name = call.name if result.name else None
        calls.append(ToolCall(id=call_id, name=call.name, arguments=call.arguments))
        results.append(ToolResult(call_id=call_id, parts=result.parts, is_error=result.is_error, name=name))
    before = draw(_said_before_calls())
    asked = draw(_frames("assistant")).replace(parts=(*before, *calls), status="complete")
    heard: Sequence[ToolResult] = results[::-1] if draw(st.booleans()) else results
    answer = draw(_frames("tool"))
    if draw(st.booleans()):
        return [asked, answer.replace(parts=tuple(heard))]
    return [asked, *(answer.replace(parts=(result,)) for result in heard)]
