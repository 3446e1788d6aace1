"""Plans: explained, stored as ranges, replayed byte for byte."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from doubles import Scripted, WordCounter, evict

from memex import Message, Plan, StoreError, UnknownMessage, Window


def recall_sailing(window: Window) -> Window:
    found = {seq for posting in window.log.find(["sail"], limit=5) for seq in posting.seqs}
    return window.recall(window.log.at(found), detail={"score": {str(seq): 2.5 for seq in found}})


def talk(open_memory, turns: int = 40, **settings):
    memory = open_memory(
        backend=Scripted(), chain=[recall_sailing, evict], budget=80, answer_tokens=10, **settings
    )
    thread = memory.thread("t")
    thread.append([Message.system("be kind"), Message.user("we sail at nine"), Message.assistant("good")])
    for turn in range(turns):
        thread.send(f"message number {turn}")
    return thread


def test_every_plan_of_a_conversation_is_rebuilt_byte_for_byte(open_memory):
    thread = talk(open_memory)
    replayed = list(thread.replay())
    assert len(replayed) == 40
    assert [r for r in replayed if not r.same] == []


def test_replay_sees_a_plan_that_was_tampered_with(open_memory):
    thread = talk(open_memory, 5)
    plan = thread.plan()
    forged = msgspec.structs.replace(plan, tokens=plan.tokens - 1)
    thread.memex.store.put_plan("t", plan.head, forged.to_stored())
    [last] = thread.replay(6)
    assert not last.same


def test_replay_still_holds_when_the_log_grew_and_pins_changed(open_memory):
    thread = talk(open_memory, 10)
    thread.pin(2)
    thread.send("we sail again")
    thread.pin(2, pinned=False)
    thread.append([Message.user("sail sail sail")])
    assert all(r.same for r in thread.replay())


def test_plans_of_turns_that_overlap_are_rebuilt_too(open_memory):
    thread = talk(open_memory, 2)
    overlapping = iter(["one", "two"])

    def interrupted(window: Window) -> Window:
        text = next(overlapping, None)
        if text is not None:  # another process takes a turn between this one's reading and its plan
            talkative.send(text)
        return window

    memory = open_memory(
        store=thread.memex.store, backend=Scripted(), chain=[interrupted, evict], budget=80, answer_tokens=10
    )
    talkative = memory.thread("t")
    for number in range(3):
        talkative.send(f"question {number}")
    assert [plan.previous for plan in talkative.plans()] == [6, 5, 2, 2, 2, 1, 0]
    again = [r for r in talkative.replay() if r.number > 2]
    assert len(again) == 5
    assert all(r.same for r in again), again


def test_replay_of_an_unstored_question_says_so(open_memory):
    thread = talk(open_memory, 2)
    thread.window("when do we sail?")
    [last] = thread.replay(3)
    assert "without being stored" in last.why
    thread.append("when do we sail?")
    [last] = thread.replay(3)
    assert last.same


def test_replay_by_another_counter_says_so(open_memory):
    thread = talk(open_memory, 2)

    class Other(WordCounter):
        name = "other-1"

    other = open_memory(store=thread.memex.store, counter=Other(), chain=[recall_sailing, evict])
    assert "'words-1'" in next(iter(other.thread("t").replay())).why


def test_replay_after_forgetting_says_what_is_gone(open_memory):
    thread = talk(open_memory, 3)
    thread.forget([5])
    results = list(thread.replay())
    assert not results[-1].same
    assert "#5" in results[-1].why


def test_replay_after_forgetting_a_quoted_message_names_it(open_memory):
    thread = talk(open_memory)
    assert list(thread.plan().recalled()) == [(2, 2)]
    thread.forget([2])
    (found,) = thread.replay(thread.plan().number)
    assert not found.same
    assert found.why.startswith("#2 was forgotten since; it comes out differently in ")


def test_a_plan_holds_no_word_of_the_conversation(open_memory):
    thread = talk(open_memory)
    for stored in thread.memex.store.plans("t"):
        assert b"sail at nine" not in stored.body
        assert b"number" not in stored.body.replace(b'"number"', b"")
        assert len(stored.body) < 3_000


def test_a_plan_survives_its_own_bytes(open_memory):
    plan = talk(open_memory, 3).plan()
    assert msgspec.json.decode(plan.to_stored(), type=Plan).to_bytes() == plan.to_bytes()
    assert plan.to_dict()["thread"] == "t"


def test_fresh_tokens_are_those_after_the_shared_prefix(open_memory):
    thread = talk(open_memory)
    plans = list(thread.plans())[::-1]
    for before, after in itertools.pairwise(plans):
        assert 0 <= after.fresh_tokens <= after.tokens
        assert after.stable <= sum(1 for _ in before.kept()) + 1
    grown = [p.fresh_tokens for p in plans if p.steps[-1].changes == () and p.number > 1]
    assert max(grown) < 40


def test_explain_says_what_became_of_each_message(open_memory):
    thread = talk(open_memory)
    plan = thread.plan()
    assert thread.explain(1).reason == "standing"
    recalled = thread.explain(2)
    assert (recalled.fate, recalled.by, recalled.detail) == ("recalled", "recall_sailing", {"score": 2.5})
    assert thread.explain(plan.head).reason == "newest"
    evicted = thread.explain(6)
    assert (evicted.fate, evicted.reason, evicted.by) == ("dropped", "over-budget", "evict")
    assert evicted.since < plan.number
    assert "evicted to make room" in str(evicted)
    assert thread.explain(plan.head + 1).fate == "later"
    assert thread.explain(6, plan=1).fate == "later"


def test_explain_says_a_message_was_older_than_the_first_window(open_memory):
    thread = open_memory(budget=60, answer_tokens=10).thread("t")
    thread.append([Message.user(f"message {i}") for i in range(500)])
    thread.window()
    assert thread.explain(3).reason == "before-window"


def test_explain_of_an_unknown_message_and_plan(open_memory):
    thread = talk(open_memory, 1)
    for wrong in ("nope", 99, 0, -1):
        with pytest.raises(UnknownMessage):
            thread.explain(wrong)
    with pytest.raises(StoreError, match="no plan 9"):
        thread.plan(9)


def test_the_table_accounts_for_every_message(open_memory):
    from memex._explain import rows

    plan = talk(open_memory).plan()
    told = {seq for row in rows(plan) for a, b in row.seqs for seq in range(a, b + 1)}
    assert told == set(range(1, plan.head + 1))
    kept = sum(row.tokens for row in rows(plan) if row.fate in ("kept", "recalled"))
    assert kept == plan.tokens


def test_a_plan_reads_as_a_table_and_escapes_what_it_shows(open_memory):
    memory = open_memory()
    thread = memory.thread("<script>")
    thread.append("hi")
    plan = thread.window().plan
    assert "plan 1 of <script>: evict" in str(plan)
    assert "newest" in str(plan)
    assert "<script>" not in plan._repr_html_()
