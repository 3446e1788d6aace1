"""Rate limits of every backend over a wire: shared through the store, corrected by the provider's headers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from wire_answers import TEXT, WIRES, Wire

from memex import Memex, RateLimited
from memex.testing import ScratchStore
from memex.testing.wire import Send, WireServer

IDS = [wire.name.replace(" ", "-") for wire in WIRES]
ONE_A_MINUTE = {"requests_per_minute": 1, "timeout": 20.0, "attempts": 1}


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_another_process_with_the_same_store_counts_too(wire: Wire, tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'chats.db'}"
    with WireServer() as server:
        server.always(wire.good(streamed=False))
        backend = wire.backend(server.url, shared_limits=True, **ONE_A_MINUTE)
        code = (
            "import json, sys; from memex import Memex; store, backend = json.loads(sys.argv[1])\n"
            "with Memex(store, backend=backend, chain=[]) as memory:\n"
            "    print(memory.thread('a').send('hi').text)"
        )
        given = msgspec.json.encode([store, backend]).decode()
        done = subprocess.run(
            [sys.executable, "-c", code, given], capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == TEXT, done.stderr
        with (
            Memex(store, backend=backend, chain=[]) as memory,
            pytest.raises(RateLimited, match="requests_per_minute"),
        ):
            memory.thread("b").send("hi")
        assert len(server.requests) == 1
        assert [info.id for info in memory_threads(store)] == ["a", "b"]


def memory_threads(store: str) -> list:
    with Memex(store, chain=[]) as memory:
        return list(memory.threads())


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "send"])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_what_the_provider_says_is_left_counts(wire: Wire, streamed: bool) -> None:
    first, *rest = wire.good(streamed=streamed)
    told = b"\r\nx-ratelimit-remaining-requests: 0\r\nanthropic-ratelimit-requests-remaining: 0\r\n"
    left = [Send(first.data.replace(b"\r\n", told, 1)), *rest]
    with WireServer() as server:
        server.always(left)
        limits = {
            "requests_per_minute": 2,
            "timeout": 20.0,
            "attempts": 1,
            "api_key": f"key-of-{wire.name}-{streamed}",
        }
        with Memex(ScratchStore(), backend=wire.backend(server.url) | limits, chain=[]) as memory:
            thread = memory.thread("t")
            say = (lambda words: list(thread.stream(words))) if streamed else thread.send
            say("hi")
            with pytest.raises(RateLimited, match="requests_per_minute"):
                say("and again")
        assert len(server.requests) == 1
