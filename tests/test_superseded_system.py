"""System text that is sent with other words in the same place: the last one holds, the log keeps all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memex import Memex, Message, Thread
from memex.testing import ScratchStore, evict_oldest
from memex.wire import new_messages, reconcile

user, assistant, system = Message.user, Message.assistant, Message.system


@pytest.fixture
def memory() -> Iterator[Memex]:
    with Memex(ScratchStore(), chain=[]) as opened:
        yield opened


@pytest.fixture
def thread(memory: Memex) -> Thread:
    return memory.thread("t")


def again(messages: list[Message]) -> list[Message]:
    """The same messages as a caller sends them: with other ids and times."""
    return [Message(role=m.role, parts=m.parts, name=m.name) for m in messages]


def call(thread: Thread, *sent: Message, words: str = "ok") -> list[str]:
    """Do what a remembered client does with a call; return the system text that the model is sent."""
    thread.append(new_messages(thread, list(sent)))
    window = thread.window()
    thread.append(assistant(words))
    return texts(window.messages)


def texts(messages) -> list[str]:
    return [m.text for m in messages if m.role in ("system", "developer")]


def test_only_new_messages_and_another_date_each_time(thread):
    for day in range(1, 6):
        assert call(thread, system(f"Today is day {day}."), user(f"q{day}")) == [f"Today is day {day}."]
    assert texts(thread.messages()) == [f"Today is day {day}." for day in range(1, 6)]


def test_the_whole_history_each_time(thread):
    history: list[Message] = []
    for day in range(1, 6):
        history.append(user(f"q{day}"))
        assert call(thread, system(f"Day {day}."), *again(history), words=f"a{day}") == [f"Day {day}."]
        history.append(assistant(f"a{day}"))
    assert [m.role for m in thread.messages()] == ["system", "user", "assistant"] * 5


def test_the_plan_says_so_and_can_be_replayed(thread):
    call(thread, system("Day 1."), user("q1"))
    call(thread, system("Day 2."), user("q2"))
    told = thread.explain(1)
    assert (told.fate, told.reason) == ("dropped", "superseded")
    assert thread.explain(4).reason == "standing"
    call(thread, user("q3"))
    assert thread.explain(1).reason == "superseded"
    assert all(replayed.same for replayed in thread.replay())
    assert thread.plan(2).fresh_tokens > 0


def test_words_that_come_back_hold_again(thread):
    for words in ("A", "B", "A", "A", "B"):
        assert call(thread, system(words), user("q")) == [words]
    assert texts(thread.messages()) == ["A", "B", "A", "B"]


def test_of_several_texts_those_that_stay_keep_their_place(thread):
    for day in range(1, 4):
        window = call(thread, system("Be brief."), Message.of("developer", f"Day {day}."), user("q"))
        assert window == ["Be brief.", f"Day {day}."]
    first = next(iter(thread.window().entries))
    assert (first.seq, first.message.text) == (1, "Be brief.")
    assert call(thread, system("Be long."), user("q")) == ["Be long."]


def test_what_a_program_appended_stays(thread):
    thread.append(system("The house has rules."))
    assert call(thread, system("Day 1."), user("q1")) == ["The house has rules.", "Day 1."]
    thread.append(system("And a dog."))
    assert call(thread, system("Day 2."), user("q2")) == ["The house has rules.", "And a dog.", "Day 2."]
    history = again([m for m in thread.messages() if m.role in ("user", "assistant")])
    day3 = call(thread, system("Day 3."), *history, user("q3"))
    assert day3 == ["The house has rules.", "And a dog.", "Day 3."]


def test_a_history_from_elsewhere_that_is_sent_again_with_other_words(thread):
    talk = [system("Rules."), system("Day 1."), user("q1"), assistant("a1")]
    thread.append(talk)
    assert call(thread, system("Day 2."), *again(talk[2:]), user("q2")) == ["Rules.", "Day 2."]


def test_without_its_history_a_caller_supersedes_only_what_was_sent_so(thread):
    thread.append([system("Day 1."), user("q1"), assistant("a1")])
    assert call(thread, system("Day 2."), user("q2")) == ["Day 1.", "Day 2."]
    assert call(thread, system("Day 3."), user("q3")) == ["Day 1.", "Day 3."]


def test_a_pinned_one_stays(thread):
    call(thread, system("Day 1."), user("q1"))
    thread.pin(1)
    assert call(thread, system("Day 2."), user("q2")) == ["Day 1.", "Day 2."]
    assert thread.explain(1).reason == "pinned"
    thread.pin(1, pinned=False)
    assert call(thread, system("Day 2."), user("q3")) == ["Day 2."]


def test_forgetting_the_new_one_brings_the_old_one_back(thread):
    call(thread, system("Day 1."), user("q1"))
    call(thread, system("Day 2."), user("q2"))
    thread.forget([4])
    assert call(thread, user("q3")) == ["Day 1."]
    # What is sent in its place may be what was forgotten: it is not stored again, whatever it is.
    assert call(thread, system("Day 3."), user("q4")) == ["Day 1."]


def test_a_call_without_system_text_changes_nothing(thread):
    call(thread, system("Day 1."), user("q1"))
    assert call(thread, user("q2")) == ["Day 1."]


def test_a_fork_and_a_window_that_begins_anew_see_the_same(memory, thread):
    for day in range(1, 4):
        call(thread, system(f"Day {day}."), user("q"))
    fork = thread.fork("f")
    assert texts(fork.window().messages) == ["Day 3."]
    assert call(fork, system("Day 4."), user("q")) == ["Day 4."]
    assert texts(thread.window().messages) == ["Day 3."]
    assert texts(thread.fork("g", at=3).window().messages) == ["Day 1."]
    small = memory.thread("t", budget=60)
    assert texts(small.window(record=False).messages) == ["Day 3."]


def test_an_edited_history_forks_with_its_own_text(thread):
    call(thread, system("Day 1."), user("q1"), words="a1")
    call(thread, system("Day 2."), user("q2"), words="a2")
    found = reconcile(thread, [system("Day 3."), user("q1"), assistant("other"), user("q2")])
    fork = thread.fork("f", at=found.fork_at)
    fork.append(list(found.fork_new))
    assert texts(fork.window().messages) == ["Day 3."]


def test_it_survives_eviction_and_the_budget_counts_the_last_one_only():
    long = "Rules. " * 60
    with Memex(ScratchStore(), chain=[evict_oldest], budget=700) as memory:
        thread = memory.thread("t")
        for day in range(30):
            assert call(thread, system(f"{long} Day {day}."), user("q")) == [f"{long} Day {day}."]


def test_a_note_of_a_message_that_is_no_system_text_means_nothing(thread):
    (first,) = thread.append(user("q1"))
    thread.append([assistant("a1"), user("q2").replace(extra={"memex:supersedes": [first.message.id]})])
    assert [m.text for m in thread.window().messages] == ["q1", "a1", "q2"]
    thread.append(system("S").replace(extra={"memex:supersedes": [first.message.id, 7]}))
    assert [m.text for m in thread.window().messages] == ["q1", "a1", "q2", "S"]


@settings(deadline=None, max_examples=100)
@example([(["A"], False, False), (["C"], False, False), (["A", "C"], False, False)])
@example(
    [
        ([words] if isinstance(words, str) else words, False, False)
        for words in ("A", ["A", "B"], "C", ["A", "C"])
    ]
)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["A", "B", "C"]), max_size=2, unique=True),
            st.booleans(),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_model_is_sent_the_last_words_whatever_came_before(calls):
    with Memex(ScratchStore(), chain=[]) as memory:
        thread, history, holds = memory.thread("t"), [], []
        for number, (words, resent, look) in enumerate(calls):
            question = user(f"q{number}")
            before = again(history) if resent else []
            sent = call(thread, *map(system, words), *before, question, words=f"a{number}")
            if words != holds[len(holds) - len(words) :]:  # the end of it, or nothing, changes nothing
                holds = words
            assert sorted(sent) == sorted(holds)
            history += [question, assistant(f"a{number}")]
            if look:
                assert sorted(texts(thread.window(record=False).messages)) == sorted(holds)
        assert all(replayed.same for replayed in thread.replay())
        assert sorted(texts(thread.fork("f").window().messages)) == sorted(holds)
