"""Where windows begin, and what no window is given."""

from __future__ import annotations

import pytest
from doubles import evict

from memex import Memex, Message, Text, Tool, ToolCall, ToolResult


def fill(thread, count: int) -> None:
    thread.append([Message.of("user" if i % 2 else "assistant", f"message {i}") for i in range(1, count + 1)])


def test_a_window_continues_the_last_one(open_memory):
    thread = open_memory(budget=60, answer_tokens=10).thread("t")
    fill(thread, 20)
    first = thread.window()
    fill(thread, 1)
    second = thread.window()
    assert second.plan.opened.after_plan == 1
    assert [e.seq for e in second.entries] == [*(e.seq for e in first.entries), 21]
    assert (second.plan.fresh_tokens, second.plan.stable) == (3, len(first.entries))


def test_what_a_window_left_out_stays_out_until_the_next_eviction(open_memory):
    thread = open_memory(budget=60, answer_tokens=10).thread("t")
    starts = []
    for _ in range(30):
        fill(thread, 1)
        starts.append(thread.window().entries[0].seq)
    assert starts == sorted(starts)
    assert len(set(starts)) < 6


def test_a_first_window_reads_no_more_than_it_can_hold(open_memory):
    memory = open_memory(budget=60, answer_tokens=10)
    thread = memory.thread("t")
    fill(thread, 5_000)
    read = _count_reads(memory)
    window = thread.window()
    assert window.entries[-1].seq == 5_000
    assert read[0] < 100
    assert window.plan.opened.outside == ((1, window.plan.opened.start - 1),)


def test_a_later_window_reads_what_is_new_and_what_is_kept(open_memory):
    memory = open_memory(budget=60, answer_tokens=10)
    thread = memory.thread("t")
    fill(thread, 5_000)
    thread.window()
    fill(thread, 2)
    read = _count_reads(memory)
    thread.window()
    assert read[0] < 60


def test_more_news_than_a_window_holds_is_not_all_read(open_memory):
    memory = open_memory(budget=60, answer_tokens=10)
    thread = memory.thread("t")
    fill(thread, 10)
    thread.window()
    fill(thread, 5_000)
    read = _count_reads(memory)
    window = thread.window()
    assert read[0] < 100
    assert window.plan.opened.why == "more was added since than a window holds"


def _count_reads(memory: Memex) -> list[int]:
    count = [0]
    entries = memory.store.entries

    def counting(*args, **kwargs):
        for entry in entries(*args, **kwargs):
            count[0] += 1
            yield entry

    memory.store.entries = counting
    return count


def test_another_budget_or_chain_opens_anew(open_memory):
    memory = open_memory(budget=60, answer_tokens=10)
    thread = memory.thread("t")
    fill(thread, 40)
    few = len(thread.window())
    wide = memory.thread("t", budget=400)
    assert len(wide.window()) > few
    assert wide.plan().opened.why == "the budget changed"
    assert (
        memory.thread("t", budget=400, chain=[evict, evict]).window().plan.opened.why == "the chain changed"
    )


def test_system_messages_stay_wherever_they_are_and_repeats_go(open_memory):
    thread = open_memory(budget=60, answer_tokens=10).thread("t")
    for _ in range(30):
        thread.append([Message.system("be kind"), Message.user("hello there")])
    thread.append([Message.of("developer", "be short"), Message.user("last")])
    for _ in range(2):
        window = thread.window()
        standing = [m.text for m in window.messages if m.role in ("system", "developer")]
        assert standing == ["be kind", "be short"]


def test_pins_survive_and_unpinning_lets_them_go(open_memory):
    thread = open_memory(budget=60, answer_tokens=10).thread("t")
    fill(thread, 3)
    thread.pin(2)
    fill(thread, 60)
    assert 2 in thread.window()
    assert thread.window().plan.protected["pinned"] == ((2, 2),)
    thread.pin(2, pinned=False)
    fill(thread, 60)
    assert 2 not in thread.window()


def test_a_call_without_a_result_is_left_out_with_a_reason_unless_it_is_the_newest(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.user("look"), Message.assistant([ToolCall(id="c", name="look")])])
    assert [e.seq for e in thread.window(record=False).entries] == [1, 2]
    thread.append("never mind")
    window = thread.window(record=False)
    assert [e.seq for e in window.entries] == [1, 3]
    assert window.plan.steps[0].changes[0].reason == "orphan-tool-call"


def test_a_result_without_a_call_and_an_empty_message_are_left_out(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.tool("gone", "late"), Message.assistant([]), Message.user("hi")])
    window = thread.window(record=False)
    assert [m.text for m in window.messages] == ["hi"]
    assert {c.reason for c in window.plan.steps[0].changes} == {"orphan-tool-result", "empty"}


def test_a_first_window_never_cuts_an_exchange(open_memory):
    thread = open_memory(budget=40, answer_tokens=10).thread("t")
    calls = [ToolCall(id=f"c{i}", name="look") for i in range(12)]
    thread.append([Message.user("old"), Message.assistant(calls)])
    thread.append([Message.tool(call.id, "one two") for call in calls])
    thread.append("so?")
    window = thread.window()
    assert window.messages[-1].text == "so?"
    roles = [m.role for m in window.messages]
    assert "tool" not in roles or "assistant" in roles


def test_a_running_exchange_is_protected(open_memory):
    thread = open_memory(budget=60, answer_tokens=10).thread("t")
    fill(thread, 30)
    thread.append([Message.user("look"), Message.assistant([ToolCall(id="c", name="look")])])
    thread.append(Message.of("tool", [ToolResult(call_id="c", parts=(Text("found it"),))]))
    plan = thread.window().plan
    assert plan.protected["pending"] == ((32, 33),)


@pytest.mark.parametrize("opened_before", [True, False])
def test_a_long_run_of_tool_calls_does_not_leave_its_question_behind(open_memory, opened_before):
    thread = open_memory(budget=60, answer_tokens=10).thread("t")
    fill(thread, 20)
    thread.append("what is it all about?")
    if opened_before:
        thread.window()
    for number in range(30):
        thread.append(Message.assistant([ToolCall(id=f"c{number}", name="look")]))
        thread.append(Message.tool(f"c{number}", "one two three"))
        assert thread.window(record=number % 3 == 0).query == "what is it all about?"
    late = open_memory(store=thread.memex.store, budget=70, answer_tokens=10).thread("t")
    assert late.window().query == "what is it all about?"


def test_changed_tools_make_everything_fresh(open_memory):
    thread = open_memory().thread("t")
    thread.append("hi")
    tool = Tool(name="look", description="look around")
    assert thread.window(tools=[tool]).plan.fresh_tokens == 12
    assert thread.window(tools=[tool]).plan.fresh_tokens == 0
    assert thread.window().plan.fresh_tokens == 2


def test_a_pending_question_that_is_stored_later_is_not_fresh_again(open_memory):
    thread = open_memory().thread("t")
    thread.append("hi")
    thread.window("what now?")
    thread.append("what now?")
    assert thread.window().plan.fresh_tokens == 0
    thread.window("and then?")
    thread.append("something else")
    assert thread.window().plan.fresh_tokens == 3
