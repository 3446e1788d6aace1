"""The guard: a policy that breaks a law is a named error, or is skipped and recorded."""

from __future__ import annotations

import msgspec
import pytest
from doubles import Scripted, evict

from memex import BudgetExceeded, Derived, Message, PolicyFailed, PolicyViolation, Window


def forge(window: Window) -> Window:
    first = window.entries[0]
    changed = msgspec.structs.replace(first, message=first.message.replace(parts=Message.user("lies").parts))
    return window.replace(items=(changed, *window.items[1:]))


def recount(window: Window) -> Window:
    first = window.entries[0]
    return window.replace(items=(msgspec.structs.replace(first, tokens=0), *window.items[1:]))


def reverse(window: Window) -> Window:
    return window.replace(items=window.items[::-1])


def twice(window: Window) -> Window:
    return window.replace(items=(window.items[0], *window.items))


def silently(window: Window) -> Window:
    gone = window.droppable[0]
    return window.replace(items=tuple(item for item in window.items if item is not gone))


def split(window: Window) -> Window:
    result = next(e for e in window.entries if e.message.role == "tool")
    kept = tuple(item for item in window.items if item is not result)
    return window.replace(items=kept, changes=window.drop([result], reason="x").changes)


def unprotect(window: Window) -> Window:
    return window.replace(items=window.items[:-1], protected={})


def drop_protected(window: Window) -> Window:
    return window.replace(items=window.items[:-1])


def derive(window: Window, **fields: object) -> Window:
    message = Message.user("someone said so")
    block = Derived("recall", message, ((1, 1),), window.counter.count_message(message))
    block = msgspec.structs.replace(block, **fields)
    window = window.drop([window.entries[0]], reason="x")
    change = msgspec.structs.replace(window.changes[0], kind="recall")
    items = (*window.items[:-1], block, window.items[-1])
    return window.replace(items=items, changes=(*window.changes, change))


def into_the_prefix(window: Window) -> Window:
    given = derive(window)
    block = given.derived[0]
    return given.replace(items=(block, *(item for item in given.items if item is not block)))


BREAKERS = {
    "log": [forge, recount],
    "order": [reverse, twice],
    "reason": [
        silently,
        lambda w: w.drop(w.droppable, reason=5),
        lambda w: w.drop(w.droppable, reason="x", detail={"score": object()}),
        lambda w: w.drop(w.droppable, reason="\ud800"),
        lambda w: w.replace(changes=("dropped some",)),
    ],
    "tool-pair": [split],
    "frame": [unprotect],
    "protected": [drop_protected],
    "derived": [
        lambda w: derive(w, covers=()),
        lambda w: derive(w, covers=((1, 99),)),
        lambda w: derive(w, covers=((1, 10**15),)),
        lambda w: derive(w, covers=((2, 2),)),
        lambda w: derive(w, tokens=0),
    ],
    "prefix": [into_the_prefix],
    "window": [lambda w: None, lambda w: list(w.items)],
    "items": [lambda w: w.replace(items=(*w.items, "text"))],
}


def talk() -> list[object]:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    return [
        Message.user("hello"),
        Message.assistant("hi"),
        Message.user("look"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "found"},
        Message.user("and?"),
    ]


@pytest.mark.parametrize(
    ("law", "policy"), [(law, policy) for law, policies in BREAKERS.items() for policy in policies]
)
def test_a_policy_that_breaks_a_law_is_named(open_memory, law, policy):
    thread = open_memory(chain=[policy]).thread("t")
    thread.append(talk())
    with pytest.raises(PolicyViolation) as caught:
        thread.window()
    assert caught.value.law == law
    assert getattr(policy, "__name__", "?") in str(caught.value)
    assert list(thread.plans()) == []


@pytest.mark.parametrize("policies", BREAKERS.values())
def test_it_can_be_skipped_instead_and_the_plan_says_so(open_memory, policies):
    memory = open_memory(chain=[policies[0], evict], on_error="skip")
    thread = memory.thread("t")
    thread.append(talk())
    window = thread.window()
    assert [e.seq for e in window.entries] == [1, 2, 3, 4, 5, 6]
    assert "broke a law" in window.plan.steps[1].error
    assert "was skipped" in str(window.plan)


def test_a_policy_that_raises_is_named_with_its_cause(open_memory):
    def careless(window: Window) -> Window:
        return {}["missing"]

    thread = open_memory(chain=[careless]).thread("t")
    thread.append("hi")
    with pytest.raises(PolicyFailed, match=r"careless.*KeyError") as caught:
        thread.window()
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_chain_that_leaves_too_much_fails_before_the_model_is_called(open_memory):
    thread = open_memory(chain=[], budget=30, answer_tokens=10).thread("t")
    thread.append([Message.user("one two three four five") for _ in range(10)])
    with pytest.raises(BudgetExceeded, match="end the chain with a policy that evicts"):
        thread.window()


def test_a_system_text_over_the_budget_says_what_takes_the_room(open_memory):
    thread = open_memory(budget=30, answer_tokens=10).thread("t")
    thread.append([Message.system("word " * 25), Message.user("hi")])
    with pytest.raises(BudgetExceeded, match=r"standing 26, newest 2") as caught:
        thread.window()
    assert (caught.value.needed, caught.value.limit) == (28, 20)
    backed = open_memory(store=thread.memex.store, backend=Scripted(), budget=30, answer_tokens=10)
    with pytest.raises(BudgetExceeded) as caught:
        backed.thread("t").send("so?")
    assert caught.value.__notes__ == ["what you said is stored as #3"]
    assert [m.text for m in thread.messages()][1] == "hi"


def test_the_same_policy_may_stand_twice_and_each_step_is_recorded(open_memory):
    thread = open_memory(chain=[evict, evict]).thread("t")
    thread.append("hi")
    assert [step.policy for step in thread.window().plan.steps] == ["opening", "evict", "evict"]
