"""A caller that sends its history again loses nothing and stores nothing twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memex import (
    Conflict,
    Media,
    Memex,
    Message,
    Reasoning,
    Text,
    Thread,
    ToolCall,
    ToolResult,
    Usage,
    decode,
    encode,
)
from memex.wire import new_messages, reconcile

user, assistant, system = Message.user, Message.assistant, Message.system


@pytest.fixture(scope="module")
def new_thread() -> Iterator[Callable[[], Thread]]:
    numbers = count()
    with Memex("inmemory:") as memory:
        yield lambda: memory.thread(f"t{next(numbers)}")


@pytest.fixture
def thread(new_thread: Callable[[], Thread]) -> Thread:
    return new_thread()


def said(messages: list[Message] | tuple[Message, ...]) -> list[str]:
    return [message.text for message in messages]


def calls(*names: str, text: str = "") -> Message:
    parts = [ToolCall(id=name, name="look", arguments='{"a": 1, "b": [2]}') for name in names]
    return assistant([*([Text(text)] if text else []), *parts])


def result(name: str, text: str = "found") -> Message:
    return Message.tool(name, text)


TALK = [user("q1"), assistant("a1"), user("q2"), assistant("a2")]


def again(messages: list[Message]) -> list[Message]:
    """The same messages as a caller sends them: with other ids and times."""
    return [Message(role=m.role, parts=m.parts, name=m.name) for m in messages]


def test_the_whole_history_and_something_new(thread):
    thread.append(TALK)
    assert said(new_messages(thread, [*again(TALK), user("q3")])) == ["q3"]


def test_only_something_new(thread):
    thread.append(TALK)
    assert said(new_messages(thread, [user("q3")])) == ["q3"]
    assert said(new_messages(thread, [user("q3"), user("and q4")])) == ["q3", "and q4"]


def test_an_empty_thread_and_an_empty_list(thread):
    assert said(new_messages(thread, [])) == []
    assert said(new_messages(thread, [system("s"), *TALK])) == ["s", "q1", "a1", "q2", "a2"]
    thread.append(TALK)
    assert said(new_messages(thread, [])) == []


def test_the_same_words_twice_are_two_turns(thread):
    thread.append([user("yes"), assistant("ok")])
    assert said(new_messages(thread, [user("yes")])) == ["yes"]
    assert said(new_messages(thread, [user("yes"), assistant("ok"), user("yes")])) == ["yes"]
    thread.append([user("yes"), assistant("ok")])
    whole = [user("yes"), assistant("ok")] * 2
    assert said(new_messages(thread, [*again(whole), user("yes")])) == ["yes"]
    assert said(new_messages(thread, [user("yes"), assistant("ok"), user("yes")])) == ["yes"]


@pytest.mark.parametrize("kept", range(4))
def test_a_history_cut_at_its_beginning(thread, kept):
    thread.append(TALK)
    assert said(new_messages(thread, [*again(TALK[4 - kept :]), user("q3")])) == ["q3"]


def test_a_history_cut_in_the_middle(thread):
    longer = [*TALK, user("q3"), assistant("a3")]
    thread.append(longer)
    assert said(new_messages(thread, [*again([longer[0], longer[1], longer[5]]), user("q4")])) == ["q4"]


@pytest.mark.parametrize("sent", [[user("q3")], [*TALK, user("q3")]], ids=["only new", "whole"])
def test_a_failed_turn_said_again_stands_once(thread, sent):
    thread.append([*TALK, user("q3")])
    assert new_messages(thread, again(sent)) == []
    thread.append(assistant("a thi", status="incomplete"))
    assert new_messages(thread, again(sent)) == []


def test_a_failed_turn_given_up(thread):
    thread.append([*TALK, user("q3"), assistant("hal", status="incomplete")])
    assert said(new_messages(thread, [*again(TALK), user("instead")])) == ["instead"]
    assert said(new_messages(thread, [user("instead")])) == ["instead"]


def test_an_answer_that_was_cut_off_may_come_back_whole_or_shorter(thread):
    thread.append([*TALK, user("q3"), assistant("The answer is", status="incomplete")])
    for known in ("The answer", "The answer is", "The answer is 42."):
        sent = [*again(TALK), user("q3"), assistant(known), user("q4")]
        assert said(new_messages(thread, sent)) == ["q4"]


# -- an answer that the caller began ------------------------------------------------------------------


BEGUN = [user("q1"), assistant("The answer is "), assistant("42."), user("q2"), assistant("a2")]
AS_ONE = [user("q1"), assistant("The answer is 42."), *BEGUN[3:]]


@pytest.mark.parametrize("stored", [3, 5])
def test_an_answer_that_the_caller_began_may_come_back_as_one_message(thread, stored):
    thread.append(BEGUN[:stored])
    for sent in (BEGUN[:stored], AS_ONE[: stored - 1], AS_ONE[1 : stored - 1]):
        assert said(new_messages(thread, [*again(sent), user("q3")])) == ["q3"]
        assert new_messages(thread, again(sent)) == []


def test_its_beginning_may_come_again_with_another_question(thread):
    thread.append(BEGUN[:3])
    sent = [*again(AS_ONE[:2]), user("q2"), assistant("The answer is ")]
    assert said(new_messages(thread, sent)) == ["q2", "The answer is "]


def test_a_begun_answer_with_a_call(thread):
    thread.append([user("q"), assistant("Let me "), calls("x", text="look.")])
    sent = [user("q"), calls("x", text="Let me look."), result("x")]
    assert new_messages(thread, sent) == sent[2:]


def test_what_only_begins_or_ends_as_they_do_is_another_history(thread):
    thread.append(BEGUN)
    for words in ("The answer is 43.", "42. The answer is", "The answer is 42. a2"):
        with pytest.raises(Conflict):
            new_messages(thread, [user("q1"), assistant(words), *again(BEGUN[3:]), user("q3")])


def test_an_edit_below_an_answer_that_came_back_as_one(thread):
    thread.append(BEGUN)
    sent = [*again(AS_ONE[:2]), user("q2, but better")]
    found = reconcile(thread, sent)
    assert (found.fork_at, said(found.fork_new)) == (3, ["q2, but better"])
    thread.append(user("q3"))
    thread.append(again(BEGUN[1:3]))
    sent = [user("other"), *again(AS_ONE[1:]), user("q3"), assistant("The answer is 42."), user("q4")]
    assert said(new_messages(thread, sent, edited="append")) == ["q4"]


def test_pieces_between_which_somebody_spoke_or_that_were_cut_off_are_not_one(thread):
    thread.append([user("q"), assistant("one "), user("and"), assistant("two")])
    with pytest.raises(Conflict):
        new_messages(thread, [user("q"), assistant("one two"), user("q2")])


# -- a changed history ------------------------------------------------------------------------------


def test_an_earlier_message_with_other_words_is_a_conflict_that_says_which(thread):
    thread.append(TALK)
    sent = [user("q1"), assistant("a1"), user("q2, but better"), user("q3")]
    with pytest.raises(Conflict, match=r"instead of #3 'q2' there is 'q2, but better'.*fork from #2"):
        new_messages(thread, sent)
    assert said(new_messages(thread, sent, edited="append")) == ["q2, but better", "q3"]
    found = reconcile(thread, sent)
    assert found.fork_at == 2
    fork = thread.fork(at=found.fork_at)
    fork.append(found.fork_new)
    assert said(list(fork.messages())) == said(sent)


def test_an_edit_far_above_does_not_store_the_rest_twice(thread):
    thread.append(TALK)
    sent = [user("other"), *again(TALK[1:]), user("q3")]
    assert said(new_messages(thread, sent, edited="append")) == ["q3"]
    found = reconcile(thread, sent)
    assert (found.fork_at, said(found.fork_new)) == (0, said(sent))


def test_going_back_to_ask_again_is_a_conflict(thread):
    thread.append(TALK)
    with pytest.raises(Conflict, match=r"end at #3, and the thread goes on with #4 'a2'"):
        new_messages(thread, again(TALK[:3]))
    assert reconcile(thread, again(TALK[:3])).fork_at == 3


def test_a_strangers_history_is_a_conflict(thread):
    thread.append(TALK)
    with pytest.raises(Conflict, match="'other' is not in the thread"):
        new_messages(thread, [user("other"), assistant("history"), user("q")])


def test_nothing_binds_a_caller_to_a_thread_without_answers(thread):
    thread.append(user("never answered"))
    sent = [user("example"), assistant("of an answer"), user("q")]
    assert new_messages(thread, sent) == sent


# -- system text ------------------------------------------------------------------------------------


def test_system_text_is_stored_once_while_it_is_the_same(thread):
    thread.append([system("Be brief."), *TALK])
    for role in ("system", "developer"):
        sent = [Message.of(role, "Be brief."), *again(TALK), user("q3")]
        assert said(new_messages(thread, sent)) == ["q3"]
    assert said(new_messages(thread, [*again(TALK), user("q3")])) == ["q3"]


def test_changed_system_text_is_new_and_stands_first(thread):
    thread.append([system("Be brief."), *TALK])
    assert said(new_messages(thread, [system("Be long."), user("q3")])) == ["Be long.", "q3"]
    thread.append([system("Be long."), user("q3"), assistant("a3")])
    assert said(new_messages(thread, [system("Be long."), user("q4")])) == ["q4"]
    assert said(new_messages(thread, [system("Be brief."), user("q4")])) == ["Be brief.", "q4"]


def test_several_system_texts_and_one_in_between(thread):
    talk = [system("one"), system("two"), *TALK, system("remember"), user("q3"), assistant("a3")]
    thread.append(talk)
    assert said(new_messages(thread, [*again(talk), user("q4")])) == ["q4"]


# -- tools ------------------------------------------------------------------------------------------


def test_parallel_results_in_any_order(thread):
    thread.append([user("q"), calls("x", "y", "z"), result("y"), result("x")])
    sent = [user("q"), calls("x", "y", "z"), result("z"), result("x"), result("y")]
    assert [m.tool_results[0].call_id for m in new_messages(thread, sent)] == ["z"]
    thread.append([result("z"), assistant("done")])
    assert said(new_messages(thread, [*sent, assistant("done"), user("next")])) == ["next"]


def test_results_alone_are_new_and_not_again(thread):
    thread.append([user("q"), calls("x", "y")])
    sent = [result("x"), result("y")]
    assert new_messages(thread, sent) == sent
    thread.append(sent)
    assert new_messages(thread, again(sent)) == []


def test_a_message_with_known_and_new_results_is_cut(thread):
    thread.append([user("q"), calls("x", "y"), result("x")])
    both = Message(role="tool", parts=(ToolResult("x", (Text("found"),)), ToolResult("y", (Text("too"),))))
    (new,) = new_messages(thread, [user("q"), calls("x", "y"), both])
    assert [part.call_id for part in new.tool_results] == ["y"]


def test_ids_that_are_used_again_in_every_turn(thread):
    turn = [user("q"), calls("call_0"), result("call_0"), assistant("done")]
    thread.append(turn)
    sent = [*again(turn), user("q"), calls("call_0"), result("call_0")]
    assert new_messages(thread, sent) == sent[4:]


def test_another_result_for_an_old_call_is_a_conflict(thread):
    thread.append([user("q"), calls("x"), result("x"), assistant("done")])
    with pytest.raises(Conflict):
        new_messages(thread, [user("q"), calls("x"), result("x", "other"), assistant("done"), user("n")])


def test_what_a_caller_normalises_is_recognised(thread):
    full = assistant(
        [Reasoning("hm", signature="s"), Text("Let me look. "), ToolCall("x", "look", '{"a": 1, "b": [2]}')],
        usage=Usage(input_tokens=3),
    )
    thread.append([user([Text("see"), Media("image", "url", "http://x/y.png")]), full])
    sent = [
        user([Text("see "), Media("image", "url", "http://x/y.png")]),
        assistant([ToolCall("x", "look", '{"b":[2],"a":1}'), Text("Let me look.")]),
        result("x"),
    ]
    assert new_messages(thread, sent) == sent[2:]


@pytest.mark.parametrize("codec", ["openai", "openai-responses", "anthropic", "cohere"])
def test_a_history_that_went_through_a_wire_format(thread, codec):
    talk = [user("q"), calls("x", "y", text="Let me look."), result("x"), result("y"), assistant("Done.")]
    thread.append(talk)
    payload = encode([*talk, user("next")], codec).payload
    assert said(new_messages(thread, decode(payload, codec))) == ["next"]


def test_what_was_forgotten_is_not_stored_again(thread):
    two = user([Text("my secret"), Text("is this")])
    talk = [user("q1"), assistant("a1"), two, assistant("noted")]
    thread.append(talk)
    thread.forget([3])
    assert said(new_messages(thread, [*again(talk), user("q3")])) == ["q3"]


def test_an_empty_message_is_not_lost(thread):
    thread.append(TALK)
    empty = user("")
    assert new_messages(thread, [*again(TALK), empty]) == [empty]


def test_messages_keep_what_is_not_compared(thread):
    thread.append(TALK)
    new = user([Text("q3", extra={"anthropic": {"cache_control": {"type": "ephemeral"}}}), Text(" ")])
    assert new_messages(thread, [*again(TALK), new]) == [new]


# -- any conversation -------------------------------------------------------------------------------

WORDS = st.sampled_from(["yes", "no", "ok"])


@st.composite
def turns(draw: st.DrawFn) -> list[list[Message]]:
    """Turns out of few words, so that they repeat: a question, perhaps rounds of tools, an answer."""
    made, number = [], count()
    reused = draw(st.booleans())
    for _ in range(draw(st.integers(1, 5))):
        turn = [user(draw(WORDS)) for _ in range(draw(st.integers(1, 2)))]
        for _ in range(draw(st.integers(0, 2))):
            names = [f"c{place if reused else next(number)}" for place in range(draw(st.integers(1, 3)))]
            turn.append(calls(*names, text=draw(st.sampled_from(["", "ok"]))))
            turn += [result(name, draw(WORDS)) for name in names]
        made.append([*turn, assistant(draw(WORDS))])
    return made


def shuffled_results(messages: list[Message], order: random.Random) -> list[Message]:
    made: list[Message] = []
    run: list[Message] = []
    for message in messages:
        if message.role == "tool":
            run.append(message)
            continue
        order.shuffle(run)
        made, run = [*made, *run, message], []
    order.shuffle(run)
    return made + run


def shape(messages: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """Messages without their ids, results of one round sorted."""
    made: list[Any] = []
    for m in messages:
        row = (
            m.role,
            m.text,
            tuple(part.id for part in m.tool_calls),
            tuple(r.call_id for r in m.tool_results),
        )
        made.append(row)
    start = 0
    for place in range(len(made) + 1):
        if place == len(made) or made[place][0] != "tool":
            made[start:place] = sorted(made[start:place])
            start = place + 1
    return made


@settings(max_examples=100, deadline=None)
@given(talk=turns(), data=st.data(), order=st.randoms(use_true_random=False))
def test_a_conversation_is_stored_once_however_it_is_sent_again(new_thread, talk, data, order):
    """Each request is whole, cut at its beginning, or only what is new; some fail and are made again."""
    thread = new_thread()
    history: list[Message] = []
    with_system = data.draw(st.booleans())
    for turn in talk:
        pending: list[Message] = []
        for message in turn:
            if message.role != "assistant":
                pending.append(message)
                continue
            cut = data.draw(st.integers(0, len(history)), label="cut")
            for _ in range(data.draw(st.integers(1, 2), label="calls")):
                sent = shuffled_results(again(history[cut:] + pending), order)
                request = [system("Be brief."), *sent] if with_system else sent
                thread.append(new_messages(thread, request))
            thread.append(message)
            history += [*pending, message]
            pending = []
    stored = [message for message in thread.messages() if message.role != "system"]
    assert shape(stored) == shape(history)
    assert sum(message.role == "system" for message in thread.messages()) == with_system


@settings(max_examples=80, deadline=None)
@given(talk=turns(), cut=st.integers(0, 30), words=WORDS)
def test_any_end_of_a_thread_sent_again_adds_exactly_what_is_new(new_thread, talk, cut, words):
    thread = new_thread()
    history = [message for turn in talk for message in turn]
    thread.append(history)
    rest = again(history[min(cut, len(history)) :])
    new = user(words)
    assert new_messages(thread, [*rest, new]) == [new]


@settings(max_examples=80, deadline=None)
@given(talk=turns(), kept=st.integers(0, 30))
def test_any_beginning_with_an_answer_in_it_stores_nothing(new_thread, talk, kept):
    thread = new_thread()
    history = [message for turn in talk for message in turn]
    thread.append(history)
    sent = again(history[:kept])
    found = reconcile(thread, sent)
    if any(message.role == "assistant" for message in sent):
        if not found.edited:  # the beginning reads as the end, too
            assert shape(found.new) == shape(sent[len(sent) - len(found.new) :])
        else:
            assert shape([*list(thread.messages())[: found.fork_at], *found.fork_new]) == shape(sent)
    with_new = reconcile(thread, [*sent, user("something else")])
    assert "something else" in said(with_new.new)


@settings(max_examples=80, deadline=None)
@given(one=turns(), other=turns())
def test_a_fork_with_what_is_new_is_what_was_sent(new_thread, one, other):
    thread = new_thread()
    thread.append([message for turn in one for message in turn])
    sent = [message for turn in other for message in turn]
    found = reconcile(thread, sent)
    if found.edited:
        fork = thread.fork(at=found.fork_at) if found.fork_at else new_thread()
        fork.append(again(list(found.fork_new)))
        assert shape(fork.messages()) == shape(sent)


@settings(max_examples=150, deadline=None)
@given(talk=turns(), data=st.data())
def test_begun_answers_are_stored_once_in_whichever_form_they_come_back(new_thread, talk, data):
    """A caller who begins answers keeps each as one message or two, and sends its whole history."""
    thread = new_thread()
    stored: list[Message] = []
    history: list[Message] = []
    for turn in talk:
        pending: list[Message] = []
        for message in turn:
            if message.role != "assistant":
                pending.append(message)
                continue
            begun = [assistant(words) for words in data.draw(st.lists(WORDS, max_size=1), label="begun")]
            cut = 0 if begun else data.draw(st.integers(0, len(history)), label="cut")
            for _ in range(data.draw(st.integers(1, 2), label="calls")):
                thread.append(new_messages(thread, again([*history[cut:], *pending, *begun])))
            thread.append(message)
            stored += [*pending, *begun, message]
            whole = [*begun, message]
            if data.draw(st.booleans(), label="as one"):
                whole = [assistant([part for one in whole for part in one.parts])]
            history += [*pending, *whole]
            pending = []
    assert shape(thread.messages()) == shape(stored)
