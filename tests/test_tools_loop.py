"""A turn in which functions are run: calls and results are stored whole, whatever a function does."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from doubles import InTurns, Scripted, answer, call, calling

from memex import (
    BackendError,
    BadSetting,
    BudgetExceeded,
    Event,
    Memex,
    Message,
    StoreUnavailable,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    TooManyRounds,
)
from memex.wire import Secret


def look(what: str = "it") -> str:
    """Look something up."""
    return f"{what} is here"


def stored(thread) -> list[tuple[str, str, str]]:
    return [(m.role, m.text, m.status) for m in thread.messages()]


def results(thread) -> list[list[tuple[str, str, bool]]]:
    return [
        [(r.call_id, r.parts[0].text, r.is_error) for r in m.tool_results]
        for m in thread.messages()
        if m.tool_results
    ]


def test_functions_are_run_until_the_model_answers(open_memory):
    backend = InTurns(
        calling(call("look", '{"what": "ship"}')), calling(call("look", id="2")), answer("found both")
    )
    thread = open_memory(backend=backend).thread("t")
    reply = thread.send("where?", tools=[look], temperature=0)
    assert reply.text == "found both"
    assert [m.role for m in thread.messages()] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert results(thread) == [[("look", "ship is here", False)], [("2", "it is here", False)]]
    assert [r.tool_calls[0].id for r in reply.earlier] == ["look", "2"]
    question = next(thread.messages()).id
    assert {m.parent for m in thread.messages() if m.role == "assistant"} == {question}
    assert [r.messages[-1].role for r in backend.requests] == ["user", "tool", "tool"]
    assert all(dict(r.settings) == {"temperature": 0} for r in backend.requests)
    assert all(tool.function is None for r in backend.requests for tool in r.tools)
    assert all(r.same for r in thread.replay())


def test_parallel_calls_are_answered_together_and_asynchronous_ones_at_once(open_memory):
    order, both = [], threading.Barrier(2)

    async def slow(n: int) -> int:
        await asyncio.to_thread(both.wait, 5)  # passes only while the other one waits, too
        return n

    def plain(n: int) -> int:
        order.append(n)
        return n

    calls = [
        call(name, f'{{"n": {n}}}', id=f"c{n}") for n, name in enumerate(["plain", "slow", "plain", "slow"])
    ]
    thread = open_memory(backend=InTurns(calling(*calls), answer("ok"))).thread("t")
    thread.send("go", tools=[plain, slow])
    assert order == [0, 2]
    assert results(thread) == [[(f"c{n}", str(n), False) for n in range(4)]]


async def test_the_asynchronous_loop_does_the_same():
    both = asyncio.Barrier(2)

    async def slow(n: int) -> int:
        async with asyncio.timeout(5):
            await both.wait()
        return n

    def plain() -> str:
        return threading.current_thread().name

    calls = (call("slow", '{"n": 1}', id="a"), call("plain"), call("slow", '{"n": 2}', id="b"))
    async with Memex.aopen("inmemory:", backend=InTurns(calling(*calls), answer("ok")), chain=[]) as memory:
        thread = memory.thread("t")
        reply = await thread.asend("go", tools=[plain, slow])
        assert (reply.text, len(reply.earlier)) == ("ok", 1)
        [told] = results(thread)
        assert [told[0], told[2]] == [("a", "1", False), ("b", "2", False)]
        assert told[1][1] != threading.current_thread().name
        assert all(r.same for r in thread.replay())


async def test_a_blocking_turn_inside_a_running_loop_runs_asynchronous_functions(open_memory):
    async def slow() -> str:
        await asyncio.sleep(0)
        return "done"

    thread = open_memory(backend=InTurns(calling(call("slow")), answer("ok"))).thread("t")
    thread.send("go", tools=[slow])
    assert results(thread) == [[("slow", "done", False)]]


def test_what_goes_wrong_in_a_function_is_told_to_the_model(open_memory):
    def broken() -> str:
        raise ValueError("the shelf is empty")

    async def awry() -> str:
        raise RuntimeError

    calls = (call("broken"), call("look", "{not json"), call("look", '{"where": 1}', id="x"), call("awry"))
    backend = InTurns(calling(*calls, call("nothing"), call("odd")), answer("sorry"))
    thread = open_memory(backend=backend).thread("t")
    assert (
        thread.send("go", tools=[broken, look, awry, Tool("odd", function=lambda: "\ud800")]).text == "sorry"
    )
    [told] = results(thread)
    assert all(is_error for _, _, is_error in told)
    texts = [text for _, text, _ in told]
    assert texts[0] == "ValueError: the shelf is empty"
    assert texts[1].startswith("the arguments are not valid JSON")
    assert "unknown field `where`" in texts[2]
    assert texts[3] == "RuntimeError"
    assert texts[4] == "there is no tool 'nothing'"
    assert "lone surrogate" in texts[5]
    assert not any("Traceback" in text for text in texts)


def test_a_key_in_the_words_of_a_failure_goes_to_no_model_store_or_log(open_memory, caplog):
    key = Secret("canary-of-a-tool-0123456789")

    class Stubborn(Exception):
        def __str__(self):
            return f"no such account: {key.reveal()}"

    def broken() -> str:
        raise ValueError(f"Illegal header value b'Bearer {key.reveal()}'")

    def stubborn() -> str:
        raise Stubborn

    backend = InTurns(calling(call("broken"), call("stubborn")), answer("sorry"))
    thread = open_memory(backend=backend).thread("t")
    with caplog.at_level(logging.DEBUG):
        thread.send("go", tools=[broken, stubborn])
    [told] = results(thread)
    assert [text for _, text, _ in told] == [
        "ValueError: Illegal header value b'Bearer [key]'",
        "Stubborn: no such account: [key]",
    ]
    assert key.reveal() not in caplog.text


def test_a_call_of_a_tool_without_a_function_ends_the_turn_as_before(open_memory):
    ran = []
    thread = open_memory(backend=InTurns(calling(call("look"), call("mine")), answer("ok"))).thread("t")
    reply = thread.send("go", tools=[Tool("mine"), Tool("look", function=lambda: ran.append(1))])
    assert [c.name for c in reply.tool_calls] == ["look", "mine"]
    assert ran == []
    assert [m.role for m in thread.messages()] == ["user", "assistant"]
    done = [ToolResult(call_id=c.id, parts=(Text("x"),)) for c in reply.tool_calls]
    assert thread.send(Message.of("tool", done)).text == "ok"


def test_a_model_that_calls_without_end_is_stopped_clearly(open_memory):
    thread = open_memory(backend=Scripted(*calling(call("look")))).thread("t")
    with pytest.raises(TooManyRounds, match="after 2 rounds") as caught:
        thread.send("go", tools=[look], rounds=2)
    assert caught.value.rounds == 2
    assert [c.name for c in caught.value.reply.tool_calls] == ["look"]
    assert len(caught.value.reply.earlier) == 2
    roles = [m.role for m in thread.messages()]
    assert roles == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    for wrong in (0, -1, True, 1.5, "8"):
        with pytest.raises(BadSetting, match="rounds"):
            thread.send("more", tools=[look], rounds=wrong)
    assert len(list(thread.messages())) == 6


def test_an_answer_that_was_cut_off_runs_nothing(open_memory):
    ran = []
    events = (Event(kind="tool_call", tool_call=call("look")), Event(kind="finish", finish="length"))
    thread = open_memory(backend=Scripted(*events)).thread("t")
    reply = thread.send("go", tools=[Tool("look", function=lambda: ran.append(1))])
    assert (reply.finish, reply.message.status, ran) == ("length", "incomplete", [])


def test_a_stream_tells_of_the_results_between_the_answers(open_memory):
    thread = open_memory(backend=InTurns(calling(call("look")), answer("ok"))).thread("t")
    events = list(thread.stream("go", tools=[look]))
    kinds = [event.kind for event in events]
    assert kinds == [
        "start",
        "tool_call",
        "usage",
        "finish",
        "tool_result",
        "start",
        "text",
        "usage",
        "finish",
    ]
    told = events[4].tool_result
    assert told == next(m for m in thread.messages() if m.role == "tool").tool_results[0]


async def test_an_asynchronous_stream_tells_the_same():
    backend = InTurns(calling(call("look")), answer("ok"))
    async with Memex.aopen("inmemory:", backend=backend, chain=[]) as memory:
        kinds = [event.kind async for event in memory.thread("t").astream("go", tools=[look])]
    assert kinds == [
        "start",
        "tool_call",
        "usage",
        "finish",
        "tool_result",
        "start",
        "text",
        "usage",
        "finish",
    ]


def test_a_backend_may_not_make_results_up(open_memory):
    made_up = Event(kind="tool_result", tool_result=ToolResult(call_id="a"))
    thread = open_memory(backend=Scripted(made_up, *answer("x"))).thread("t")
    with pytest.raises(BackendError, match="whose tool_result"):
        thread.send("go")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_keeps_the_calls_and_what_was_done(open_memory, stop):
    def second() -> str:
        raise stop

    calls = (call("look"), call("second"), call("look", id="third"))
    thread = open_memory(backend=InTurns(calling(*calls), answer("ok"))).thread("t")
    with pytest.raises(stop):
        thread.send("go", tools=[look, second])
    assert [m.role for m in thread.messages()] == ["user", "assistant", "tool"]
    assert [c.id for c in list(thread.messages())[1].tool_calls] == ["look", "second", "third"]
    assert results(thread) == [[("look", "it is here", False)]]


async def test_a_cancelled_task_keeps_the_calls_and_what_was_done():
    begun = asyncio.Event()

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    backend = InTurns(calling(call("look"), call("endless")), answer("ok"))
    async with Memex.aopen("inmemory:", backend=backend, chain=[]) as memory:
        thread = memory.thread("t")
        task = asyncio.create_task(thread.asend("go", tools=[look, endless]))
        await begun.wait()
        await asyncio.sleep(0.05)  # the plain one runs in a worker meanwhile
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [m.role for m in thread.messages()][:2] == ["user", "assistant"]


def test_a_result_that_is_too_long_stops_the_turn_and_a_new_question_goes_on(open_memory):
    def shout() -> str:
        return "word " * 200

    backend = InTurns(calling(call("shout")), answer("ok"))
    thread = open_memory(backend=backend, budget=100, answer_tokens=10).thread("t")
    for _ in range(2):  # saying it again does not run the tool again
        with pytest.raises(BudgetExceeded, match="pending 2"):
            thread.send("go", tools=[shout])
    assert [m.role for m in thread.messages()] == ["user", "assistant", "tool"]
    assert thread.send("never mind").text == "ok"


def test_a_process_that_dies_in_a_tool_leaves_a_turn_that_goes_on(in_fresh_process, tmp_path):
    program = f"""
import os
from memex import Memex, Tool
from doubles import InTurns, answer, call, calling
backend = InTurns(calling(call("look"), call("die")), answer("ok"))
thread = Memex("sqlite:{tmp_path}/a.db", backend=backend, chain=[]).thread("t")
thread.send("go", tools=[Tool("look", function=lambda: "x"), Tool("die", function=lambda: os._exit(0))])
"""
    in_fresh_process(program, PYTHONPATH=str(Path(__file__).parent))
    ran = []
    backend = Scripted(*answer("ok"))
    with Memex(f"sqlite:{tmp_path}/a.db", backend=backend, chain=[]) as memory:
        thread = memory.thread("t")
        assert [m.role for m in thread.messages()] == ["user", "assistant"]
        tools = [
            Tool("look", function=lambda: ran.append("look")),
            Tool("die", function=lambda: ran.append("die")),
        ]
        assert thread.resume(tools=tools).text == "ok"
        assert ran == ["look", "die"]
        assert [m.role for m in backend.requests[0].messages] == ["user", "assistant", "tool"]


def test_results_that_cannot_be_stored_are_handed_back(open_memory):
    memory = open_memory(backend=InTurns(calling(call("look")), answer("ok")))
    append = memory.store.append

    def full(thread_id, messages, **kwargs):
        if messages[0].role == "tool":
            raise StoreUnavailable("the disk is full")
        return append(thread_id, messages, **kwargs)

    memory.store.append = full
    with pytest.raises(StoreUnavailable) as caught:
        memory.thread("t").send("go", tools=[look])
    assert caught.value.carried.tool_results[0].parts == (Text("it is here"),)


def test_calls_that_share_an_id_are_all_run(open_memory):
    calls = [ToolCall(id="0", name="look", arguments=f'{{"what": "{word}"}}') for word in "ab"]
    thread = open_memory(backend=InTurns(calling(*calls), answer("ok"))).thread("t")
    thread.send("go", tools=[look])
    assert results(thread) == [[("0", "a is here", False), ("0", "b is here", False)]]


def test_a_window_counts_functions_as_it_counts_tools(open_memory):
    thread = open_memory().thread("t")
    assert thread.window("go", tools=[look], record=False).tools_tokens == 10
