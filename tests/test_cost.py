"""What a call cost, in tokens and in money, and what an eviction cost, told with its plan."""

from __future__ import annotations

import pytest
from doubles import InTurns, Scripted, answer, call, calling

from memex import BackendError, Cost, Event, Memex, Message, Origin, Truncated, Usage
from memex._outcome import money


class Priced(Scripted):
    """Two dollars a million for what no cache served, a tenth of that for what one did."""

    def cost(self, usage: Usage, model: str) -> Cost | None:
        if model != "one":
            return None
        return Cost(
            input=usage.input_tokens * 2e-6,
            cache_read=usage.cache_read_tokens * 2e-7,
            cache_write=usage.cache_write_tokens * 2.5e-6,
            output=usage.output_tokens * 1e-5,
            dated="2026-11-01",
        )


def using(**tokens: object) -> tuple[Event, ...]:
    return (
        Event(kind="text", text="fine"),
        Event(kind="finish", finish="stop", usage=Usage(**tokens)),  # type: ignore[arg-type]
    )


USED = using(
    input_tokens=300, cache_read_tokens=1024, cache_write_tokens=100, output_tokens=45, cache_miss="expired"
)


def test_a_reply_says_what_it_cost_and_its_plan_what_came_of_it(open_memory):
    thread = open_memory(backend=Priced(*USED)).thread("t")
    reply = thread.send("hi")
    assert reply.cost.total == pytest.approx(300 * 2e-6 + 1024 * 2e-7 + 100 * 2.5e-6 + 45e-5)
    assert (
        "answered in #2: 1,424 tokens in (1,024 from the cache, 100 written to it, 300 uncached), 45 out; "
        "cost USD 0.0015 by the prices of 2026-11-01\nthe cache missed: expired"
    ) in str(reply.plan)
    assert reply.plan.outcome.usage.cache_read_tokens == 1024


def test_the_outcome_is_kept_with_the_answer_and_the_plan_stays_a_function_of_the_log(open_memory):
    memory = open_memory(backend=Priced(*USED))
    thread = memory.thread("t")
    first, second = thread.send("hi"), thread.send("so?")
    later = open_memory(store=memory.store).thread("t")
    assert later.plan(1).outcome == first.plan.outcome
    assert later.plan().outcome == second.plan.outcome
    assert later.plan().outcome.cost == second.cost
    assert "answered in #4" in str(later.plan())
    assert b"outcome" not in later.plan().to_bytes() + later.plan().to_stored()
    assert second.message.extra["memex:plan"] == 2
    assert all(r.same for r in later.replay())
    assert later.fork("f").plan(1).outcome == first.plan.outcome
    assert later.fork("g", at=1).plan(1).outcome is None


def test_prices_that_are_not_known_say_so(open_memory):
    for backend in (Priced(*USED, model="two"), Scripted(*USED)):
        reply = open_memory(backend=backend).thread("t").send("hi")
        assert reply.cost is None
        assert "45 out; cost unknown" in str(reply.plan)


@pytest.mark.parametrize("wrong", [ValueError("no table"), "3 dollars", {"input": "much"}])
def test_prices_that_cannot_be_told_cost_no_answer(open_memory, wrong):
    class Broken(Scripted):
        def cost(self, usage, model):
            if isinstance(wrong, Exception):
                raise wrong
            return wrong

    reply = open_memory(backend=Broken(*USED)).thread("t").send("hi")
    assert (reply.text, reply.cost) == ("fine", None)


def test_what_an_eviction_cost_is_told_with_money_where_that_is_known(open_memory):
    thread = open_memory(backend=Priced(*USED), budget=60, answer_tokens=10).thread("t")
    for _ in range(3):
        thread.append([Message.user("one two three"), Message.assistant("four five six")])
    plans = [thread.send(f"and now {n} then?").plan for n in range(8)]
    evicting = [plan for plan in plans[1:] if any(c.kind == "drop" for s in plan.steps for c in s.changes)]
    assert evicting
    for plan in evicting:
        assert 0 < plan.evicted_fresh <= plan.fresh_tokens
        price = (300 * 2e-6 + 100 * 2.5e-6) / 400 * plan.evicted_fresh
        assert (
            f"this eviction cost {plan.evicted_fresh:,} fresh tokens, about {money(price, 'USD')}"
            in plan.notes
        )
    quiet = next(plan for plan in plans[1:] if plan not in evicting)
    assert quiet.evicted_fresh == 0
    assert "eviction" not in str(quiet)


def test_each_answer_of_a_turn_knows_its_own_plan_and_cost(open_memory):
    class Both(InTurns, Priced):
        pass

    def look() -> str:
        return "here"

    thread = open_memory(backend=Both(calling(call("look")), answer("ok"))).thread("t")
    reply = thread.send("go", tools=[look])
    assert [r.plan.number for r in (*reply.earlier, reply)] == [1, 2]
    assert [r.cost.output for r in (*reply.earlier, reply)] == [1e-5, 1e-5]
    assert [thread.plan(n).outcome.seq for n in (1, 2)] == [2, 4]


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "0.00"), (12.345, "12.35"), (1234.5, "1,234.50"), (0.0098, "0.0098"), (3.04e-5, "0.000030")],
)
def test_money_is_told_with_two_digits_that_count(amount, told):
    assert money(amount, "USD") == f"USD {told}"


def test_a_half_answer_has_an_outcome_too(open_memory):
    thread = open_memory(backend=Scripted(Event(kind="text", text="I was"))).thread("t")
    with pytest.raises(Truncated):
        thread.send("hi")
    assert thread.plan().outcome.status == "incomplete"
    assert "answered in #2 (incomplete)" in str(thread.plan())


def test_a_window_that_was_not_sent_has_no_outcome(open_memory):
    thread = open_memory(backend=Scripted()).thread("t")
    thread.window("hi")
    assert thread.plan().outcome is None


def test_an_answer_of_a_client_of_ones_own_can_name_its_plan(open_memory):
    thread = open_memory().thread("t")
    thread.append("hi")
    number = thread.window().plan.number
    usage = Usage(input_tokens=9, output_tokens=1)
    thread.append(Message.assistant("hello", usage=usage, extra={"memex:plan": number}))
    assert thread.plan().outcome.usage == usage


def test_an_answer_that_was_copied_from_elsewhere_is_not_taken_for_ones_own(open_memory):
    backend = InTurns((Event(kind="error", error="down"),), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(BackendError):
        thread.send("hi")
    stranger = Message.assistant("copied", origin=Origin("other", "two"), extra={"memex:plan": 1})
    thread.append(stranger)
    assert thread.plan(1).outcome is None


def test_a_note_of_another_program_is_no_cost(open_memory):
    events = (Event(kind="text", text="a", extra={"memex:cost": "free"}), *USED)
    thread = open_memory(backend=Scripted(*events)).thread("t")
    assert thread.send("hi").cost is None


async def test_the_asynchronous_twins_tell_it_too():
    async with Memex.aopen("inmemory:", backend=Priced(*USED), chain=[]) as memory:
        assert (await memory.thread("t").asend("hi")).cost.dated == "2026-11-01"
