"""Files of questions and of conversations: what is read, and what is refused by line and name."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_lab.conversations import holds_conversations, read_conversations
from memex_lab.questions import BadQuestions, read_questions

from memex import Memex, Message
from memex.testing import ScratchStore


@pytest.fixture
def thread(memory, harbour):
    thread = memory.thread("harbour")
    thread.append(harbour)
    return thread


def lines(*items):
    return [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]


def test_evidence_is_named_by_id_or_by_place(thread):
    one, other = read_questions(
        lines(
            {"question": "What opens it?", "evidence": ["q2", 6], "at": "a39", "category": "code", "id": "k"},
            b"",
            {"query": "And?", "evidence": ["q2", 5], "note": "ignored"},
        ),
        thread,
    )
    assert (one.id, one.evidence, one.at, one.category) == ("k", (5, 6), 80, "code")
    assert (other.id, other.evidence, other.at, other.category) == ("line 3", (5,), 120, "all")


GOOD = {"question": "What?", "evidence": ["q2"]}


def test_evidence_that_was_forgotten_is_named(thread):
    thread.forget(["q2"])
    with pytest.raises(BadQuestions, match=r"line 2: evidence: #5 of thread .harbour. was forgotten"):
        read_questions(lines({**GOOD, "evidence": [7]}, GOOD), thread)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"question": NaN}', "not JSON"),
        (["a list"], "not a JSON object"),
        ({"evidence": ["q2"]}, "there is no question"),
        ({**GOOD, "question": "  "}, "question must be a text"),
        ({**GOOD, "question": 5}, "question must be a text"),
        ({**GOOD, "question": "\ud800"}, "question holds a lone surrogate"),
        ({**GOOD, "category": "\ud800"}, "category holds a lone surrogate"),
        ({**GOOD, "evidence": []}, "evidence must be a list"),
        ({**GOOD, "evidence": "q2"}, "evidence must be a list"),
        ({**GOOD, "evidence": ["q2", "nowhere"]}, 'no message "nowhere"'),
        ({**GOOD, "evidence": [0]}, "no message 0; it has #1 to #120"),
        ({**GOOD, "evidence": [121]}, "no message 121"),
        ({**GOOD, "evidence": [True]}, "no message true"),
        ({**GOOD, "evidence": [1.5]}, "no message 1.5"),
        ({**GOOD, "evidence": [None]}, "no message null"),
        ({**GOOD, "evidence": [{"a": 1}]}, "no message"),
        ({**GOOD, "at": "nowhere"}, 'at: thread .harbour. has no message "nowhere"'),
        ({**GOOD, "at": 3}, "the evidence #5 comes after the question, which was asked after #3"),
        ({**GOOD, "category": ["x"]}, "category must be a text"),
        ({**GOOD, "id": ""}, "id must be a text"),
    ],
)
def test_a_bad_line_is_named(thread, line, why):
    with pytest.raises(BadQuestions, match=why) as caught:
        read_questions(lines(GOOD, line, GOOD), thread)
    assert str(caught.value).startswith("line 2: ")


def test_an_empty_file_has_no_question(thread):
    with pytest.raises(BadQuestions, match="no question in the file"):
        read_questions([b"\n", b"  "], thread)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    thread = Memex(ScratchStore(), chain=[]).thread("t")
    thread.append([Message.user("hi")])
    with suppress(BadQuestions):
        read_questions(data.splitlines(), thread)
    if holds_conversations(data):
        with pytest.raises(BadQuestions):
            read_conversations(data)


def conversation(**changes):
    messages = [
        {
            "id": "m1",
            "role": "user",
            "name": "Pia",
            "content": "It is 7264.",
            "timestamp": "1:56 pm on 8 May",
        },
        {"id": "m2", "role": "assistant", "content": "Fine.", "timestamp": "2026-01-05T09:00:00Z"},
    ]
    questions = [
        {
            "id": "q1",
            "query": "What is it?",
            "evidence": ["m1"],
            "category": "code",
            "at": None,
            "scored": True,
        },
        {"id": "q2", "query": "Unanswerable?", "evidence": [], "category": "code", "at": 1, "scored": False},
        {"query": "Before?", "evidence": ["m1"], "at": 1},
    ]
    return {"id": "talk", "messages": messages, "questions": questions} | changes


def file_of(*conversations):
    return json.dumps({"conversations": list(conversations), "license": "ours"}).encode()


def test_a_file_of_conversations_is_read():
    data = b"\xef\xbb\xbf" + file_of(conversation())
    assert holds_conversations(data)
    [found] = read_conversations(data)
    assert [(m.role, m.name, m.text) for m in found.messages] == [
        ("user", "Pia", "It is 7264."),
        ("assistant", None, "Fine."),
    ]
    assert found.messages[0].meta["created"] == "1:56 pm on 8 May"
    assert found.messages[1].created.year == 2026
    assert [(q.query, q.evidence, q.at) for q in found.questions] == [
        ("What is it?", (1,), 2),
        ("Before?", (1,), 1),
    ]
    assert found.unused == 1


def test_a_line_of_questions_is_no_file_of_conversations():
    assert not holds_conversations(json.dumps(GOOD).encode())
    assert not holds_conversations(b'{"question": "conversations"}\n{"question": "x"}')
    assert not holds_conversations(b"")


MESSAGE = {"id": "m1", "role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"messages": []}, "messages must be a list"),
        ({"messages": ["x"]}, "message 1: not a JSON object"),
        ({"messages": [MESSAGE, MESSAGE]}, "two messages have the same id"),
        ({"messages": [MESSAGE | {"role": "king"}]}, 'message 1: role is "king"'),
        ({"messages": [MESSAGE | {"content": None}]}, "message 1: content is null"),
        ({"messages": [MESSAGE | {"id": 5}]}, "message 1: id is 5"),
        ({"questions": None}, "questions must be a list"),
        ({"questions": [3]}, "question 1: not a JSON object"),
        ({"questions": [{"query": "", "evidence": ["m1"]}]}, "question 1: query is"),
        ({"questions": [{"query": "\ud800", "evidence": ["m1"]}]}, "question 1: query is"),
        (
            {"questions": [{"query": "?", "evidence": ["m9"]}]},
            'question 1: evidence: there is no message "m9"',
        ),
        ({"questions": [{"query": "?", "evidence": [[]]}]}, "question 1: evidence: there is no message"),
        ({"questions": [{"query": "?", "evidence": ["m1"], "at": 3}]}, "question 1: at is 3"),
        ({"questions": [{"query": "?", "evidence": ["m2"], "at": 1}]}, "comes after the question"),
    ],
)
def test_what_is_wrong_in_a_conversation_is_named(changes, why):
    with pytest.raises(BadQuestions, match=why) as caught:
        read_conversations(file_of(conversation(**changes)))
    assert "conversation 'talk'" in str(caught.value)


@pytest.mark.parametrize(
    "data", [b'{"conversations": []}', b'{"conversations": {}}', b'{"conversations": [1]}']
)
def test_a_file_without_conversations_is_refused(data):
    with pytest.raises(BadQuestions):
        read_conversations(data)
    with pytest.raises(BadQuestions, match="no conversation of the file has a question"):
        read_conversations(file_of(conversation(questions=[])))
