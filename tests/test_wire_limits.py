"""Requests and tokens per minute hold for threads, tasks and processes, and bend to the provider."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex import BadSetting, Event, Memex, RateLimited, StoreUnavailable, Usage
from memex.wire import Attempt, Caller, RateLimits, Retries, Secret, StoreLimits, wire_settings

FINISH = Event(kind="finish", finish="stop")


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 500)), min_size=1, max_size=40),
    st.integers(1, 20),
    st.integers(100, 1000),
)
def test_no_stretch_of_time_holds_more_than_the_limits_and_one_bucket(calls, rpm, tpm):
    clock = Clock()
    limits = RateLimits(rpm, tpm, clock=clock)
    made = []
    for gap, tokens in calls:
        clock.now += gap
        made.append((clock.now + limits.reserve(min(tokens, tpm)), min(tokens, tpm)))
    assert made == sorted(made, key=lambda call: call[0]), "a call overtook another"
    for first in range(len(made)):
        for last in range(first, len(made)):
            minutes = (made[last][0] - made[first][0]) / 60
            some = made[first : last + 1]
            assert len(some) <= rpm * (1 + minutes) + 1e-6
            assert sum(tokens for _, tokens in some) <= tpm * (1 + minutes) + 1e-3


def test_a_call_larger_than_the_bucket_goes_out_when_it_is_full():
    limits = RateLimits(tokens_per_minute=100, clock=Clock())
    assert limits.reserve(50) == 0
    assert limits.reserve(250) == pytest.approx(30)
    assert limits.reserve(0) == pytest.approx(30 + 90)


def test_a_place_that_was_not_used_is_free_again():
    limits = RateLimits(1, clock=Clock())
    assert limits.reserve(0) == 0
    assert limits.reserve(0) == 60
    limits.give_back(0)
    assert limits.reserve(0) == 60


@pytest.mark.parametrize("bad", [0, -1, float("nan")])
def test_a_limit_is_a_number_above_0(bad):
    with pytest.raises(BadSetting):
        RateLimits(requests_per_minute=bad)


def test_threads_share_one_bucket():
    limits = RateLimits(1000, clock=Clock())
    waits: list[float] = []
    threads = [
        threading.Thread(target=lambda: waits.extend(limits.reserve(0) for _ in range(250))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([0.0] * 1000 + [(n + 1) * 0.06 for n in range(1000)])


def test_backends_with_the_same_key_share_and_others_do_not():
    settings = wire_settings("parrot", {"requests_per_minute": 5})
    one = settings.limits("parrot", Secret("key-one"))
    assert one is settings.limits("parrot", Secret("key-one"))
    assert one is not settings.limits("parrot", Secret("key-two"))
    assert wire_settings("parrot", {}).limits("parrot", Secret("key-one")) is None


# -- what the provider says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining-Requests": "0", "x-ratelimit-remaining-tokens": "10"},
        {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-tokens-remaining": "10"},
    ],
)
def test_what_the_provider_says_is_left_counts_where_it_is_less(headers):
    limits = RateLimits(60, 6000, clock=Clock())
    limits.report(headers)
    assert limits.reserve(10) == pytest.approx(1.0)
    limits.report({"x-ratelimit-remaining-requests": "1000", "x-ratelimit-remaining-tokens": "soon"})
    assert limits.reserve(0) == pytest.approx(2.0)


def answering(*events: Event, error: Exception | None = None, headers: dict[str, str] | None = None) -> Any:
    def attempt(one: Attempt) -> Iterator[Event]:
        one.got(headers or {})
        if error is not None:
            raise error
        yield from events

    return attempt


def caller(limits: RateLimits) -> Caller:
    return Caller(
        provider="parrot",
        model="grey",
        translate=lambda _: None,
        limits=limits,
        retries=Retries(attempts=1),
        sleep=lambda _: None,
    )


def test_a_refusal_of_one_call_holds_back_the_others():
    limits = RateLimits(60, clock=Clock())
    with pytest.raises(RateLimited):
        list(caller(limits).stream(answering(error=RateLimited("slow", retry_after=20))))
    assert limits.reserve(0) == 20


def test_headers_and_usage_of_an_answer_reach_the_limits():
    limits = RateLimits(60, 6000, clock=Clock())
    used = Event(kind="usage", usage=Usage(input_tokens=2900, output_tokens=100))
    script = answering(
        Event(kind="text", text="a"), used, FINISH, headers={"x-ratelimit-remaining-requests": "3"}
    )
    list(caller(limits).stream(script, tokens=1000))
    assert [limits.reserve(0) for _ in range(4)] == pytest.approx([0, 0, 0, 1])
    assert limits.reserve(3000) == pytest.approx(2.0)
    assert limits.reserve(100) == pytest.approx(3.0)


# -- through a store --------------------------------------------------------------------------------


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memex]:
    with Memex(f"sqlite:{tmp_path / 'chats.db'}", namespace="tenant") as opened:
        yield opened


def test_levels_in_a_store_are_those_of_a_bucket(memory):
    clock = Clock()
    key = Secret("key-of-a-parrot")
    here, there = (StoreLimits(memory.store, "parrot", key, 3, 1000, clock=clock) for _ in range(2))
    plain = RateLimits(3, 1000, clock=clock)
    for step, limits in enumerate([here, there, there, here, there]):
        clock.now += step
        assert limits.reserve(300) == pytest.approx(plain.reserve(300))
    there.settle(300, 100)
    plain.settle(300, 100)
    here.pause(500)
    plain.pause(500)
    assert there.reserve(0) == pytest.approx(plain.reserve(0)) == pytest.approx(500)
    assert [info.id for info in memory.threads()] == []
    (kept,) = memory.store.within("memex.limits").threads()
    assert kept.id == f"parrot-{key.digest}"


def test_a_wrong_clock_stops_nobody(memory):
    key = Secret("key")
    fast = StoreLimits(memory.store, "parrot", key, 1, clock=Clock(1_000_000.0))
    fast.reserve(0)
    fast.pause(100)
    right = StoreLimits(memory.store, "parrot", key, 1, clock=Clock(1000.0))
    assert right.reserve(0) <= 60


def test_a_value_of_another_version_is_as_none(memory):
    limits = StoreLimits(memory.store, "parrot", Secret("key"), 1)
    limits.reserve(0)
    (kept,) = memory.store.within("memex.limits").threads()
    memory.store.within("memex.limits").put_state(kept.id, "levels", b'{"of": "a newer memex"}')
    assert limits.reserve(0) == 0


def test_without_its_store_a_limit_holds_in_the_process_and_says_so(memory, caplog):
    limits = StoreLimits(memory.store, "parrot", Secret("key"), 1, clock=Clock())

    class Gone:
        def open_thread(self, *_: object) -> None:
            raise StoreUnavailable("the disk is gone")

    limits._store = Gone()  # type: ignore[assignment]
    with caplog.at_level(logging.WARNING):
        assert [limits.reserve(0) for _ in range(3)] == [0, 60, 120]
    assert caplog.text.count("the disk is gone") == 1


RESERVE = """
import json, sys
from memex import Memex
from memex.wire import Secret, StoreLimits
with Memex(sys.argv[1]) as memory:
    limits = StoreLimits(memory.store, "parrot", Secret("key"), 20, clock=lambda: 1000.0)
    print(json.dumps([limits.reserve(0) for _ in range(25)]))
"""


def test_processes_share_one_bucket(tmp_path):
    """Four processes at once, each with 25 calls: as if one had made the 100."""
    store = f"sqlite:{tmp_path / 'chats.db'}"
    processes = [
        subprocess.Popen([sys.executable, "-c", RESERVE, store], stdout=subprocess.PIPE) for _ in range(4)
    ]
    outputs = [process.communicate()[0] for process in processes]
    waits = sorted(wait for output in outputs for wait in json.loads(output))
    assert waits == pytest.approx([0.0] * 20 + [(n + 1) * 3.0 for n in range(80)])


async def test_on_an_event_loop_the_store_is_asked_in_a_worker(memory):
    limits = StoreLimits(memory.store, "parrot", Secret("key"), 60, 6000, clock=Clock())
    used = Event(kind="usage", usage=Usage(input_tokens=1500))
    loop_thread = threading.get_ident()
    seen: list[int] = []
    change = limits.change

    def watched(*arguments: Any) -> Any:
        seen.append(threading.get_ident())
        return change(*arguments)

    limits.change = watched  # type: ignore[method-assign]

    async def attempt(_: Attempt) -> AsyncIterator[Event]:
        for event in (Event(kind="text", text="a"), used, FINISH):
            yield event

    async def ask() -> None:
        assert [event.kind async for event in caller(limits).astream(attempt, tokens=1000)][-1] == "finish"

    await asyncio.gather(*(ask() for _ in range(4)))
    await asyncio.to_thread(lambda: None)
    assert len(seen) >= 4
    assert loop_thread not in seen
