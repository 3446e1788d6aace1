"""Turns that failed and go on: each stands once, and no half answer is shown beside a whole one."""

from __future__ import annotations

import asyncio

import pytest
from doubles import InTurns, Scripted, answer, call, calling
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from memex import (
    BackendError,
    BudgetExceeded,
    CannotResume,
    ContextOverflow,
    Event,
    Memex,
    Message,
    RateLimited,
    Text,
    Tool,
    ToolResult,
    TooManyRounds,
    Truncated,
    is_question,
)

HALF = (Event(kind="start"), Event(kind="text", text="I was ab"))


def look(what: str = "it") -> str:
    """Look something up."""
    return f"{what} is here"


def stored(thread) -> list[tuple[str, str, str]]:
    return [(m.role, m.text, m.status) for m in thread.messages()]


def sent(backend) -> list[list[str]]:
    return [[message.text for message in request.messages] for request in backend.requests]


def test_a_turn_that_broke_off_goes_on_and_its_half_answer_is_left_out(open_memory):
    backend = InTurns(HALF, answer("on Monday"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(Truncated):
        thread.send("when?")
    reply = thread.resume(temperature=0)
    assert stored(thread) == [
        ("user", "when?", "complete"),
        ("assistant", "I was ab", "incomplete"),
        ("assistant", "on Monday", "complete"),
    ]
    assert reply.message.parent == next(thread.messages()).id
    assert sent(backend) == [["when?"], ["when?"]]
    assert dict(backend.requests[1].settings) == {"temperature": 0}
    thread.send("sure?")
    assert sent(backend)[-1] == ["when?", "on Monday", "sure?"]
    assert thread.explain(2, plan=2).reason == "superseded"
    assert "a later answer" in str(thread.explain(2))
    assert all(r.same for r in thread.replay())


@pytest.mark.parametrize("events", [HALF, (RateLimited("no"),), (*HALF, KeyboardInterrupt())])
def test_saying_it_again_is_the_same_turn(open_memory, events):
    backend = InTurns(events, events, answer("yes"))
    memory = open_memory(backend=backend)
    thread = memory.thread("t")
    for again in range(3):
        try:
            thread.send([Message.system("be kind"), Message.user("when?", meta={"a": 1})])
        except (BackendError, KeyboardInterrupt):
            assert again < 2
    assert [m.text for m in thread.messages() if m.role == "user"] == ["when?"]
    assert [m.text for m in thread.messages() if m.role == "assistant" and m.status == "complete"] == ["yes"]
    assert sent(backend)[-1] == ["be kind", "when?"]
    assert all(r.same for r in thread.replay())


def test_other_words_or_a_whole_answer_make_a_new_turn(open_memory):
    backend = InTurns(HALF, answer("yes"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(Truncated):
        thread.send("when?")
    thread.send(Message.user("when?", meta={"from": "ann"}))
    assert [m.role for m in thread.messages()] == ["user", "assistant", "user", "assistant"]
    assert sent(backend)[1] == ["when?", "I was ab", "when?"]  # what the user went on from stays
    thread.send(Message.user("when?", meta={"from": "ann"}))
    assert [m.role for m in thread.messages()] == ["user", "assistant"] * 3


def test_what_was_stored_before_a_window_could_be_built_is_not_stored_again(open_memory):
    memory = open_memory(backend=Scripted(), budget=20, answer_tokens=5)
    thread = memory.thread("t")
    with pytest.raises(BudgetExceeded):
        thread.send("word " * 30)
    wide = open_memory(store=memory.store, backend=Scripted(), budget=200).thread("t")
    assert wide.send("word " * 30).text == "fine"
    assert [m.role for m in wide.messages()] == ["user", "assistant"]


def test_an_answer_cut_by_its_length_may_be_asked_for_again(open_memory):
    backend = InTurns((*HALF, Event(kind="finish", finish="length")), answer("all of it"))
    thread = open_memory(backend=backend).thread("t")
    assert thread.send("when?").finish == "length"
    assert thread.resume().text == "all of it"
    assert sent(backend)[1] == ["when?"]


def test_two_half_answers_are_one_at_most_in_a_window(open_memory):
    backend = InTurns(HALF, (Event(kind="text", text="again"),), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    for _ in range(2):
        with pytest.raises(Truncated):
            thread.send("when?")
    thread.send("never mind")
    assert sent(backend)[-1] == ["when?", "again", "never mind"]


def test_a_question_that_is_not_stored_follows_a_half_answer_as_a_stored_one_does(open_memory):
    thread = open_memory(backend=Scripted(*HALF)).thread("t")
    with pytest.raises(Truncated):
        thread.send("when?")
    thread.append(Message.system("be kind"))
    assert [m.text for m in thread.window("and?").messages] == ["when?", "I was ab", "be kind", "and?"]
    assert [m.text for m in thread.window().messages] == ["when?", "be kind"]
    assert all(r.same for r in thread.replay(3))


def test_a_half_answer_with_calls_in_it_is_replaced_like_any_other(open_memory):
    ran = []
    tool = Tool("look", function=lambda: ran.append(1))
    half = (Event(kind="tool_call", tool_call=call("look")),)
    backend = InTurns(half, calling(call("look")), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(Truncated):
        thread.send("go", tools=[tool])
    assert thread.resume(tools=[tool]).text == "ok"
    assert ran == [1]
    assert [m.role for m in backend.requests[-1].messages] == ["user", "assistant", "tool"]
    assert all(r.same for r in thread.replay())


def test_a_pinned_half_answer_stays(open_memory):
    backend = InTurns(HALF, answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(Truncated):
        thread.send("when?")
    thread.pin(2)
    thread.resume()
    assert sent(backend)[1] == ["when?", "I was ab"]


def test_a_half_answer_is_not_recalled_beside_the_whole_one(open_memory):
    recall = [lambda window: window.recall(window.log.at([2]))]
    backend = InTurns(HALF, answer("ok"))
    thread = open_memory(backend=backend, chain=recall).thread("t")
    with pytest.raises(Truncated):
        thread.send("when?")
    assert thread.resume().plan.recalled() == ()
    assert thread.send("and?").plan.recalled() == ()


def test_answers_to_other_questions_do_not_replace_one(open_memory):
    thread = open_memory().thread("t")
    one, two = Message.user("one"), Message.user("two")
    half = Message.assistant("I was", status="incomplete", parent=one.id)
    thread.append([one, two, half, Message.assistant("to two", parent=two.id), Message.user("three")])
    assert [m.text for m in thread.window().messages] == ["one", "two", "I was", "to two", "three"]


def test_calls_that_were_not_run_are_run(open_memory):
    def stop() -> None:
        raise KeyboardInterrupt

    calls = (call("look"), call("other"), call("look", '{"what": "x"}', id="third"))
    backend = InTurns(calling(*calls), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(KeyboardInterrupt):
        thread.send("go", tools=[look, Tool("other", function=stop)])
    ran = []
    for again in (
        lambda: thread.fork("a").resume(tools=[look, Tool("other", function=lambda: ran.append(1))]),
        lambda: thread.fork("b").send("go", tools=[look, Tool("other", function=lambda: ran.append(1))]),
    ):
        reply = again()
        assert reply.text == "ok"
    for name in "ab":
        fork = thread.memex.thread(name)
        assert [m.role for m in fork.messages()] == ["user", "assistant", "tool", "tool", "assistant"]
        done = [r.call_id for m in fork.messages() for r in m.tool_results]
        assert done == ["look", "other", "third"]
        assert all(r.same for r in fork.replay())
    assert ran == [1, 1]
    assert [m.role for m in backend.requests[-1].messages] == ["user", "assistant", "tool", "tool"]


def test_a_turn_that_fails_after_its_tools_goes_on_without_running_them_again(open_memory):
    ran = []
    tool = Tool("look", function=lambda: ran.append(1))
    backend = InTurns(calling(call("look")), HALF, (RateLimited("no"),), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(Truncated):
        thread.send("go", tools=[tool])
    with pytest.raises(RateLimited):
        thread.send("go", tools=[tool])
    assert thread.send("go", tools=[tool]).text == "ok"
    assert ran == [1]
    assert [m.role for m in thread.messages()] == ["user", "assistant", "tool", "assistant", "assistant"]
    assert [m.role for m in backend.requests[-1].messages] == ["user", "assistant", "tool"]


def test_calls_that_only_the_caller_can_run_are_reported(open_memory):
    backend = InTurns(calling(call("look"), call("mine")), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    thread.send("go", tools=[look, Tool("mine")])
    for tools in ([], [look], [look, Tool("mine")]):
        with pytest.raises(CannotResume, match=r"waits for results of tools: .*mine \(mine\)") as caught:
            thread.resume(tools=tools)
        assert [c.name for c in caught.value.calls] == ["look", "mine"]
    thread.append(Message.of("tool", [ToolResult(call_id=c, parts=(Text("x"),)) for c in ("look", "mine")]))
    assert thread.resume().text == "ok"


def test_the_same_question_while_the_caller_owes_results_is_a_new_turn(open_memory):
    backend = InTurns(calling(call("mine")), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    thread.send("go", tools=[Tool("mine")])
    thread.send("go", tools=[Tool("mine")])
    assert [m.role for m in thread.messages()] == ["user", "assistant", "user", "assistant"]


def test_results_that_are_sent_again_are_stored_once(open_memory):
    backend = InTurns(calling(call("mine")), (RateLimited("no"),), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    thread.send("go", tools=[Tool("mine")])
    with pytest.raises(RateLimited):
        thread.send(Message.tool("mine", "done"))
    assert thread.send(Message.tool("mine", "done")).text == "ok"
    assert [m.role for m in thread.messages()] == ["user", "assistant", "tool", "assistant"]


def test_too_many_rounds_can_be_gone_on_with(open_memory):
    backend = InTurns(calling(call("look")), calling(call("look", id="2")), answer("ok"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(TooManyRounds):
        thread.send("go", tools=[look], rounds=1)
    assert thread.resume(tools=[look], rounds=1).text == "ok"


def test_there_must_be_something_to_resume(open_memory):
    thread = open_memory(backend=Scripted()).thread("t")
    for messages in ([], [Message.system("be kind")], [Message.user("hi"), Message.assistant("hello")]):
        thread.append(messages)
        with pytest.raises(CannotResume, match="no unfinished turn"):
            thread.resume()
    thread.append("so?")
    assert thread.resume().text == "fine"


def test_a_stream_can_be_resumed(open_memory):
    thread = open_memory(backend=InTurns(HALF, answer("a", "b"))).thread("t")
    with pytest.raises(Truncated):
        list(thread.stream("when?"))
    assert "".join(event.text for event in thread.resume_stream()) == "ab"
    assert len(list(thread.messages())) == 3


async def test_the_asynchronous_twins_resume():
    async with Memex.aopen("inmemory:", backend=InTurns(HALF, HALF, answer("a", "b")), chain=[]) as memory:
        thread = memory.thread("t")
        with pytest.raises(Truncated):
            await thread.asend("when?")
        with pytest.raises(Truncated):
            await thread.aresume()
        words = [event.text async for event in thread.aresume_stream()]
        assert "".join(words) == "ab"
        assert [m.status for m in thread.messages()] == ["complete", "incomplete", "incomplete", "complete"]
        with pytest.raises(CannotResume):
            await thread.aresume()


def test_forgetting_the_whole_answer_does_not_bring_back_the_half(open_memory):
    backend = InTurns(HALF, answer("secret"))
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(Truncated):
        thread.send("when?")
    thread.resume()
    thread.forget([3])
    assert [m.text for m in thread.window("and?").messages] == ["when?", "and?"]


FAULTS = {
    "cut": HALF,
    "refused": (RateLimited("no"),),
    "raised": (*HALF, ValueError("a bug")),
    "interrupted": (*HALF, KeyboardInterrupt()),
    "half a call": (Event(kind="tool_call", tool_call=call("look")),),
    "refused as too long": (ContextOverflow("the prompt is too long"),),
    "refused with a limit": (ContextOverflow("the prompt is too long", limit=40),),
    "too long": (*HALF, Event(kind="finish", finish="length")),
    "calls": calling(call("look"), call("look", id="second")),
    "calls that stop": calling(call("look"), call("stop"), call("look", id="second")),
    "whole": answer("whole"),
}


class Turns(RuleBasedStateMachine):
    """Says things, fails in every way, tries again in every way, and counts what stands."""

    @initialize(asynchronous=st.booleans(), exact=st.booleans())
    def open(self, asynchronous: bool, exact: bool) -> None:
        from doubles import WordCounter, evict

        self.backend = Scripted(*answer("whole"))
        counter = WordCounter()
        counter.exact = exact  # then the backend's figures are taken for more, or less, than the truth
        self.options = {"counter": counter, "chain": [evict], "budget": 60, "answer_tokens": 10}
        self.memory = Memex("inmemory:", backend=self.backend, **self.options)
        self.thread = self.memory.thread("t")
        self.asynchronous = asynchronous
        self.said: list[str] = []
        self.open_turn = False
        self.done: list[str] = []
        self.stops = 0

    def look(self, what: str = "it") -> str:
        return what

    def stop(self) -> str:
        self.stops += 1
        if self.stops % 2:
            raise KeyboardInterrupt
        return "now it works"

    def attempt(self, fault: str, text: str | None) -> None:
        self.backend.events = FAULTS[fault]
        options = {"tools": [self.look, self.stop], "rounds": 1}
        thread = self.thread
        before = thread.info.head
        try:
            if self.asynchronous and fault != "calls that stop":
                asyncio.run(thread.asend(text, **options) if text else thread.aresume(**options))
            elif text:
                thread.send(text, **options)
            else:
                thread.resume(**options)
        except (BackendError, KeyboardInterrupt, TooManyRounds, BudgetExceeded):
            pass
        newest = next(thread.messages(reverse=True))
        self.open_turn = newest.role != "assistant" or bool(newest.tool_calls) or newest.status != "complete"
        assert thread.info.head >= before

    @rule(fault=st.sampled_from(sorted(FAULTS)))
    def say(self, fault: str) -> None:
        self.said.append(f"question {len(self.said)}")
        self.attempt(fault, self.said[-1])

    @precondition(lambda self: self.said)
    @rule(fault=st.sampled_from(sorted(FAULTS)))
    def say_it_again(self, fault: str) -> None:
        if not self.open_turn:
            self.said.append(f"question {len(self.said)}")
        self.attempt(fault, self.said[-1])

    @precondition(lambda self: self.open_turn)
    @rule(fault=st.sampled_from(sorted(FAULTS)))
    def resume(self, fault: str) -> None:
        self.attempt(fault, None)

    @precondition(lambda self: not self.open_turn)
    @rule()
    def nothing_is_unfinished(self) -> None:
        with pytest.raises(CannotResume):
            self.thread.resume()

    @rule()
    def open_again(self) -> None:
        self.memory = Memex(self.memory.store, backend=self.backend, **self.options)
        self.thread = self.memory.thread("t")

    @invariant()
    def each_turn_stands_once(self) -> None:
        log = list(self.thread.messages())
        assert [m.text for m in log if m.role == "user"] == self.said
        answered = [
            m.parent for m in log if m.role == "assistant" and m.status == "complete" and not m.tool_calls
        ]
        assert len(answered) == len(set(answered))
        assert all(
            m.text == "whole" for m in log if m.role == "assistant" and m.text and m.status == "complete"
        )
        assert all(m.status == "incomplete" for m in log if m.text == "I was ab")

    @invariant()
    def no_call_is_answered_twice(self) -> None:
        waiting: list[str] = []
        for message in self.thread.messages():
            waiting += [c.id for c in message.tool_calls if message.status == "complete"]
            for result in message.tool_results:
                waiting.remove(result.call_id)

    @invariant()
    def no_half_answer_is_sent_beside_its_replacement(self) -> None:
        for request in self.backend.requests:
            for half, following in zip(request.messages, [*request.messages[1:], None], strict=True):
                if half.status == "incomplete":
                    assert following is not None
                    assert is_question(following)

    @invariant()
    def every_plan_is_rebuilt(self) -> None:
        assert [str(r) for r in self.thread.replay() if not r.same] == []


Turns.TestCase.settings = settings(max_examples=60, stateful_step_count=14, deadline=None)
TestTurns = Turns.TestCase
