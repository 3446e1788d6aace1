"""What a window keeps of exchanges with tools, pins and repeated system texts at its edges."""

from __future__ import annotations

from doubles import evict

from memex import Message, ToolCall


def call(*ids: str) -> Message:
    return Message.assistant([ToolCall(id=i, name="look", arguments="{}") for i in ids])


def seqs(window) -> list[int]:
    return [entry.seq for entry in window.entries]


def test_a_result_without_its_call_is_not_sent_even_as_the_newest_message(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.user("hi"), Message.tool("nobody", "found")])
    assert seqs(thread.window()) == [1]


def test_a_late_result_brings_back_its_call(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.user("look"), call("a"), Message.user("wait")])
    assert seqs(thread.window()) == [1, 3]
    thread.append(Message.tool("a", "found"))
    assert seqs(thread.window()) == [1, 2, 3, 4]


def test_a_late_result_does_not_answer_an_older_call_of_its_id(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.user("look"), call("a"), Message.tool("a", "one"), call("a")])
    assert seqs(thread.window("still there?")) == [1, 2, 3, 5]
    thread.append(Message.tool("a", "two"))
    assert seqs(thread.window()) == [1, 2, 3, 4, 5]


def test_a_pin_holds_the_whole_exchange_after_it_left_the_window(open_memory):
    thread = open_memory(chain=[evict], budget=40, answer_tokens=10).thread("t")
    thread.append([Message.user("look"), call("a", "b"), Message.tool("a", "x"), Message.tool("b", "y")])
    thread.append([Message.user("word " * 6) for _ in range(6)])
    assert not {2, 3, 4} & set(seqs(thread.window()))
    thread.pin(3)
    assert seqs(thread.window())[:3] == [2, 3, 4]


def test_a_question_stays_when_a_result_is_asked_about_but_not_stored(open_memory):
    thread = open_memory(budget=40, answer_tokens=10).thread("t")
    thread.append([Message.user("look"), Message.assistant("word " * 40), call("a")])
    assert seqs(thread.window(Message.tool("a", "x"))) == [1, 3, 4]


def test_a_fork_does_not_pin_its_own_messages_by_the_numbers_of_its_parent(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.user("one"), Message.user("two"), Message.user("three")])
    thread.pin(1)
    thread.pin(3)
    fork = thread.fork("f", at=2)
    assert fork.pins == (1,)
    assert thread.pins == (1, 3)


def test_a_repeated_system_text_stands_in_for_the_one_that_was_forgotten(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.system("be brief"), Message.user("hi"), Message.system("be brief")])
    assert seqs(thread.window()) == [1, 2]
    thread.forget([1])
    assert seqs(thread.window()) == [2, 3]


def test_a_repeated_system_text_stays_out_of_a_window_that_opens_anew(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.system("be brief"), Message.user("hi"), Message.system("be brief")])
    thread.window()
    again = thread.memex.thread("t", budget=4_000)
    window = again.window()
    assert window.plan.opened.why == "the budget changed"
    assert seqs(window) == [1, 2]


def test_a_waiting_call_is_back_after_a_question_that_was_not_stored(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.user("look"), call("a")])
    assert seqs(thread.window("still there?")) == [1, 3]
    assert seqs(thread.window()) == [1, 2]
