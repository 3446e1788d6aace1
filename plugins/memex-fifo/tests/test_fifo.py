"""fifo: what leaves, how much of it, and where the rest begins."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_fifo.policy import fifo

from memex import BadSetting, BudgetExceeded, Memex, Message, Tool, ToolCall, searchable_text
from memex.testing import ScratchStore
from memex.testing.strategies import conversations


class Words:
    """One token a word, and nothing else."""

    name, exact, error = "words", True, 0.0

    def count_text(self, text):
        return len(text.split())

    def count_message(self, message):
        return len(searchable_text(message).split())

    def count_tools(self, tools):
        return 10 * len(tools)


def thread_of(*messages, budget=100, **fifo_settings):
    """Return a thread in which every message costs its words."""
    memory = Memex(
        ScratchStore(), chain=[fifo(**fifo_settings)], budget=budget, answer_tokens=0, counter=Words()
    )
    thread = memory.thread("t")
    thread.append(list(messages))
    return thread


def words(count, mark="x"):
    return " ".join([mark] * count)


def turn(count=10):
    return Message.user(words(count, "q")), Message.assistant(words(count, "a"))


def turns(number, count=10):
    return [message for _ in range(number) for message in turn(count)]


def seqs(window):
    return [entry.seq for entry in window.entries]


def changes(window):
    return [(c.reason, list(c.seqs)) for c in window.plan.steps[1].changes]


# -- by tokens -----------------------------------------------------------------------------------


def test_a_window_within_its_limit_stays_as_it_is():
    window = thread_of(*turns(4)).window("one more?")
    assert seqs(window) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert changes(window) == []


def test_one_batch_goes_down_to_the_low_water_mark():
    window = thread_of(*turns(5)).window("one more?")
    assert window.tokens == 42
    assert changes(window) == [("over-budget", [(1, 6)])]


def test_the_rest_begins_with_a_question():
    # Down to 50 would leave the answer of a turn whose question is gone.
    window = thread_of(*turns(5), low_water=0.58).window("one more?")
    assert seqs(window) == [7, 8, 9, 10, 11]


def test_a_last_turn_is_kept_whole_where_it_fits():
    talk = [*turns(2, 5), Message.user(words(30, "q")), Message.assistant(words(60, "a"))]
    window = thread_of(*talk, low_water=0.7).window("one more?")
    assert seqs(window) == [5, 6, 7], "its answer alone would be 62 tokens, its whole 92"


def test_a_last_turn_that_does_not_fit_leaves_its_end():
    talk = [Message.user(words(70, "q")), Message.assistant(words(40, "a"))]
    assert seqs(thread_of(*talk).window("one more?")) == [2, 3]


def test_low_water_one_is_the_window_of_every_turn():
    thread = thread_of(*turns(4), low_water=1.0)
    for _ in range(5):
        thread.append(turn())
        window = thread.window("one?")
        assert 100 - 20 < window.tokens <= 100


def test_keep_is_a_lower_limit():
    window = thread_of(*turns(4), keep=50).window("one more?")
    assert window.tokens == 22


def test_keep_above_the_budget_does_not_raise_it():
    window = thread_of(*turns(5), keep=10_000).window("one more?")
    assert window.tokens == 42


def test_tools_are_counted():
    window = thread_of(*turns(4)).window("one more?", tools=[Tool("a"), Tool("b")])
    assert window.tools_tokens == 20
    assert seqs(window) == [7, 8, 9]


def test_much_that_must_stay_does_not_clear_the_conversation():
    system = Message.system(words(60, "s"))
    window = thread_of(system, *turns(3, 7), budget=100).window("one more?")
    assert seqs(window) == [1, 6, 7, 8], "60 that stay are above half already; a turn is kept beside them"


def test_protected_messages_stay_among_what_leaves():
    thread = thread_of(*turns(6))
    thread.pin(3)
    window = thread.window("one more?")
    assert seqs(window) == [3, 11, 12, 13]
    assert window.protected[3] == "pinned"


def test_an_exchange_with_a_tool_leaves_whole():
    calls = [ToolCall(id="a", name="look"), ToolCall(id="b", name="look")]
    exchange = [
        Message.user(words(20)),
        Message.assistant(calls),
        Message.tool("a", words(20)),
        Message.tool("b", words(20)),
        Message.assistant(words(20)),
    ]
    window = thread_of(*exchange, *turns(2), low_water=0.7).window("one more?")
    assert seqs(window) == [6, 7, 8, 9, 10]


def test_an_exchange_that_goes_on_loses_its_oldest_calls():
    thread = thread_of(Message.user("please look"))
    for number in range(12):
        call = ToolCall(id=f"c{number}", name="look")
        thread.append([Message.assistant([call]), Message.tool(call.id, words(18))])
        window = thread.window()
        assert seqs(window)[0] == 1, "the question stays"
        assert all(unit.whole for unit in window.units)
        assert window.tokens <= 100


def test_what_cannot_fit_is_refused_by_the_host():
    with pytest.raises(BudgetExceeded, match="what must be sent takes 150 tokens"):
        thread_of(*turns(3)).window(words(150))


# -- by messages and by turns ----------------------------------------------------------------------


def test_by_messages():
    thread = thread_of(Message.system("be kind"), *turns(10, 1), by="messages", keep=8)
    window = thread.window("one?")
    assert seqs(window) == [1, 20, 21, 22], "at most half of eight, from a question on"
    assert changes(window)[0][0] == "over-messages"


def test_by_turns():
    window = thread_of(*turns(10, 1), by="turns", keep=6).window("one?")
    assert seqs(window) == [17, 18, 19, 20, 21], "three turns: half of six"
    assert changes(window) == [("over-turns", [(1, 16)])]


def test_by_turns_an_exchange_across_the_boundary_leaves_whole():
    talk = [
        Message.user("look"),
        Message.assistant([ToolCall(id="a", name="look")]),
        Message.user("still looking?"),
        Message.tool("a", "found"),
        Message.assistant("found it"),
    ]
    window = thread_of(*talk, by="turns", keep=1, low_water=1.0).window("thanks")
    assert seqs(window) == [6]


@pytest.mark.parametrize("by", ["messages", "turns"])
def test_pins_are_not_counted(by):
    thread = thread_of(*turns(15, 1), by=by, keep=8)
    for seq in (1, 3, 5, 7):
        thread.pin(seq)
    first = thread.window("one?")
    thread.append(turn(1))
    second = thread.window("two?")
    assert {1, 3, 5, 7} <= second.seqs
    assert changes(first)
    assert not changes(second), "it must not evict at every turn because of the pins"


@pytest.mark.parametrize(("by", "keep"), [("messages", 50), ("turns", 25)])
def test_the_budget_is_kept_whatever_is_counted(by, keep):
    window = thread_of(*turns(20), by=by, keep=keep).window("one more?")
    assert window.tokens <= 50
    assert changes(window)[-1][0] == "over-budget"


# -- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"low_water": 0}, "low_water"),
        ({"low_water": 1.01}, "low_water"),
        ({"low_water": float("nan")}, "low_water"),
        ({"low_water": True}, "low_water"),
        ({"keep": 0}, "keep"),
        ({"keep": -3}, "keep"),
        ({"keep": True}, "keep"),
        ({"keep": 2.5}, "keep"),
        ({"by": "messages"}, "keep"),
        ({"by": "turns"}, "keep"),
        ({"by": "bytes"}, "by"),
    ],
)
def test_settings_that_make_no_sense_are_named(given: dict[str, Any], named: str):
    with pytest.raises(BadSetting, match=f"fifo: (.* needs )?{named}"):
        fifo(**given)


def test_it_is_last_in_the_default_chain_and_takes_its_settings_by_name():
    with Memex(ScratchStore()) as memory:
        assert [link.name for link in memory.chain][-1:] == ["fifo"]
    with Memex(ScratchStore(), chain=[{"use": "fifo", "by": "turns", "keep": 3}]) as memory:
        assert str(memory.chain) == "fifo"
    with pytest.raises(BadSetting, match="unexpected setting 'low_watre'"):
        Memex(ScratchStore(), chain=[{"use": "fifo", "low_watre": 0.5}])


# -- properties -------------------------------------------------------------------------------------

SETTINGS = st.fixed_dictionaries(
    {"low_water": st.floats(min_value=0.01, max_value=1.0)},
    optional={"keep": st.integers(1, 200)},
) | st.fixed_dictionaries(
    {
        "by": st.sampled_from(["messages", "turns"]),
        "keep": st.integers(1, 12),
        "low_water": st.floats(min_value=0.01, max_value=1.0),
    }
)


def must_stay(said):
    standing = {m.parts: m for m in said if m.role in ("system", "developer")}
    return sum(Words().count_message(message) for message in standing.values()) + len(["and", "now"])


@settings(deadline=None, max_examples=60)
@given(conversations(max_turns=8), SETTINGS, st.integers(20, 200))
def test_only_the_oldest_leave_and_only_when_they_must(said, given_settings, budget):
    thread = thread_of(*said, budget=budget, **given_settings)
    try:
        window = thread.window("and now?")
    except BudgetExceeded:
        assert must_stay(said) > budget
        return
    assert window.tokens <= budget
    kept = window.seqs - window.protected.keys()
    gone = {seq for _, spans in changes(window) for first, last in spans for seq in range(first, last + 1)}
    units = [unit.entries[0].seq for unit in window.units if unit.entries[0].seq in kept]
    assert not gone or not units or min(units) > min(gone), "the oldest go first"
    if kept and not gone and "by" not in given_settings:
        assert window.tokens <= min(budget, given_settings.get("keep", budget))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 20), min_size=10, max_size=40), st.floats(min_value=0.1, max_value=1.0))
def test_between_evictions_the_window_only_grows(lengths, low_water):
    thread = thread_of(low_water=low_water)
    windows = []
    for length in lengths:
        thread.append(Message.user(words(length, "q")))
        windows.append(thread.window())
        thread.append(Message.assistant(words(length, "a")))
    for before, after in pairwise(windows):
        if not changes(after):
            assert seqs(after)[: len(before)] == seqs(before)
        else:
            assert after.tokens <= max(low_water * 100, 100 * low_water / 2 + lengths[0] + 60)
