"""The clients of an SDK: one for blocking calls, one for each event loop, closed with what they serve."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

import pytest

from memex.wire import Clients, KeptCounts


class Line:
    """What an SDK's client connects with."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log = log
        self.name = name

    def close(self) -> None:
        self.log.append(f"closed {self.name}")

    async def aclose(self) -> None:
        self.log.append(f"closed {self.name}")


class Sdk:
    """Makes clients, each a text, and notes what happens to their connections."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.made = 0

    def clients(self) -> Clients[str, str]:
        return Clients(self.blocking, self.on_a_loop, of="parrot")

    def blocking(self) -> tuple[str, Line]:
        self.made += 1
        return f"client {self.made}", Line(self.log, f"client {self.made}")

    def on_a_loop(self) -> tuple[str, Any]:
        client, line = self.blocking()
        return client, line.aclose


@pytest.fixture
def sdk() -> Sdk:
    return Sdk()


def test_one_client_for_all_threads_until_it_is_closed(sdk: Sdk) -> None:
    clients = sdk.clients()
    assert repr(clients) == "<Clients of parrot>"
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(clients.blocking())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["client 1"] * 8
    clients.close()
    clients.close()
    assert sdk.log == ["closed client 1"]
    assert clients.blocking() == "client 2"


def test_one_client_for_each_loop_closed_with_it(sdk: Sdk) -> None:
    clients = sdk.clients()

    async def ask() -> list[str]:
        return [await clients.on_this_loop() for _ in range(3)]

    assert asyncio.run(ask()) == ["client 1"] * 3
    assert sdk.log == ["closed client 1"]
    assert asyncio.run(ask()) == ["client 2"] * 3
    assert sdk.log == ["closed client 1", "closed client 2"]


def test_a_program_that_does_not_close_leaves_nothing_open(sdk: Sdk) -> None:
    clients = sdk.clients()
    clients.blocking()
    del clients
    gc.collect()
    assert sdk.log == ["closed client 1"]


def test_closing_closes_the_clients_of_loops_that_run_and_the_next_call_makes_another(sdk: Sdk) -> None:
    clients = sdk.clients()

    async def ask() -> None:
        await clients.on_this_loop()
        await asyncio.to_thread(clients.close)  # as a memory does that was opened on a loop
        clients.close()
        await asyncio.sleep(0.01)
        assert sdk.log == ["closed client 1"]
        assert await clients.on_this_loop() == "client 2"
        clients.close()  # and the loop ends before it comes to it

    asyncio.run(ask())
    assert sdk.log == ["closed client 1", "closed client 2"]
    clients.close()


def test_clients_that_are_dropped_while_their_loop_runs_are_closed_also_out_of_a_cycle(sdk: Sdk) -> None:
    async def ask() -> None:
        clients = sdk.clients()
        cycle: list[Any] = [clients]
        cycle.append(cycle)
        await clients.on_this_loop()
        del clients, cycle
        gc.collect()
        await asyncio.sleep(0.01)
        assert sdk.log == ["closed client 1"]

    asyncio.run(ask())
    assert sdk.log == ["closed client 1"]


def test_what_closing_raises_troubles_nobody(sdk: Sdk) -> None:
    async def broken() -> None:
        raise OSError("the connection is gone already")

    clients: Clients[str, str] = Clients(sdk.blocking, lambda: ("client", broken), of="parrot")

    async def ask() -> list[object]:
        trouble: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: trouble.append(context))
        await clients.on_this_loop()
        clients.close()
        await asyncio.sleep(0.01)
        await clients.on_this_loop()
        return trouble

    assert asyncio.run(ask()) == []


def test_loops_that_ended_leave_nothing_behind(sdk: Sdk) -> None:
    clients = sdk.clients()
    loops = []

    async def ask() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await clients.on_this_loop()

    for _ in range(3):
        asyncio.run(ask())
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3
    assert sdk.log == ["closed client 1", "closed client 2", "closed client 3"]
    clients.close()
    assert len(sdk.log) == 3


def test_a_count_is_asked_for_once_and_the_oldest_goes_first() -> None:
    asked: list[str] = []
    kept = KeptCounts(most=2)

    def count(text: str) -> int:
        return kept.count(text, lambda: asked.append(text) or len(text))

    assert [count(text) for text in ("a", "bb", "a", "\ud800cc", "a", "bb")] == [1, 2, 1, 3, 1, 2]
    assert asked == ["a", "bb", "\ud800cc", "bb"]
    with pytest.raises(ZeroDivisionError):
        kept.count("new", lambda: 1 // 0)
    assert count("new") == 3
