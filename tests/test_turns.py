"""Turns: nothing said is lost, nothing half is stored as whole, whatever the model does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from doubles import Scripted, answer

from memex import (
    BackendError,
    BadSetting,
    Capabilities,
    ConfigError,
    Event,
    Memex,
    Message,
    Opaque,
    Origin,
    RateLimited,
    Reasoning,
    Request,
    StoreError,
    StoreUnavailable,
    Text,
    Tool,
    ToolCall,
    Truncated,
    Usage,
)

HALF = (Event(kind="start"), Event(kind="text", text="I was ab"))


def stored(thread) -> list[tuple[str, str, str]]:
    return [(m.role, m.text, m.status) for m in thread.messages()]


def test_a_turn_stores_what_was_said_and_answered(open_memory):
    backend = Scripted(*answer("on ", "Monday"))
    thread = open_memory(backend=backend).thread("t")
    reply = thread.send("when?", temperature=0)
    assert reply.text == "on Monday"
    assert stored(thread) == [("user", "when?", "complete"), ("assistant", "on Monday", "complete")]
    assert reply.usage == Usage(input_tokens=7, output_tokens=2, fresh_tokens=2)
    assert reply.message.usage == reply.usage
    assert reply.message.parent == next(thread.messages()).id
    assert reply.message.origin == Origin("scripted", "one", "r1")
    assert reply.plan.target == "scripted:one"
    request = backend.requests[0]
    assert (request.answer_tokens, dict(request.settings), request.thread) == (1024, {"temperature": 0}, "t")


def test_the_user_message_is_stored_before_the_model_is_called(open_memory):
    seen = []

    class Looking(Scripted):
        def stream(self, request: Request) -> Iterator[Event]:
            seen.extend(stored(thread))
            return super().stream(request)

    thread = open_memory(backend=Looking()).thread("t")
    thread.send("hi")
    assert seen == [("user", "hi", "complete")]


def test_a_stream_is_stored_once_and_equals_the_answer_sent_whole(open_memory):
    events = (
        Event(kind="reasoning", reasoning="hm"),
        Event(kind="part", part=Reasoning("hm", signature="s")),
        Event(kind="text", text="a"),
        Event(kind="text", text="b"),
        Event(kind="tool_call", tool_call=ToolCall(id="c", name="look", arguments='{"b":1, "a":2}')),
        Event(kind="usage", usage=Usage(input_tokens=3, output_tokens=4)),
        Event(kind="finish", finish="tool_calls"),
    )
    memory = open_memory(backend=Scripted(*events))
    streamed, sent = memory.thread("a"), memory.thread("b")
    assert [e.kind for e in streamed.stream("hi")] == [e.kind for e in events]
    assert "".join(e.text for e in memory.thread("c").stream("hi")) == "ab"
    reply = sent.send("hi")
    assert reply.finish == "tool_calls"
    whole, once = list(sent.messages())[1], list(streamed.messages())[1]
    assert len(list(streamed.messages())) == 2
    assert once.parts == whole.parts == (Reasoning("hm", signature="s"), Text("ab"), reply.tool_calls[0])
    assert once.usage == whole.usage


@pytest.mark.parametrize(
    ("events", "error"),
    [
        (HALF, Truncated),
        ((*HALF, RateLimited("slow down", retry_after=3)), RateLimited),
        ((*HALF, ValueError("a foreign bug")), BackendError),
        ((*HALF, Event(kind="error", error="overloaded")), BackendError),
        ((*HALF, "junk"), BackendError),
    ],
)
def test_a_broken_answer_is_kept_as_incomplete_and_the_error_is_ours(open_memory, events, error):
    thread = open_memory(backend=Scripted(*events)).thread("t")
    with pytest.raises(error) as caught:
        thread.send("hi")
    assert type(caught.value) is error
    assert stored(thread) == [("user", "hi", "complete"), ("assistant", "I was ab", "incomplete")]
    assert caught.value.partial == list(thread.messages())[1]


def test_a_model_that_never_answers_leaves_only_the_question(open_memory):
    thread = open_memory(backend=Scripted(RateLimited("no"))).thread("t")
    with pytest.raises(RateLimited):
        thread.send("hi")
    assert stored(thread) == [("user", "hi", "complete")]
    assert thread.plan().number == 1


def test_an_answer_cut_by_its_length_is_not_whole(open_memory):
    events = (*HALF, Event(kind="finish", finish="length"))
    thread = open_memory(backend=Scripted(*events)).thread("t")
    assert thread.send("hi").finish == "length"
    assert stored(thread)[1] == ("assistant", "I was ab", "incomplete")


def test_a_reader_who_leaves_early_leaves_an_incomplete_answer(open_memory):
    thread = open_memory(backend=Scripted(*answer("one", "two"))).thread("t")
    for event in thread.stream("hi"):
        if event.text == "one":
            break
    assert stored(thread)[1] == ("assistant", "one", "incomplete")


def test_a_reader_who_leaves_after_the_last_event_leaves_a_whole_answer(open_memory):
    thread = open_memory(backend=Scripted(*answer("one"))).thread("t")
    for event in thread.stream("hi"):
        if event.kind == "finish":
            break
    assert stored(thread)[1] == ("assistant", "one", "complete")


def test_an_interrupt_keeps_what_came(open_memory):
    thread = open_memory(backend=Scripted(*HALF, KeyboardInterrupt())).thread("t")
    with pytest.raises(KeyboardInterrupt):
        thread.send("hi")
    assert stored(thread)[1] == ("assistant", "I was ab", "incomplete")


def test_an_answer_that_cannot_be_stored_is_handed_back(open_memory):
    memory = open_memory(backend=Scripted(*answer("precious")))
    thread = memory.thread("t")
    append = memory.store.append

    def full(thread_id, messages, **kwargs):
        if messages[0].role == "assistant":
            raise StoreUnavailable("the disk is full")
        return append(thread_id, messages, **kwargs)

    memory.store.append = full
    with pytest.raises(StoreError, match="disk is full") as caught:
        thread.send("hi")
    assert caught.value.carried.text == "precious"
    assert stored(thread) == [("user", "hi", "complete")]


def test_parts_bound_to_another_model_stay_out_and_the_plan_says_so(open_memory):
    backend = Scripted(model="two")
    thread = open_memory(backend=backend).thread("t")
    old = Message.assistant(
        [Reasoning("deep", signature="sig"), Reasoning("plain"), Opaque("x", {"a": 1}), Text("hello")],
        origin=Origin("scripted", "one"),
    )
    own = Message.assistant([Reasoning("mine", signature="ok"), Text("ho")], origin=Origin("scripted", "two"))
    thread.append([Message.user("hi"), old, Message.user("hey"), own])
    plan = thread.send("so?").plan
    assert [(left.seq, left.part, left.why) for left in plan.left_out] == [
        (2, "reasoning", "bound to scripted:one"),
        (2, "opaque", "bound to scripted:one"),
    ]
    sent = backend.requests[0].messages
    assert sent[1].parts == (Reasoning("plain"), Text("hello"))
    assert sent[3] == own
    assert all(r.same for r in thread.replay())


def test_a_signed_thought_whose_model_is_not_known_goes_back_to_its_provider_alone(open_memory):
    thought = Message.assistant([Reasoning("hm", signature="sig")], origin=Origin("scripted"))
    foreign = Message.assistant([Reasoning("ah", signature="sig")], origin=Origin("elsewhere"))
    backend = Scripted(model="two")
    thread = open_memory(backend=backend).thread("t")
    thread.append([Message.user("hi"), thought, foreign])
    plan = thread.send("so?").plan
    assert [left.seq for left in plan.left_out] == [3]
    assert [len(message.parts) for message in backend.requests[0].messages] == [1, 1, 0, 1]


def test_a_model_that_answers_with_a_dated_name_gets_its_own_thoughts_back(open_memory):
    events = (
        Event(kind="start", model="one-2026-11-01"),
        Event(kind="part", part=Reasoning("hm", signature="s")),
        Event(kind="finish", finish="stop"),
    )
    backend = Scripted(*events)
    thread = open_memory(backend=backend).thread("t")
    reply = thread.send("hi")
    assert reply.message.origin == Origin("scripted", "one", None, "one-2026-11-01")
    assert thread.send("so?").plan.left_out == ()
    assert backend.requests[1].messages[1].parts == (Reasoning("hm", signature="s"),)


def test_a_setting_that_cannot_be_sent_is_refused_before_anything_is_stored(open_memory):
    thread = open_memory(backend=Scripted()).thread("t")
    for wrong in (print, float("nan"), {1: 2}):
        with pytest.raises(BadSetting, match="response_format"):
            thread.send("hi", response_format=wrong)
        with pytest.raises(BadSetting, match="response_format"):
            next(thread.stream("hi", response_format=wrong))
    assert stored(thread) == []


def test_the_request_says_where_the_stable_prefix_ends(open_memory):
    backend = Scripted()
    thread = open_memory(backend=backend).thread("t")
    for text in ("a", "b", "c"):
        thread.send(text)
    assert [r.stable for r in backend.requests] == [0, 1, 3]


def test_tools_are_counted_and_sent(open_memory):
    backend = Scripted()
    thread = open_memory(backend=backend).thread("t")
    tool = Tool("look", parameters={"type": "object"})
    assert thread.send("hi", tools=[tool]).plan.tools == 10
    assert backend.requests[0].tools == (tool,)


def test_without_a_backend_sending_says_what_to_do_and_stores_nothing(open_memory):
    thread = open_memory().thread("t")
    with pytest.raises(ConfigError, match="no backend"):
        thread.send("hi")
    assert stored(thread) == []


class Native(Scripted):
    """A backend with a stream of its own for asyncio, slow enough to be cancelled."""

    async def astream(self, request: Request) -> AsyncIterator[Event]:
        self.requests.append(request)
        for event in self.events:
            await asyncio.sleep(0)
            if event is None:
                await asyncio.Event().wait()
            yield event


@pytest.mark.parametrize("backend", [Scripted, Native])
async def test_async_twins_do_the_same(backend):
    async with Memex.aopen("inmemory:", backend=backend(*answer("one ", "two")), chain=[]) as memory:
        thread = memory.thread("t")
        reply = await thread.asend("hi")
        assert reply.text == "one two"
        words = [event.text async for event in thread.astream("again")]
        assert "".join(words) == "one two"
        assert [m.text async for m in thread.amessages()] == ["hi", "one two", "again", "one two"]
        await thread.aappend("third")
        await thread.apin(1)
        fork = await thread.afork(at=2)
        assert (await fork.awindow("so?")).tokens > 0
        hits = await thread.asearch("third")
        assert [hit.entry.seq for hit in hits] == [5]
        assert (await thread.aforget([5])).messages == (5,)


@pytest.mark.parametrize("backend", [Scripted, Native])
async def test_async_faults_keep_what_came(backend):
    async with Memex.aopen("inmemory:", backend=backend(*HALF), chain=[]) as memory:
        thread = memory.thread("t")
        with pytest.raises(Truncated):
            await thread.asend("hi")
        assert stored(thread)[1] == ("assistant", "I was ab", "incomplete")


async def test_a_cancelled_task_keeps_what_came():
    async with Memex.aopen("inmemory:", backend=Native(*HALF, None), chain=[]) as memory:
        thread = memory.thread("t")
        heard = asyncio.Event()

        async def listen() -> None:
            async for event in thread.astream("hi"):
                if event.text:
                    heard.set()

        task = asyncio.create_task(listen())
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stored(thread)[1] == ("assistant", "I was ab", "incomplete")


async def test_many_tasks_on_many_threads_keep_their_turns_apart():
    async with Memex.aopen("inmemory:", backend=Native(*answer("ok")), chain=[]) as memory:
        await asyncio.gather(*(memory.thread(f"t{i % 5}").asend(f"q{i}") for i in range(40)))
        for number in range(5):
            thread = memory.thread(f"t{number}")
            assert [e.seq for e in thread.entries()] == list(range(1, 17))
            assert sum(m.role == "assistant" for m in thread.messages()) == 8


def test_a_backend_of_the_callers_is_not_closed_for_them():
    backend = Scripted()
    with Memex("inmemory:", backend=backend, chain=[]) as memory:
        memory.thread("t").send("hi")
    assert backend.closed == 0
    assert backend.capabilities == Capabilities(tools=True)


def test_the_request_knows_the_place_of_each_message(open_memory):
    def quoting(window):
        return window.drop([e for e in window.entries if e.seq == 1], reason="test").recall(
            window.log.at([1])
        )

    backend = Scripted()
    thread = open_memory(backend=backend, chain=[quoting]).thread("t")
    thread.append([Message.user("one"), Message.assistant("two")])
    window = thread.send("three").window
    assert backend.requests[0].seqs == window.order == (2, 0, 3)
    assert len(backend.requests[0].messages) == 3
