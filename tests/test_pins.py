"""Pins that several set at once, from memories, threads and processes of their own: none is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from memex_inmemory.store import InMemoryStore

from memex import Memex, Message, Store

COUNT = 40
Openers = Callable[[], Memex]


@pytest.fixture(params=["inmemory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Openers:
    """Open one more memory on the same data."""
    shared: Store = InMemoryStore()

    def open_one() -> Memex:
        store = shared if request.param == "inmemory" else f"sqlite:{tmp_path / 'chats.db'}"
        return Memex(store, chain=[])

    return open_one


def test_two_memories_pin_at_once(opened: Openers) -> None:
    with ExitStack() as stack:
        memories = [stack.enter_context(opened()) for _ in range(2)]
        memories[0].thread("t").append([Message.user(f"message {n}") for n in range(COUNT)])
        threads = [memory.thread("t") for memory in memories]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: threads[n % 2].pin(n), range(1, COUNT + 1)))
        assert threads[0].pins == threads[1].pins == tuple(range(1, COUNT + 1))


def test_one_pins_while_the_other_unpins(opened: Openers) -> None:
    odd, even = range(1, COUNT, 2), range(2, COUNT + 1, 2)
    with opened() as one, opened() as other:
        one.thread("t").append([Message.user(f"message {n}") for n in range(COUNT)])
        for n in odd:
            one.thread("t").pin(n)
        with ThreadPoolExecutor(8) as pool:
            pinned = [pool.submit(one.thread("t").pin, n) for n in even]
            unpinned = [pool.submit(other.thread("t").pin, n, pinned=False) for n in odd]
            for done in (*pinned, *unpinned):
                done.result()
        assert one.thread("t").pins == other.thread("t").pins == tuple(even)


def test_a_fork_keeps_its_pins_while_the_thread_gets_more(opened: Openers) -> None:
    with opened() as one, opened() as other:
        one.thread("t").append([Message.user(f"message {n}") for n in range(COUNT)])
        one.thread("t").pin(1)
        one.thread("t").pin(COUNT)
        with ThreadPoolExecutor(2) as pool:
            pinning = pool.submit(lambda: [one.thread("t").pin(n) for n in range(2, COUNT)])
            fork = other.thread("t").fork("f", at=10)
            pinning.result()
        assert {1} <= set(fork.pins) <= set(range(1, 11))
        assert one.thread("t").pins == tuple(range(1, COUNT + 1))


def test_processes_pin_at_once(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'chats.db'}"
    with Memex(store, chain=[]) as memory:
        memory.thread("t").append([Message.user(f"message {n}") for n in range(COUNT)])
    code = (
        "import sys; from memex import Memex\n"
        "with Memex(sys.argv[1], chain=[]) as memory:\n"
        "    thread = memory.thread('t')\n"
        "    print('ready', flush=True); sys.stdin.readline()\n"
        f"    for number in range(int(sys.argv[2]), {COUNT} + 1, 4):\n"
        "        thread.pin(number)\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, store, str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in range(1, 5)
    ]
    with ExitStack() as stack:
        for child in children:
            stack.enter_context(child)
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:  # all at once, when all are ready
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.close()
        assert [child.wait(timeout=60) for child in children] == [0] * 4
    with Memex(store, chain=[]) as memory:
        assert memory.thread("t").pins == tuple(range(1, COUNT + 1))
