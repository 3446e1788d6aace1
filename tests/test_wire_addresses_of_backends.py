"""Every backend over a wire: an address that is none is refused at once, and a password never shows."""

from __future__ import annotations

import base64
import logging

import pytest
from wire_answers import TEXT, WIRES, Wire

from memex import BadSetting, Memex, MemexError
from memex.testing.wire import WireServer

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
