"""Deadlines hold whatever a server does: against a real one, over a real client."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from memex import BackendError, Event, Truncated, Unavailable
from memex.testing import WireServer
from memex.testing.wire import Behaviour, Pause, Reset, Send, Stall, slowly, sse
from memex.wire import Attempt, Caller, Deadlines, Retries, watch_sockets

FAR = 60.0  # seconds that no test waits for: reaching them would be the failure
SOON = 0.15
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
    assert [thread for thread in threading.enumerate() if thread.name == "memex-watchdog"] == []


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
    assert server.requests[0].hung_up.wait(FAR)


@pytest.mark.parametrize("name", ["idle", "total"])
def test_an_answer_that_stalls(server: WireServer, how: str, name: str) -> None:
    server.play(sse(*LETTERS[:3], end="stall"))
    came, error = Parrot(server.url, **{name: 1.0}).ask(how)
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
    pings = [piece for _ in range(12) for piece in (Pause(0.1), b": ping\n\n")]
    server.play(sse({"text": "a"}, *pings, {"text": "b"}, "[DONE]"))
    assert Parrot(server.url, idle=1.0).ask(how) == ("ab", None)


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
    with WireServer() as gone:
        url = gone.url
    came, error = Parrot(url).ask(how)
    assert (came, type(error)) == ("", Unavailable)


def test_another_kind_of_client_is_told_apart() -> None:
    assert not watch_sockets(object())
    with httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200))) as client:
        assert not watch_sockets(client)
