"""Estimates held against the provider's own figures: nothing is wasted, and the budget stays hard."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pytest
from doubles import Scripted, WordCounter, evict
from hypothesis import given, settings
from hypothesis import strategies as st

from memex import (
    BackendError,
    BudgetExceeded,
    Event,
    Memex,
    Message,
    Request,
    Tool,
    Unavailable,
    Usage,
    Window,
)


class Guess:
    """Says so many times the words; how far that is from the truth is up to the provider."""

    exact = False
    error = 0.0

    def __init__(self, times: float, name: str = "guess") -> None:
        self.times, self.name = times, name

    def count_text(self, text: str) -> int:
        return math.ceil(self.times * len(text.split()))

    def count_message(self, message: Message) -> int:
        return math.ceil(self.times * WordCounter().count_message(message))

    def count_tools(self, tools: Sequence[Tool]) -> int:
        return math.ceil(self.times * 10 * len(tools))


class Metered(Scripted):
    """Counts the words of what it is sent, and answers with some."""

    def __init__(self, *, answers: int = 3, model: str = "one") -> None:
        super().__init__(model=model)
        self.truths: list[int] = []
        self.answers = answers
        self.down = False

    def truth(self, request: Request) -> int:
        counter = WordCounter()
        return sum(map(counter.count_message, request.messages)) + counter.count_tools(request.tools)

    def stream(self, request: Request) -> Iterator[Event]:
        self.requests.append(request)
        if self.down:
            raise Unavailable("nobody answers")
        self.truths.append(self.truth(request))
        yield Event(kind="text", text="word " * self.answers)
        yield Event(kind="usage", usage=Usage(input_tokens=self.truths[-1], output_tokens=self.answers))
        yield Event(kind="finish", finish="stop")


def opened(open_memory, times, *, budget=210, chain=None, backend=None):
    return open_memory(
        backend=backend or Metered(),
        counter=Guess(times),
        budget=budget,
        answer_tokens=10,
        chain=[evict] if chain is None else chain,
    )


def test_what_the_provider_counted_takes_the_place_of_the_estimate(open_memory):
    thread = opened(open_memory, 2.0).thread("t")
    plans = []
    while not plans or not plans[-1].evicted_fresh:
        plans.append(thread.send("five words are in here").plan)
    fullest = plans[-2]
    assert fullest.anchor.credit == fullest.anchor.estimated - fullest.anchor.reported > 0
    assert fullest.tokens > 200  # by the estimate it would not have fitted
    assert fullest.tokens <= fullest.limit
    truths = thread.memex.backend.truths
    assert 180 < max(truths) <= 200
    assert "so " + f"{fullest.anchor.credit:,} more may be estimated" in str(fullest)
    assert plans[-1].anchor.credit == 0
    assert all(r.same for r in thread.replay())


def test_a_count_that_is_too_low_lowers_the_limit_whether_or_not_the_window_goes_on(open_memory):
    thread = opened(open_memory, 0.5).thread("t")
    thread.append(
        [m for n in range(40) for m in (Message.user(f"what is {n}"), Message.assistant("it is so"))]
    )
    first, second = thread.send("and now then").plan, thread.send("and then now").plan
    assert first.anchor is None
    truths = thread.memex.backend.truths
    assert truths[0] > 200  # nothing was known yet
    assert second.anchor.tightened == 200 - 200 * first.tokens // truths[0]
    assert "the limit is" in str(second)
    for n in range(30):
        thread.send(f"and number {n}")
    assert max(truths[1:]) <= 200
    assert all(r.same for r in thread.replay())


def test_what_a_provider_added_does_not_shrink_the_window_to_nothing(open_memory):
    class Searching(Metered):
        """Adds the results of a search of its own to what it reads."""

        def truth(self, request: Request) -> int:
            return super().truth(request) + 5_000

    thread = opened(open_memory, 1.0, backend=Searching()).thread("t")
    thread.append([m for n in range(40) for m in (Message.user(f"what is {n}"), Message.assistant("so"))])
    thread.send("and now then")
    second = thread.send("and then now").plan
    assert second.anchor.tightened == 150
    assert 10 < second.tokens <= second.limit == 50


def test_a_lower_limit_refuses_nothing_that_must_be_sent(open_memory):
    thread = opened(open_memory, 0.3).thread("t")
    thread.send("hi")
    plan = thread.send("word " * 400).plan
    assert plan.tokens <= plan.limit <= 200
    with pytest.raises(BudgetExceeded):
        thread.send("word " * 800)


def test_an_exact_counter_another_target_or_an_implausible_figure_moves_nothing(open_memory):
    exact = Guess(1.0)
    exact.exact = True
    memory = open_memory(backend=Metered(), counter=exact, budget=200)
    for _ in range(3):
        assert memory.thread("t").send("some words").plan.anchor is None
    memory = opened(open_memory, 2.0)
    memory.thread("t").send("some words")
    other = opened(open_memory, 2.0, backend=Metered(model="two"))
    other.store = memory.store
    assert other.thread("t").send("some words").plan.anchor is None

    class Miscounting(Metered):
        def truth(self, request: Request) -> int:
            return 1

    thread = opened(open_memory, 2.0, backend=Miscounting()).thread("t")
    for _ in range(6):
        assert thread.send("five words are in here").plan.anchor is None


def test_other_tools_are_another_prefix(open_memory):
    thread = opened(open_memory, 2.0).thread("t")
    for _ in range(4):
        thread.send("five words are in here")
    assert thread.send("and now", tools=[Tool("look")]).plan.anchor.credit == 0
    assert all(r.same for r in thread.replay())


def test_a_call_that_failed_leaves_what_was_known(open_memory):
    memory = opened(open_memory, 2.0)
    thread = memory.thread("t")
    for _ in range(5):
        thread.send("five words are in here")
    memory.backend.down = True
    with pytest.raises(BackendError):
        thread.send("five words are in here, too")
    memory.backend.down = False
    failed = thread.plan()
    again = thread.resume().plan
    assert failed.anchor.credit > 0
    assert again.anchor == failed.anchor
    assert all(r.same for r in thread.replay())


def test_a_policy_that_cuts_for_other_reasons_is_held_to_the_plain_estimate(open_memory):
    calls = []

    def keep_four(window: Window) -> Window:
        calls.append(window.limit)
        return window.drop(window.droppable[:-4], reason="over-messages")

    thread = opened(open_memory, 2.0, chain=[keep_four, evict]).thread("t")
    before = None
    for n in range(12):
        plan = thread.send("word " * (5 if n < 9 else 40)).plan
        assert plan.tokens <= plan.limit
        assert not (plan.anchor and plan.anchor.credit) or plan.stable == len(list(before.kept()))
        before = plan
    assert calls[-1] == 200
    assert all(r.same for r in thread.replay())


@settings(max_examples=60, deadline=None)
@given(
    times=st.floats(0.4, 3.0),
    lengths=st.lists(st.integers(20, 60), min_size=8, max_size=25),
    answers=st.integers(0, 30),
    fifo=st.booleans(),
)
def test_the_budget_is_never_passed_once_the_provider_has_counted(times, lengths, answers, fifo):
    backend = Metered(answers=answers)
    chain = [{"use": "fifo", "low_water": 0.5}] if fifo else [evict]
    counter = Guess(times)
    with Memex(
        "inmemory:", backend=backend, counter=counter, budget=310, answer_tokens=10, chain=chain
    ) as memory:
        thread = memory.thread("t")
        before = None
        for number, length in enumerate(lengths):
            plan = thread.send(f"n{number} " + "word " * length).plan
            assert plan.tokens <= plan.limit
            assert not (plan.anchor and plan.anchor.credit) or plan.stable == len(list(before.kept()))
            before = plan
            assert plan.limit - plan.total + plan.answer == (
                plan.anchor.credit - plan.anchor.tightened if plan.anchor else 0
            )
        # The estimate is rounded up for each message: at most a token in each.
        slack = 0 if times >= 1 else max(len(r.messages) for r in backend.requests) / times
        assert all(truth <= 300 + slack for truth in backend.truths[1:])
        if times >= 1:
            assert backend.truths[0] <= 300
        assert all(r.same for r in thread.replay())


class Uneven(Metered):
    """Counts each text as another part of what is estimated for it, and never as more."""

    def __init__(self, counter: Guess, parts: Sequence[float], *, answers: int) -> None:
        super().__init__(answers=answers)
        self.counter, self.parts = counter, parts

    def truth(self, request: Request) -> int:
        return sum(
            math.ceil(self.counter.count_message(m) * self.parts[len(m.text) % len(self.parts)])
            for m in request.messages
        )


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.floats(0.15, 1.0), min_size=3, max_size=7),
    lengths=st.lists(st.integers(10, 70), min_size=8, max_size=25),
    answers=st.integers(0, 30),
    recalls=st.booleans(),
)
def test_an_upper_bound_stays_one_however_uneven_the_truth_is(parts, lengths, answers, recalls):
    counter = Guess(2.0)
    backend = Uneven(counter, parts, answers=answers)

    def recall_first(window: Window) -> Window:
        return window.recall(window.log.at([1, 2])) if recalls else window

    with Memex(
        "inmemory:",
        backend=backend,
        counter=counter,
        budget=410,
        answer_tokens=10,
        chain=[recall_first, {"use": "fifo", "low_water": 0.6}],
    ) as memory:
        thread = memory.thread("t")
        for number, length in enumerate(lengths):
            thread.send(f"n{number} " + "word " * length)
        assert max(backend.truths) <= 400
        assert all(r.same for r in thread.replay())
