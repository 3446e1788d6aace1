"""keep-important and clear-tool-results: what stays, what goes, and when."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memex_importance.clearing import clear_tool_results
from memex_importance.keeping import keep_important

from memex import BadSetting, BudgetExceeded, Memex, Message, ToolCall, expand, is_question
from memex.testing import ScratchStore, evict_oldest
from memex.testing.strategies import conversations

FACT = "We decided: Ottoline gets the key to gate 7264 on May 3."


def small_talk(number):
    return [
        Message.user(
            f"That was a nice walk along the water, was it not, number {number} or so", id=f"u{number}"
        ),
        Message.assistant("It was nice indeed, and the weather was nice as well.", id=f"a{number}"),
    ]


def hold(thread, turns, fact_at=2):
    """Hold a conversation and return the windows, one a turn."""
    windows = []
    for number in range(turns):
        question, answer = small_talk(number)
        if number == fact_at:
            question = Message.user(FACT, id="fact")
        thread.append([question])
        windows.append(thread.window())
        thread.append([answer])
    return windows


def thread_of(*chain, budget=900):
    return Memex(ScratchStore(), chain=list(chain), budget=budget, answer_tokens=100).thread("t")


# -- keep-important --------------------------------------------------------------------------------


def test_what_matters_stays_in_the_window_when_the_rest_leaves():
    thread = thread_of(keep_important(), evict_oldest)
    windows = hold(thread, 120)
    assert 5 in windows[-1]  # the fact
    assert 7 not in windows[-1]
    plain = hold(thread_of(evict_oldest), 120)
    assert 5 not in plain[-1]


def test_it_acts_only_when_the_window_is_full():
    dropping = [w for w in hold(thread_of(keep_important(), evict_oldest), 120) if w.plan.steps[1].changes]
    assert 3 <= len(dropping) <= 25
    for window in dropping:
        assert window.tokens <= 0.55 * window.limit
        assert window.plan.steps[2].changes == ()  # nothing is left to do for the next


def test_a_turn_leaves_whole_and_the_window_begins_with_a_question():
    for window in hold(thread_of(keep_important(), evict_oldest), 80):
        assert is_question(window.entries[0].message)
        roles = [entry.message.role for entry in window.entries]
        assert all(a != b for a, b in pairwise(roles))


def test_the_plan_says_what_was_worth_what():
    thread = thread_of(keep_important(), evict_oldest)
    hold(thread, 120)
    plan = next(p for p in thread.plans() if p.steps[1].changes)
    dropped, noted = plan.steps[1].changes
    assert dropped.reason == "less-important"
    assert noted.reason == "important"
    kept = thread.explain(5, plan=plan.number)
    assert kept.fate == "kept"
    assert kept.detail["features"]["decision"] > 0.5
    gone = next(expand(dropped.seqs))
    assert thread.explain(gone, plan=plan.number).reason == "less-important"


def test_plans_replay():
    thread = thread_of(keep_important(), evict_oldest)
    hold(thread, 60)
    assert all(again.same for again in thread.replay())


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(conversations(max_turns=6), st.integers(100, 1_500), st.floats(0.1, 1.0), st.floats(0.05, 0.95))
def test_any_window_comes_down_to_its_mark(messages, budget, low_water, reserve):
    thread = thread_of(keep_important(low_water=low_water, reserve=reserve), budget=budget + 100)
    thread.append(messages)
    try:
        window = thread.window()
    except BudgetExceeded:
        assert not _could_fit(messages, budget)
        return
    assert window.tokens <= window.limit


def _could_fit(messages, budget):
    thread = thread_of(evict_oldest, budget=budget + 100)
    thread.append(messages)
    try:
        thread.window()
    except BudgetExceeded:
        return False
    return True


@pytest.mark.parametrize("wrong", [{"low_water": 0}, {"low_water": 1.1}, {"reserve": 1}, {"reserve": None}])
def test_a_wrong_setting_of_keep_important_is_named(wrong):
    with pytest.raises(BadSetting, match=f"keep-important: {next(iter(wrong))} is"):
        keep_important(**wrong)


# -- clear-tool-results ----------------------------------------------------------------------------


def exchange(number, size=60):
    call = ToolCall(id=f"call_{number}", name="read", arguments=f'{{"path": "log-{number}.txt"}}')
    return [
        Message.user(f"Read {number}.", id=f"u{number}"),
        Message.assistant([call], id=f"c{number}"),
        Message.tool(call.id, "all is well in here " * size, id=f"t{number}"),
        Message.assistant("All is well.", id=f"a{number}"),
    ]


def read_files(thread, count, size=60):
    windows = []
    for number in range(count):
        said = exchange(number, size)
        thread.append(said[:3])
        windows.append(thread.window())
        thread.append(said[3:])
    return windows


def test_results_become_stubs_in_one_batch_when_the_window_is_full():
    windows = read_files(thread_of(clear_tool_results(keep=2, over=100), evict_oldest, budget=2_500), 30)
    acting = [w for w in windows if w.plan.steps[1].changes]
    assert len(acting) >= 2
    for window in acting:
        whole = [e for e in window.entries if e.message.tool_results]
        assert len(whole) == 2
        assert window.room >= 0.2 * window.limit
    first = next(r for m in acting[-1].messages for r in m.tool_results)
    assert first.parts[0].text.startswith("[result of read(path=")


def test_more_exchanges_stay_in_view_than_without_it():
    cleared = read_files(thread_of(clear_tool_results(), evict_oldest, budget=2_500), 60)
    plain = read_files(thread_of(evict_oldest, budget=2_500), 60)
    assert sum(len(w.present) for w in cleared) > 1.5 * sum(len(w.present) for w in plain)


def test_between_the_batches_the_prefix_holds_still():
    windows = read_files(thread_of(clear_tool_results(), evict_oldest, budget=2_500), 40)
    for before, window in pairwise(windows):
        if not any(step.changes for step in window.plan.steps):
            assert window.plan.stable >= len(before.items)
    fresh, sent = (sum(getattr(w.plan, name) for w in windows) for name in ("fresh_tokens", "tokens"))
    assert fresh < 0.6 * sent


def test_short_results_and_what_is_pinned_stay_whole():
    thread = thread_of(clear_tool_results(keep=0, over=100), evict_oldest, budget=2_500)
    for number in range(5):
        thread.append(exchange(number, size=2 if number == 1 else 60))
    thread.pin(11)
    thread.append(exchange(5)[:1])
    thread.append([Message.user("word " * 1_200)])
    window = thread.window()
    assert 11 in window
    assert 11 not in window.stubs
    assert 7 not in window.stubs


def test_where_clearing_gives_too_little_the_next_policy_evicts():
    thread = thread_of(clear_tool_results(keep=0, over=100, at_least=0.9), evict_oldest, budget=2_500)
    windows = read_files(thread, 20)
    assert all(not w.plan.steps[1].changes for w in windows)
    assert any(w.plan.steps[2].changes for w in windows)


def test_plans_with_stubs_replay():
    thread = thread_of(clear_tool_results(shown=20), evict_oldest, budget=2_500)
    read_files(thread, 20)
    assert all(again.same for again in thread.replay())


@pytest.mark.parametrize("wrong", [{"keep": -1}, {"over": 1.5}, {"shown": True}, {"at_least": 1}])
def test_a_wrong_setting_of_clear_tool_results_is_named(wrong):
    with pytest.raises(BadSetting, match=f"clear-tool-results: {next(iter(wrong))} is"):
        clear_tool_results(**wrong)
