"""Backends, counters, filters and policies that misbehave: nothing said is lost, nothing foreign escapes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from doubles import Scripted, WordCounter, answer

from memex import (
    BackendError,
    ConfigError,
    Event,
    FilterFailed,
    InvalidMessage,
    Memex,
    Message,
    PluginError,
    PolicyFailed,
    Provider,
    Request,
    StoreError,
    Text,
    Tool,
    Usage,
    hookimpl,
)

FINISH = Event(kind="finish", finish="stop")


def texts(thread) -> list[str]:
    return [message.text for message in thread.messages()]


class Counting(WordCounter):
    """Counts the words of users; what others say it counts as it is told."""

    def __init__(self, count):
        self.count = count

    def count_message(self, message: Message) -> int:
        return 1 if message.role == "user" else self.count()


@pytest.mark.parametrize("count", [lambda: 1 / 0, lambda: 2.5, lambda: -1, lambda: None, lambda: True])
def test_a_counter_that_fails_on_an_answer_costs_no_answer_and_is_named(open_memory, count):
    thread = open_memory(counter=Counting(count), backend=Scripted()).thread("t")
    assert thread.send("hi").text == "fine"
    with pytest.raises(PluginError, match="counter 'words-1'"):
        thread.send("and?")
    assert texts(thread) == ["hi", "fine", "and?"]
    mended = open_memory(store=thread.memex.store, backend=Scripted()).thread("t")
    assert mended.send("now?").text == "fine"


def test_a_counter_that_fails_on_tools_is_named(open_memory):
    class NoTools(WordCounter):
        def count_tools(self, tools):
            raise KeyError("tools")

    thread = open_memory(counter=NoTools(), backend=Scripted()).thread("t")
    with pytest.raises(PluginError, match="words-1"):
        thread.send("hi", tools=[Tool("look")])
    assert texts(thread) == ["hi"]


def test_an_answer_that_no_store_can_keep_is_handed_back(open_memory):
    thread = open_memory(backend=Scripted(*answer("half an emoji \ud83d"))).thread("t")
    with pytest.raises(StoreError, match="lone surrogate") as caught:
        thread.send("hi")
    assert caught.value.carried.text == "half an emoji \ud83d"
    assert isinstance(caught.value.__cause__, InvalidMessage)


def test_a_store_with_errors_of_its_own_hands_the_answer_back(open_memory):
    memory = open_memory(backend=Scripted(*answer("precious")))
    thread = memory.thread("t")
    append = memory.store.append

    def failing(thread_id, messages, **kwargs):
        if messages[0].role == "assistant":
            raise OSError("I/O error")
        return append(thread_id, messages, **kwargs)

    memory.store.append = failing
    with pytest.raises(StoreError, match="I/O error") as caught:
        thread.send("hi")
    assert caught.value.carried.text == "precious"


@pytest.mark.parametrize(
    "junk",
    [
        Event(kind="text", text=None),
        Event(kind="reasoning", reasoning=3),
        Event(kind="part", part={"type": "text"}),
        Event(kind="tool_call", tool_call=Text("x")),
        Event(kind="usage", usage={"input_tokens": 3}),
        Event(kind="start", model=5),
    ],
)
def test_a_junk_event_is_named_and_what_came_before_is_kept(open_memory, junk):
    backend = Scripted(Event(kind="text", text="one"), junk, FINISH)
    thread = open_memory(backend=backend).thread("t")
    with pytest.raises(BackendError, match="of the wrong type"):
        thread.send("hi")
    assert texts(thread) == ["hi", "one"]


def test_usage_in_fractions_is_refused_with_the_answer_in_hand(open_memory):
    events = (Event(kind="text", text="one"), Event(kind="usage", usage=Usage(input_tokens=2.5)), FINISH)
    thread = open_memory(backend=Scripted(*events)).thread("t")
    with pytest.raises(StoreError, match="wrong type") as caught:
        thread.send("hi")
    assert caught.value.carried.text == "one"
    assert texts(thread) == ["hi"]


def test_a_message_that_could_not_be_read_again_is_refused(open_memory):
    thread = open_memory().thread("t")
    for junk in (Message(role="robot"), Message.user("x", name=5), Message.user([Text(text=7)])):
        with pytest.raises(InvalidMessage):
            thread.append(junk)
    assert texts(thread) == []


def test_what_is_no_backend_is_refused_before_anything_is_stored(open_memory):
    thread = open_memory(backend=object()).thread("t")
    with pytest.raises(ConfigError, match="has no 'name'"):
        thread.send("hi")
    assert texts(thread) == []


def leave(*_args):
    raise SystemExit(3)


class LeavingFilter:
    @hookimpl
    def memex_filters(self):
        return [Provider("leaving", f"{__name__}:make_leaving", "for this test")]


def make_leaving():
    return leave


def test_a_policy_or_filter_cannot_end_the_program(open_memory):
    thread = open_memory(chain=[leave]).thread("t")
    with pytest.raises(PolicyFailed, match="SystemExit"):
        thread.window("hi")
    with pytest.raises(FilterFailed, match="SystemExit"):
        open_memory(plugins=[LeavingFilter()]).thread("t").append("hi")


class Closing(Scripted):
    """Notes when its stream was closed."""

    ended = False

    def stream(self, request: Request) -> Iterator[Event]:
        try:
            yield from super().stream(request)
        finally:
            self.ended = True


def test_a_stream_is_closed_before_its_error_is_told(open_memory):
    backend = Closing(Event(kind="text", text="a"), "junk", FINISH)
    with pytest.raises(BackendError) as caught:  # which holds the frames, and so the generator
        open_memory(backend=backend).thread("t").send("hi")
    assert backend.ended, caught


class Plain:
    """An async iterator that is no generator and so has no ``aclose``."""

    def __init__(self, events):
        self.events = iter(events)

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self.events)
        except StopIteration:
            raise StopAsyncIteration from None


async def test_an_async_iterator_without_aclose_is_enough():
    class Native(Scripted):
        def astream(self, request: Request) -> Plain:
            return Plain(self.events)

    async with Memex.aopen("inmemory:", backend=Native(*answer("ok")), chain=[]) as memory:
        assert (await memory.thread("t").asend("hi")).text == "ok"


async def test_an_async_stream_is_closed_when_the_turn_fails():
    class Native(Scripted):
        ended = False

        async def astream(self, request: Request):
            try:
                for event in self.events:
                    yield event
            finally:
                self.ended = True

    backend = Native(Event(kind="text", text="a"), "junk", FINISH)
    async with Memex.aopen("inmemory:", backend=backend, chain=[]) as memory:
        with pytest.raises(BackendError):
            await memory.thread("t").asend("hi")
        assert backend.ended


async def test_cancelling_does_not_wait_for_a_blocking_model_and_stays_a_cancellation():
    thinking, done, closed = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    class Slow(Scripted):
        def stream(self, request: Request) -> Iterator[Event]:
            try:
                yield Event(kind="text", text="I was ab")
                loop.call_soon_threadsafe(thinking.set)
                done.wait(30)
                yield FINISH
            finally:
                closed.set()

    async with Memex.aopen("inmemory:", backend=Slow(), chain=[]) as memory:
        thread = memory.thread("t")
        task = asyncio.create_task(thread.asend("hi"))
        await thinking.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [m.status for m in thread.messages()] == ["complete", "incomplete"]
        assert not closed.is_set()
        done.set()
        assert await asyncio.to_thread(closed.wait, 30)


async def test_a_memory_whose_opening_was_cancelled_is_closed():
    opening, proceed, closed = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    class Slow(Memex):
        def __init__(self, *args, **settings):
            loop.call_soon_threadsafe(opening.set)
            proceed.wait(30)
            super().__init__(*args, **settings)

        def close(self):
            super().close()
            closed.set()

    async def use() -> None:
        async with Slow.aopen("inmemory:", chain=[]):
            raise AssertionError("it was cancelled before")

    task = asyncio.create_task(use())
    await opening.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    proceed.set()
    assert await asyncio.to_thread(closed.wait, 30)
