"""A model that takes less than was thought: the window is made smaller once, and that is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from doubles import Scripted, answer

from memex import BackendError, BudgetExceeded, ContextOverflow, Event, Memex, Message, Request, StoreDamaged


class Small(Scripted):
    """Takes so many tokens by its own count: one a word, one a message, and the answer."""

    def __init__(self, context: int, *, tells: bool = True, factor: float = 1, model: str = "one") -> None:
        super().__init__(*answer("fine"), model=model)
        self.context, self.tells, self.factor = context, tells, factor

    def stream(self, request: Request) -> Iterator[Event]:
        self.requests.append(request)
        words = sum(1 + len(message.text.split()) for message in request.messages)
        if words * self.factor + request.answer_tokens > self.context:
            raise ContextOverflow("too long", limit=self.context if self.tells else None)
        yield from self.events


def filled(memory, name: str = "t"):
    thread = memory.thread(name)
    thread.append(
        [Message.user("old old old") if n % 2 else Message.assistant("so so so") for n in range(30)]
    )
    return thread


def test_the_window_is_made_to_fit_what_the_model_takes_and_the_plan_says_so(open_memory):
    backend = Small(60)
    thread = filled(open_memory(backend=backend, budget=200, answer_tokens=10))
    reply = thread.send("and now?")
    assert reply.text == "fine"
    assert (reply.plan.total, reply.plan.answer) == (60, 10)
    assert reply.plan.limited == "scripted:one takes 60 tokens"
    assert "the budget is 60 tokens: scripted:one takes 60 tokens" in str(reply.plan)
    assert [plan.total for plan in thread.plans()] == [60, 200]
    assert len(backend.requests) == 2
    assert sum(m.text == "and now?" for m in thread.messages()) == 1
    assert all(r.same for r in thread.replay())


def test_the_limit_is_remembered_for_that_target_in_later_turns_and_processes(open_memory):
    memory = open_memory(backend=Small(60), budget=200, answer_tokens=10)
    filled(memory).send("and now?")
    again = Small(60)
    thread = open_memory(store=memory.store, backend=again, budget=200, answer_tokens=10).thread("t")
    assert thread.send("and then?").plan.opened.after_plan == 2
    assert len(again.requests) == 1
    assert thread.budget.total == 200
    other = Small(500, model="two")
    wide = open_memory(store=memory.store, backend=other, budget=200, answer_tokens=10).thread("t")
    assert wide.send("and you?").plan.limited is None
    assert thread.fork("f").send("hm?").plan.total == 60
    assert all(r.same for r in thread.replay())


def test_without_a_limit_three_quarters_of_the_prompt_are_tried(open_memory):
    backend = Small(120, tells=False)
    thread = filled(open_memory(backend=backend, budget=200, answer_tokens=10))
    plan = thread.send("and now?").plan
    sent = next(iter(thread.plans(before=2))).tokens
    assert plan.total == int(sent * 0.75) + 10
    assert "did not say how much" in plan.limited
    assert all(r.same for r in thread.replay())


def test_a_count_that_is_low_is_met_by_a_fraction_even_though_a_limit_is_told(open_memory):
    backend = Small(200, factor=2)
    thread = filled(open_memory(backend=backend, budget=200, answer_tokens=10))
    thread.send("and now?")
    assert all(r.same for r in thread.replay())
    assert thread.plan().total < 200


def test_a_second_overflow_is_raised_and_the_question_stands_once(open_memory):
    backend = Scripted(ContextOverflow("too long"))
    thread = filled(open_memory(backend=backend, budget=200, answer_tokens=10))
    with pytest.raises(ContextOverflow):
        thread.send("and now?")
    assert len(backend.requests) == 2
    assert len(backend.requests[1].messages) < len(backend.requests[0].messages)
    assert [m.text for m in thread.messages()][-1] == "and now?"
    assert sum(m.text == "and now?" for m in thread.messages()) == 1


def test_what_cannot_be_made_smaller_is_raised_with_the_reason(open_memory):
    backend = Small(20)
    thread = open_memory(backend=backend, budget=200, answer_tokens=10).thread("t")
    with pytest.raises(ContextOverflow) as caught:
        thread.send("word " * 60)
    assert "could not be made smaller: what must be sent takes 61 tokens" in caught.value.__notes__[0]


def test_a_limit_that_nothing_fits_is_not_remembered(open_memory):
    memory = open_memory(backend=Small(20), budget=200, answer_tokens=10)
    thread = memory.thread("t")
    with pytest.raises(ContextOverflow):
        thread.send("word " * 60)
    assert memory.store.get_state("t", "memex/limits") is None
    wide = open_memory(store=memory.store, backend=Small(500), budget=200, answer_tokens=10).thread("t")
    assert wide.resume().text == "fine"


def test_a_question_over_a_limit_that_is_remembered_says_why_and_how_to_forget_it(open_memory):
    memory = open_memory(backend=Small(60), budget=200, answer_tokens=10)
    thread = filled(memory)
    thread.send("and now?")
    with pytest.raises(BudgetExceeded) as caught:
        thread.send("word " * 60)
    assert any(
        "scripted:one takes 60 tokens; store.put_state('t', 'memex/limits', None)" in note
        for note in caught.value.__notes__
    )


def test_a_limit_that_cannot_be_read_is_an_error_of_ours(open_memory):
    memory = open_memory(backend=Small(60), budget=200, answer_tokens=10)
    thread = filled(memory)
    memory.store.put_state("t", "memex/limits", b"{")
    with pytest.raises(StoreDamaged, match="memex/limits"):
        thread.send("and now?")
    memory.store.put_state("t", "memex/limits", None)
    assert thread.send("and now?").text == "fine"


def test_nothing_is_tried_again_once_an_answer_has_begun(open_memory):
    backend = Scripted(Event(kind="start"), ContextOverflow("too long", limit=20))
    thread = filled(open_memory(backend=backend, budget=200, answer_tokens=10))
    with pytest.raises(BackendError):
        thread.send("and now?")
    assert len(backend.requests) == 1


class SmallAsync(Small):
    async def astream(self, request: Request) -> AsyncIterator[Event]:
        for event in self.stream(request):
            await asyncio.sleep(0)
            yield event


@pytest.mark.parametrize("kind", [Small, SmallAsync])
async def test_the_asynchronous_turn_does_the_same(kind):
    from doubles import WordCounter, evict

    settings = {"chain": [evict], "counter": WordCounter(), "budget": 200, "answer_tokens": 10}
    async with Memex.aopen("inmemory:", backend=kind(60), **settings) as memory:
        thread = filled(memory)
        assert (await thread.asend("and now?")).plan.total == 60
        words = [event.text async for event in filled(memory, "u").astream("and now?")]
        assert "".join(words) == "fine"
        assert all(r.same for r in thread.replay())
