"""What requests and answers have in common, whoever the provider is."""

from __future__ import annotations

from memex import Event, Message, Request, ScriptCounter, Tool
from memex.wire import left_out_notes, noted, tokens_of


def test_a_call_costs_what_is_sent_and_the_longest_answer() -> None:
    messages, tools = (Message.user("Is it open?"), Message.assistant("No.")), (Tool("tide"),)
    plain = Request(messages=messages, answer_tokens=50)
    counter = ScriptCounter()
    said = sum(counter.count_message(message) for message in messages)
    assert tokens_of(plain, 100) == said + 100
    with_tools = Request(messages=messages, answer_tokens=50, tools=tools)
    assert tokens_of(with_tools, 100) == said + counter.count_tools(tools) + 100


def test_what_was_left_out_is_a_note_of_the_finish() -> None:
    notes = left_out_notes("parrot", [("image", "it is blind"), ("seed", "it forgets")])
    text, finish = noted([Event(kind="text", text="a"), Event(kind="finish", finish="stop")], notes)
    assert not text.extra
    assert finish.extra["parrot:left_out"] == [["image", "it is blind"], ["seed", "it forgets"]]


def test_nothing_left_out_is_no_note() -> None:
    assert left_out_notes("parrot", []) == {}
