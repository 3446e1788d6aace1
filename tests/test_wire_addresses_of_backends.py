"""Every backend over a wire: an address that is none is refused at once, and a password never shows."""

from __future__ import annotations

import base64
import logging
import traceback

import pytest
from wire_answers import TEXT, WIRES, Wire

from memex import BadRequest, BadSetting, Memex, MemexError
from memex.testing.wire import WireServer, answer
from memex.wire import wire_settings

IDS = [wire.name.replace(" ", "-") for wire in WIRES]
SECRET = "hunter2-0123456789"
WRONG = [
    "http://ho st/v1",
    "http://host\x07/v1",
    "http://host:70000/v1",
    "file:///etc",
    "http:///v1",
    "host:80",
]


def opened(spec: dict[str, object]) -> object:
    with Memex("inmemory:", backend=spec, chain=[]) as memory:
        return memory.backend


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_address_is_refused_before_the_first_call(wire: Wire, wrong: str) -> None:
    spec = {**wire.backend(""), "base_url": wrong}
    with pytest.raises(BadSetting, match="base_url"):
        opened(spec)
    spec.pop("base_url")
    spec["use"] += f"@{wrong}"
    with pytest.raises(BadSetting, match="http://localhost:8000/v1"):
        opened(spec)


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_an_address_of_the_environment_is_no_exception(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    name = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL", "cohere": "CO_API_URL"}[
        wire.provider
    ]
    monkeypatch.setenv(name, "http://ho st")
    spec = wire.backend("")
    spec.pop("base_url")
    spec.pop("preset", None)  # one that is named is not moved by OpenAI's variable
    with pytest.raises(BadSetting, match=f"{name} is 'http://ho st', and no address holds a blank"):
        opened(spec)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_name_and_password_are_sent_and_never_shown(
    wire: Wire, asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with WireServer() as server:
        server.play(wire.good(streamed=False), wire.refusing(400, "bad", "no such thing"))
        url = server.url.replace("://", f"://me:{SECRET}@")
        shown = []
        with Memex("inmemory:", backend=wire.backend(url), chain=[]) as memory:
            thread = memory.thread("a")
            shown.append(repr(memory.backend))
            reply = await thread.asend("hi") if asynchronous else thread.send("hi")
            assert reply.text == TEXT
            shown += [repr(reply), repr(thread.plan())]
            with pytest.raises(MemexError) as caught:
                thread.send("again")
            shown += [str(caught.value), repr(caught.value.__cause__)]
            shown += [repr(entry) for entry in thread.entries()]
        sent = base64.b64encode(f"me:{SECRET}".encode()).decode()
        assert server.requests[0].headers["authorization"] == f"Basic {sent}"
    for text in (*shown, caplog.text):
        assert SECRET not in text
        assert sent not in text


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_a_redirect_takes_neither_the_conversation_nor_a_key_to_another_server(
    wire: Wire, status: int, streamed: bool, asynchronous: bool
) -> None:
    with WireServer() as elsewhere, WireServer() as server:
        elsewhere.always(wire.good(streamed=streamed))
        moved = f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/{SECRET}"
        server.always(answer("", status=status, headers={"location": moved}))
        spec = wire.backend(server.url, headers={"X-Gateway-Token": f"Bearer {SECRET}"})
        with Memex("inmemory:", backend=spec, chain=[]) as memory:
            with pytest.raises(BadRequest, match="redirected to http://localhost") as caught:
                await ask(memory, streamed=streamed, asynchronous=asynchronous)
            assert SECRET not in shown(caught.value)
        assert elsewhere.requests == []
        assert SECRET in server.requests[0].headers["x-gateway-token"]
        assert len(server.requests) == 1


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_a_key_in_a_header_never_shows(wire: Wire) -> None:
    with WireServer() as server:
        server.always(answer(wire.error("invalid_request_error", f"no such token: {SECRET}"), status=400))
        spec = wire.backend(server.url, headers={"X-Gateway-Token": f"Bearer {SECRET}", "X-Team": "keepers"})
        with Memex("inmemory:", backend=spec, chain=[]) as memory:
            with pytest.raises(BadRequest, match=r"no such token: \[key\]") as caught:
                memory.thread("t").send("hi")
            assert SECRET not in shown(caught.value)


def test_settings_show_no_header() -> None:
    settings = wire_settings("parrot", {"headers": {"X-Team": "keepers", "Cookie": SECRET}, "attempts": 2})
    text = repr(settings)
    assert "X-Team" in text
    assert "attempts=2" in text
    assert SECRET not in text
    assert "keepers" not in text


async def ask(memory: Memex, *, streamed: bool, asynchronous: bool) -> None:
    thread = memory.thread("t")
    if streamed:
        _ = [event async for event in thread.astream("hi")] if asynchronous else list(thread.stream("hi"))
    else:
        _ = await thread.asend("hi") if asynchronous else thread.send("hi")


def shown(error: BaseException) -> str:
    frames = traceback.TracebackException.from_exception(error, capture_locals=False)
    return f"{error} {error!r} {vars(error)} {''.join(frames.format())}"
