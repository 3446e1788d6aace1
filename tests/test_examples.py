"""The sample conversation says what its README promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
CONVERSATION = EXAMPLES / "harbour.jsonl"
QUESTIONS = EXAMPLES / "questions.jsonl"

KINDS = {
    "number",
    "name",
    "decision",
    "correction",
    "date",
    "preference",
    "commitment",
    "japanese",
    "tool",
}
KANA = re.compile("[\u3040-\u30ff]")
SITTING_GAP = timedelta(hours=18)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    return _lines(CONVERSATION)


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    return _lines(QUESTIONS)


def _text(message: dict[str, Any]) -> str:
    return message["content"] or ""


def test_the_counts_are_those_of_the_readme(messages: list[dict[str, Any]]) -> None:
    rounds = [message["tool_calls"] for message in messages if message.get("tool_calls")]
    times = [datetime.fromisoformat(message["created"]) for message in messages]
    sittings = 1 + sum(later - earlier > SITTING_GAP for earlier, later in pairwise(times))
    parallel = sum(len(calls) > 1 for calls in rounds)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert 420 <= len(messages) <= 520
    assert len(rounds) >= 30
    assert parallel >= 8
    words = " ".join(readme.split())
    assert f"{len(messages)} messages in {sittings} sittings" in words
    assert f"{len(rounds)} rounds of tool calls ({parallel} of them parallel" in words


def test_the_files_are_small_and_written_unescaped(messages: list[dict[str, Any]]) -> None:
    assert CONVERSATION.stat().st_size < 256 * 1024
    assert QUESTIONS.stat().st_size < 16 * 1024
    for path in (CONVERSATION, QUESTIONS):
        raw = path.read_text(encoding="utf-8")
        assert raw.endswith("\n")
        assert "\\u" not in raw
        assert max(map(len, raw.splitlines())) < 4096


def test_the_messages_have_the_shape_of_chat_completions(messages: list[dict[str, Any]]) -> None:
    allowed = {
        "system": {"role", "content", "created"},
        "user": {"role", "content", "created", "name"},
        "assistant": {"role", "content", "created", "tool_calls"},
        "tool": {"role", "content", "created", "name", "tool_call_id"},
    }
    assert [number for number, message in enumerate(messages) if message["role"] == "system"] == [0]
    for message in messages:
        assert set(message) <= allowed[message["role"]]
        assert _text(message).strip() or message.get("tool_calls")
        if message["role"] == "user":
            assert message["name"] in {"Mara", "Kenji"}


def test_every_tool_call_is_answered_at_once_and_in_order(messages: list[dict[str, Any]]) -> None:
    seen: Counter[str] = Counter()
    open_calls: list[tuple[str, str]] = []
    for message in messages:
        if message["role"] == "tool":
            assert (message["tool_call_id"], message["name"]) == open_calls.pop(0)
            continue
        assert not open_calls, f"a call has no result before {message['created']}"
        for call in message.get("tool_calls", ()):
            assert call["type"] == "function"
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
            seen[call["id"]] += 1
            open_calls.append((call["id"], call["function"]["name"]))
    assert not open_calls
    assert set(seen.values()) == {1}


def test_some_tool_results_are_long_and_some_failed(messages: list[dict[str, Any]]) -> None:
    results = [_text(message) for message in messages if message["role"] == "tool"]
    assert sum(result.count("\n") >= 19 for result in results) >= 4
    assert sum(result.startswith('{"error"') for result in results) >= 1


def test_time_never_runs_backwards(messages: list[dict[str, Any]]) -> None:
    times = [datetime.fromisoformat(message["created"]) for message in messages]
    assert all(time.utcoffset() == timedelta(0) for time in times)
    assert times == sorted(times)
    assert timedelta(days=240) < times[-1] - times[0] < timedelta(days=300)


def test_two_scripts_are_spoken(messages: list[dict[str, Any]]) -> None:
    japanese = [message for message in messages if KANA.search(_text(message))]
    assert 60 <= len(japanese) <= 90
    assert {message["role"] for message in japanese} >= {"user", "assistant"}


def test_nothing_is_said_twice(messages: list[dict[str, Any]]) -> None:
    spoken = Counter(_text(message) for message in messages if len(_text(message)) > 40)
    assert [text for text, times in spoken.items() if times > 1] == []


def test_every_answer_stands_in_its_evidence(
    messages: list[dict[str, Any]], questions: list[dict[str, Any]]
) -> None:
    assert 20 <= len(questions) <= 30
    assert len({question["question"] for question in questions}) == len(questions)
    for question in questions:
        assert set(question) == {"question", "answer", "evidence", "kind"}
        assert question["evidence"] == sorted(set(question["evidence"]))
        assert question["evidence"]
        for line in question["evidence"]:
            assert question["answer"] in _text(messages[line - 1]), question["question"]


def test_the_questions_cover_every_kind_and_look_far_back(
    messages: list[dict[str, Any]], questions: list[dict[str, Any]]
) -> None:
    assert {question["kind"] for question in questions} == KINDS
    assert sum(bool(KANA.search(question["question"])) for question in questions) >= 4
    early = sum(max(question["evidence"]) <= len(messages) // 2 for question in questions)
    assert early >= 2 * len(questions) / 3
    assert max(questions[0]["evidence"]) <= 60
