"""The default chain of the starter plugins, and what they do together."""

from __future__ import annotations

import pytest

from memex import Memex, Message, Provider, hookimpl


def test_hook_order_puts_recall_before_fifo():
    with Memex("inmemory:") as memory:
        chain = [(link.name, link.why) for link in memory.chain]
    assert chain == [("recall", "hook order"), ("fifo", "hook order")]


def test_a_fact_far_back_is_recalled_and_quoted_and_the_plan_says_why():
    with Memex("inmemory:", backend="quote", budget=1_000) as memory:
        thread = memory.thread("t")
        thread.append(Message.user("The padlock on the slipway gate opens with 7264."))
        thread.append([Message.user(f"Crate {n} is in the north store with the others.") for n in range(200)])
        reply = thread.send("What opens the padlock of the slipway?")
        assert reply.text.startswith('"The padlock on the slipway gate opens with 7264." [#1 user, ')
        assert [(row.fate, row.reason) for row in [thread.explain(1)]] == [("recalled", "recalled")]
        assert reply.plan.tokens <= 750
        assert all(replayed.same for replayed in thread.replay())


@pytest.mark.parametrize("store", ["inmemory:", "sqlite:{path}"])
def test_a_long_conversation_holds_together(store, tmp_path):
    with Memex(store.format(path=tmp_path / "t.db"), backend="quote", budget=1_000) as memory:
        thread = memory.thread("t")
        for n in range(60):
            reply = thread.send(
                f"Crate {n} of {'oak' if n % 7 else 'walnut'} is in store {n % 5}. And crate 3?"
            )
            assert reply.plan.tokens + reply.plan.answer <= 1_000
        assert all(replayed.same for replayed in thread.replay())
        assert [message.role for message in thread.messages()] == ["user", "assistant"] * 60


def test_the_stores_give_the_same_window(tmp_path):
    plans = []
    for store in ("inmemory:", f"sqlite:{tmp_path / 't.db'}"):
        with Memex(store, budget=1_000) as memory:
            thread = memory.thread("t")
            said = [f"Crate {n} of {'oak' if n % 7 else 'walnut'} in store {n % 5}." for n in range(300)]
            thread.append([Message.user(text, id=f"m{n:03}") for n, text in enumerate(said)])
            plans.append(thread.window("Where are the walnut crates, 3 and 14?").plan.to_bytes())
    assert plans[0] == plans[1]


def test_no_policy_is_imported_before_it_is_used(in_fresh_process):
    code = "import sys; from memex import Memex; Memex('inmemory:', chain=[]); print(*sys.modules)"
    loaded = in_fresh_process(code).split()
    assert "memex" in loaded
    assert not [name for name in loaded if name.startswith(("memex_fifo.", "memex_recall.", "memex_quote."))]


class ByName:
    @hookimpl
    def memex_policies(self):
        return [Provider("by-name", "doubles:evict_policy", "Evicts where a chain says so", default=False)]


def test_a_policy_that_is_offered_by_name_is_used_where_it_is_named():
    with Memex("inmemory:", plugins=[ByName()]) as memory:
        assert str(memory.chain) == "recall ▸ fifo"
    with Memex("inmemory:", plugins=[ByName()], chain=["by-name"]) as memory:
        assert str(memory.chain) == "by-name"
    with Memex("inmemory:", plugins=[ByName()], order=["by-name"]) as memory:
        assert str(memory.chain) == "by-name ▸ recall ▸ fifo"


def test_a_plan_finds_the_policy_of_a_plugin_that_the_program_passed():
    with Memex("inmemory:", plugins=[ByName()], chain=["by-name"], budget=1_000) as memory:
        thread = memory.thread("t")
        thread.append("hello")
        thread.window()
        other = Memex(memory.store, plugins=[ByName()], chain=["fifo"], budget=1_000)
        assert [str(again) for again in other.thread("t").replay()] == ["plan 1: same, byte for byte"]
