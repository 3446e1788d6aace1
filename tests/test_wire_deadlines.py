"""Deadlines hold whatever a server does: against a real one, over a real client."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memex import BackendError, Event, Truncated, Unavailable
from memex.testing import WireServer
from memex.testing.wire import Behaviour, Pause, Reset, Send, Stall, slowly, sse
from memex.wire import Attempt, Caller, Deadlines, Retries, watch_sockets
from memex.wire._call import Call
from memex.wire._watchdog import look

FAR = 60.0  # seconds that no test waits for: reaching them would be the failure
SOON = 0.4
LETTERS = [{"text": letter} for letter in "abcdefgh"]


class Parrot:
    """A backend as a plugin would write it, on httpx2, in ten lines a driver."""

    def __init__(self, url: str, **deadlines: float | None) -> None:
        self.url = url
        self.client = httpx2.Client(timeout=FAR)
        assert watch_sockets(self.client)
        kept: dict[str, Any] = {"connect": FAR, "first": FAR, "idle": FAR, "total": FAR} | deadlines
        self.caller = Caller(
            provider="parrot",
            model="grey",
            translate=lambda _: None,
            retries=Retries(attempts=1),
            deadlines=Deadlines(**kept),
        )

    def attempt(self, one: Attempt) -> Iterator[Event]:
        with self.client.stream("POST", self.url) as response:
            one.closes(response.close)
            for line in response.iter_lines():
                yield from self.events(one, line)

    async def again(self, one: Attempt) -> AsyncIterator[Event]:
        async with httpx2.AsyncClient(timeout=FAR) as client, client.stream("POST", self.url) as response:
            one.closes(response.aclose)
            async for line in response.aiter_lines():
                for event in self.events(one, line):
                    yield event

    def events(self, one: Attempt, line: str) -> Iterator[Event]:
        one.alive()
        if line == "data: [DONE]":
            yield Event(kind="finish", finish="stop")
        elif line.startswith("data: "):
            yield Event(kind="text", text=json.loads(line[6:])["text"])

    def ask(self, how: str) -> tuple[str, BackendError | None]:
        """Return what came and the error after it."""
        got: list[str] = []

        async def alone() -> None:
            async for event in self.caller.astream(self.again):
                got.append(event.text)

        try:
            if how == "async":
                asyncio.run(alone())
            else:
                for event in self.caller.stream(self.attempt):
                    got.append(event.text)
        except BackendError as error:
            return "".join(got), error
        finally:
            self.client.close()
        return "".join(got), None


@pytest.fixture(params=["sync", "async"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "memex-watchdog":
            thread.join(FAR)  # one that has just barked may still be on its way out
            assert not thread.is_alive()


def test_a_whole_answer_comes_through(server: WireServer, how: str) -> None:
    server.play(sse(*LETTERS, "[DONE]"))
    assert Parrot(server.url).ask(how) == ("abcdefgh", None)


NO_ANSWER: dict[str, Behaviour] = {
    "silence": [Stall()],
    "headers byte by byte": slowly(sse(*LETTERS, "[DONE]"), every=0.05),
    "headers and then silence": sse(end="stall"),
    "a body of other things byte by byte": slowly(sse(b":" * 400), every=0.05, headers_only=False),
}


@pytest.mark.parametrize("what", NO_ANSWER)
@pytest.mark.parametrize("name", ["first", "total"])
def test_an_answer_that_does_not_begin_in_time(server: WireServer, how: str, what: str, name: str) -> None:
    server.play(NO_ANSWER[what])
    came, error = Parrot(server.url, **{name: SOON}).ask(how)
    assert came == ""
    assert type(error) is Unavailable
    assert f"deadline {name!r}" in str(error)
    # On a busy machine the deadline may pass before the request has gone out.
    assert all(request.hung_up.wait(FAR) for request in server.requests)


@pytest.mark.parametrize("name", ["idle", "total"])
def test_an_answer_that_stalls(server: WireServer, how: str, name: str) -> None:
    server.play(sse(*LETTERS[:3], end="stall"))
    came, error = Parrot(server.url, **{name: 1.0 if name == "idle" else 3.0}).ask(how)
    assert came == "abc"
    assert type(error) is Truncated
    assert f"deadline {name!r}" in str(error)
    assert server.requests[0].hung_up.wait(FAR)


def test_an_answer_that_dribbles_for_ever_ends_at_the_total(server: WireServer, how: str) -> None:
    server.play(slowly(sse({"text": "a"}, *LETTERS * 50, "[DONE]"), every=0.01, headers_only=False))
    _, error = Parrot(server.url, total=1.5).ask(how)
    assert isinstance(error, Truncated | Unavailable)
    assert "deadline 'total'" in str(error)
    assert server.requests[0].hung_up.wait(FAR)


def test_signs_of_life_keep_a_stream_alive(server: WireServer, how: str) -> None:
    pings = [piece for _ in range(12) for piece in (Pause(0.25), b": ping\n\n")]
    server.play(sse({"text": "a"}, *pings, {"text": "b"}, "[DONE]"))
    assert Parrot(server.url, idle=2.0).ask(how) == ("ab", None)


def test_the_readers_time_is_not_the_servers(server: WireServer) -> None:
    server.play(sse(*LETTERS[:4], "[DONE]"))
    parrot = Parrot(server.url, idle=0.5, total=2.0)
    got = ""
    for event in parrot.caller.stream(parrot.attempt):
        threading.Event().wait(0.7)
        got += event.text
    parrot.client.close()
    assert got == "abcd"


def test_one_deadline_does_not_end_another_call(server: WireServer) -> None:
    """A client is shared by threads; only the connection of the late call is shut down."""
    server.always(sse(*(piece for letter in LETTERS for piece in (letter, Pause(0.05))), "[DONE]"))
    patient, hasty = Parrot(server.url), Parrot(server.url, total=0.1)
    hasty.client.close()
    hasty.client = patient.client
    got: list[str] = []
    reader = threading.Thread(
        target=lambda: got.extend(event.text for event in patient.caller.stream(patient.attempt))
    )
    reader.start()
    with pytest.raises((Truncated, Unavailable)):
        list(hasty.caller.stream(hasty.attempt))
    reader.join()
    patient.client.close()
    assert "".join(got) == "abcdefgh"


BROKEN: dict[str, tuple[Behaviour, str, type[BackendError]]] = {
    "reset before the headers": ([Reset()], "", Unavailable),
    "reset in the middle": (sse({"text": "a"}, Pause(0.1), end="reset"), "a", Truncated),
    "closed in the middle": (sse({"text": "a"}, end="close"), "a", Truncated),
    "closed as if it were whole": (sse({"text": "a"}, end="close", framing="close"), "a", Truncated),
    "closed before anything": (sse(end="close", framing="close"), "", Truncated),
    "a corrupt chunk": (sse({"text": "a"}, "{broken", "[DONE]"), "a", Truncated),
    "a corrupt first chunk": (sse("{broken", "[DONE]"), "", Unavailable),
    "no HTTP at all": ([Send(b"220 mail.example ESMTP\r\n\r\n")], "", Unavailable),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_connection_is_typed(server: WireServer, how: str, what: str) -> None:
    behaviour, expected, kind = BROKEN[what]
    server.play(behaviour)
    came, error = Parrot(server.url).ask(how)
    assert came == expected
    assert type(error) is kind
    assert "parrot (grey)" in str(error)


def test_a_server_that_is_not_there(how: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # so that nobody else begins to listen there
        came, error = Parrot(f"http://127.0.0.1:{taken.getsockname()[1]}").ask(how)
    assert (came, type(error)) == ("", Unavailable)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to threads, as Unix has")
def test_ctrl_c_while_it_waits_closes_the_connection(server: WireServer) -> None:
    server.play(sse({"text": "a"}, end="stall"))
    parrot = Parrot(server.url)
    got: list[str] = []
    main = threading.get_ident()
    strike = threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))

    def read() -> None:
        for event in parrot.caller.stream(parrot.attempt):
            got.append(event.text)
            strike.start()

    with pytest.raises(KeyboardInterrupt):
        read()
    strike.join()
    assert got == ["a"]
    assert server.requests[0].hung_up.wait(FAR)
    parrot.client.close()


async def test_a_cancelled_task_closes_the_connection(server: WireServer) -> None:
    server.play(sse({"text": "a"}, end="stall"))
    parrot = Parrot(server.url)
    came = asyncio.Event()

    async def read() -> None:
        async for _ in parrot.caller.astream(parrot.again):
            came.set()

    task = asyncio.create_task(read())
    await came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.requests[0].hung_up.wait, FAR)
    parrot.client.close()


def test_another_kind_of_client_is_told_apart() -> None:
    assert not watch_sockets(object())
    with httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200))) as client:
        assert not watch_sockets(client)


# -- the rule by which the watchdog sleeps, without a thread or a second of waiting -------------------


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "alive", "words", "reading"]), st.floats(0.01, 8)), max_size=12
)
SECONDS = st.none() | st.floats(0.1, 10)


@settings(max_examples=300)
@given(steps=STEPS, first=SECONDS, idle=SECONDS, total=SECONDS, whole=st.booleans())
def test_the_watchdog_barks_when_a_deadline_passes_and_not_before(
    steps: list[tuple[str, float]],
    first: float | None,
    idle: float | None,
    total: float | None,
    whole: bool,
) -> None:
    """It sleeps for spans that it chose before it could know what comes; still it misses nothing."""
    clock = Time()
    deadlines = Deadlines(connect=None, first=first, idle=idle, total=total)
    caller = Caller(provider="p", model="m", translate=lambda _: None, deadlines=deadlines, clock=clock)
    call = Call(caller, 0, (), whole=whole)
    attempt = call.begin()
    _, wakes = look(call.nearest(), call.longest_rest(), 0.0)  # it may look before anybody waits
    for what, seconds in [*steps, ("words", 30.0)]:
        if what == "reading" and not call.begun:
            continue  # nothing has been handed on that could be read
        end = clock.now + seconds
        waiting = call.waiting() if what != "reading" else nullcontext()
        with waiting:
            nearest = call.nearest()
            due = nearest[0] if nearest is not None and nearest[0] <= end else None
            while wakes is not None and wakes <= end:
                clock.now = max(clock.now, wakes)
                passed, rest = look(call.nearest(), call.longest_rest(), clock.now)
                if passed:
                    assert due is not None
                    assert due <= clock.now <= due + 0.0011
                    return
                wakes = None if rest is None else clock.now + rest
            assert due is None or due > end - 0.0011, f"at {due} a deadline passed, and nobody saw it"
            if due is not None:
                return
            clock.now = end
            if what == "alive":
                attempt.alive()
        if what in ("start", "words"):
            call.took(Event(kind="start") if what == "start" else Event(kind="text", text="a"))
