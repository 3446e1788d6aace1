"""Rehearsals: the same windows as in the conversation itself, and no trace of them."""

from __future__ import annotations

import msgspec
import pytest
from doubles import evict

from memex import Message, Rehearsal, UnknownMessage


def talk(turns: int) -> list[Message]:
    said = [Message.system("be kind")]
    for turn in range(turns):
        said += [Message.user(f"question number {turn}"), Message.assistant(f"answer {turn} and more")]
    return said


def bare(plan):
    return msgspec.structs.replace(plan, number=0, milliseconds=())


def test_a_rehearsal_gives_the_windows_of_the_conversation(open_memory):
    memory = open_memory(chain=[evict], budget=80, answer_tokens=10)
    held, other = memory.thread("held"), memory.thread("other")
    messages = talk(30)
    other.append(messages)
    rehearsal = Rehearsal(other)
    for place, message in enumerate(messages, 1):
        held.append([message.replace(id=f"h{place}")])
        if message.role == "user":
            plan = msgspec.structs.replace(held.window().plan, thread="other")
            assert bare(rehearsal.turn(place).plan) == bare(plan)
    assert list(other.plans()) == []


def test_a_question_leaves_no_trace(open_memory):
    thread = open_memory(chain=[evict], budget=80, answer_tokens=10).thread("t")
    thread.append(talk(30))
    one, other = Rehearsal(thread), Rehearsal(thread)
    for place in (4, 20, 40):
        one.turn(place)
        other.turn(place)
        assert one.ask("what was said?").messages[-1].text == "what was said?"
        assert other.ask("and why?").newest.seq == place + 1
    assert bare(one.turn(61).plan) == bare(other.turn(61).plan)
    assert thread.info.head == 61


def test_pins_count_from_their_message_on(open_memory):
    thread = open_memory(chain=[evict], budget=80, answer_tokens=10).thread("t")
    thread.append(talk(30))
    thread.pin(4)
    rehearsal = Rehearsal(thread)
    rehearsal.go(2)
    assert rehearsal.ask("?").plan.pins == ()
    rehearsal.go(61)
    assert 4 in rehearsal.ask("?")


def test_it_only_goes_forward_and_not_past_the_end(open_memory):
    thread = open_memory().thread("t")
    thread.append(talk(2))
    rehearsal = Rehearsal(thread)
    rehearsal.turn(4)
    for place in (3, 6, -1):
        with pytest.raises(UnknownMessage, match="from #4 to #5"):
            rehearsal.go(place)
