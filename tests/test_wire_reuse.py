"""The connection of a streamed answer is used again, and a server that never ends one delays nothing."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from wire_answers import TEXT, WIRES, Wire

from memex import Memex, Message
from memex.testing import ScratchStore
from memex.testing.wire import Pause, Send, WireServer, sse
from memex.wire import Attempt, Timeouts
from memex.wire._rest import MOST_PIECES, Patience, patience_with

IDS = [wire.name.replace(" ", "-") for wire in WIRES]
FOR_EVER = {"idle_timeout": 0, "timeout": 0, "first_timeout": 0}  # nothing else would end a wait


async def turn(memory: Memex, *, asynchronous: bool) -> Message:
    thread = memory.thread("t")
    _ = [event async for event in thread.astream("hi")] if asynchronous else list(thread.stream("hi"))
    *_, last = thread.messages()
    return last


@pytest.mark.parametrize("late", [False, True], ids=["at-once", "late"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_streamed_turns_share_one_connection(
    wire: Wire, asynchronous: bool, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memex.wire._rest._SECONDS", 30.0)  # for a machine that is busy
    *good, end = wire.good(streamed=True)
    with (
        WireServer().always([*good, Pause(0.005), end] if late else [*good, end]) as server,
        Memex(ScratchStore(), backend=wire.backend(server.url), chain=[]) as memory,
    ):
        for _ in range(5):
            assert (await turn(memory, asynchronous=asynchronous)).text == TEXT
        assert (server.connections, len(server.requests)) == (1, 5)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_a_body_that_never_ends_holds_up_no_answer(wire: Wire, asynchronous: bool) -> None:
    """Without a bound of its own the first turn would wait for ever."""
    with (
        WireServer().always(sse(*wire.chunks, end="stall")) as server,
        Memex(ScratchStore(), backend=wire.backend(server.url, **FOR_EVER), chain=[]) as memory,
    ):
        for _ in range(3):
            message = await turn(memory, asynchronous=asynchronous)
            assert (message.text, message.status) == (TEXT, "complete")
        assert server.connections == 3


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_a_body_that_goes_on_for_ever_holds_up_no_answer(wire: Wire, asynchronous: bool) -> None:
    *good, end = wire.good(streamed=True)
    comment = b"7\r\n: hum\n\n\r\n"
    steps = [*good, *(step for _ in range(3_000) for step in (Pause(0.001), Send(comment))), end]
    with (
        WireServer().always(steps) as server,
        Memex(ScratchStore(), backend=wire.backend(server.url, **FOR_EVER), chain=[]) as memory,
    ):
        message = await turn(memory, asynchronous=asynchronous)
        assert (message.text, message.status) == (TEXT, "complete")


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_a_connection_that_breaks_after_the_answer_does_no_harm(wire: Wire) -> None:
    with (
        WireServer().always(sse(*wire.chunks, end="reset")) as server,
        Memex(ScratchStore(), backend=wire.backend(server.url), chain=[]) as memory,
    ):
        for asynchronous in (False, True):
            assert (await turn(memory, asynchronous=asynchronous)).status == "complete"


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "dropped"])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_a_memory_that_goes_while_its_loop_runs_leaves_no_connection(wire: Wire, closed: bool) -> None:
    """One that is left to the garbage collector is a ResourceWarning, which is an error here."""
    with WireServer().always(wire.good(streamed=True)) as server:
        memory = Memex(ScratchStore(), backend=wire.backend(server.url), chain=[])
        assert (await turn(memory, asynchronous=True)).text == TEXT
        if closed:
            await asyncio.to_thread(memory.close)
        del memory
        gc.collect()
        for _ in range(50):  # turns of the loop, whatever time they take
            await asyncio.sleep(0)
        gc.collect()


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_a_consumer_that_stops_before_the_end_reads_nothing_more(wire: Wire) -> None:
    data = [step for step in sse(*wire.chunks, end="stall") if isinstance(step, Send)]
    at_once: list[Any] = [Send(b"".join(step.data for step in data)), Pause(3600)]
    with (
        WireServer().always(at_once) as server,
        Memex(ScratchStore(), backend=wire.backend(server.url, **FOR_EVER), chain=[]) as memory,
    ):
        events = memory.thread("t").stream("hi")
        next(event for event in events if event.text)
        events.close()
        *_, last = memory.thread("t").messages()
        assert last.status == "incomplete"


def test_patience_runs_out_with_a_server_that_does_not_end_its_bodies_and_comes_back() -> None:
    patience = Patience()
    waited = []
    for _ in range(20):
        waited.append(bool(patience.seconds()))
        if waited[-1]:
            patience.learn(ended=False)
    assert "".join("-W"[one] for one in waited) == "W-W--W----W--------W"
    while not patience.seconds():
        pass
    patience.learn(ended=True)
    assert all(patience.seconds() for _ in range(9))
    assert patience_with("parrot", "a") is patience_with("parrot", "a") is not patience_with("parrot", "b")


def test_outside_of_a_try_nothing_is_read() -> None:
    attempt = Attempt(1, {}, Timeouts(None, None))
    attempt.aborts(lambda: None)
    pieces = iter([b"a"])
    attempt.read_rest(pieces)
    assert list(pieces) == [b"a"]


async def test_no_more_than_an_end_is_read() -> None:
    async def endless() -> Any:
        for number in range(10**9):
            seen.append(number)
            yield number

    seen: list[int] = []
    attempt = Attempt(1, {}, Timeouts(None, None))
    await attempt.aread_rest(endless())
    assert len(seen) == MOST_PIECES + 1
