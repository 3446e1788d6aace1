"""Keys: where they come from, and that they show up nowhere."""

from __future__ import annotations

import copy
import io
import logging
import os
import pickle
import stat
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailingKeyring
from keyring.errors import KeyringError

from memex import AuthFailed, BackendError, BadSetting, Capabilities, ConfigError, Event, Memex, write_archive
from memex._factory import parse_spec
from memex._signature import bind
from memex.testing import WireServer
from memex.testing.wire import Pause, answer, sse
from memex.wire import Caller, KeyFile, KeyRing, Retries, Secret, error_for, find_key, scrub, wire_settings

CANARY = "sk-canary-5f1d9c07e2b84a6f9d3e"


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, broken: bool = False) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = broken

    def get_password(self, service: str, username: str) -> str | None:
        if self.broken:
            raise KeyringError("the keyring is locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.broken:
            raise KeyringError(f"locked, and {password} was not kept")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    before, made = keyring.get_keyring(), Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Ring) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PARROT_API_KEY", raising=False)
    return tmp_path


def found(given: str | None = None) -> tuple[str, str]:
    key = find_key("parrot", given, environment=["PARROT_API_KEY"])
    return key.reveal(), key.source


def test_argument_then_environment_then_keyring_then_file(ring, monkeypatch):
    KeyFile().set("parrot", "from-file")
    assert found() == ("from-file", f"keys file {KeyFile().path}")
    ring.set_password("memex", "parrot", "from-ring")
    assert found() == ("from-ring", "keyring")
    monkeypatch.setenv("PARROT_API_KEY", "from-environment")
    assert found() == ("from-environment", "environment variable PARROT_API_KEY")
    assert found("from-argument") == ("from-argument", "argument")


def test_without_a_key_every_place_is_named(home):
    with pytest.raises(AuthFailed) as caught:
        found()
    for place in ("api_key", "PARROT_API_KEY", "memex/parrot", str(KeyFile().path), "memex keys set parrot"):
        assert place in str(caught.value)


def test_a_keyring_that_fails_is_passed_over_and_named(ring):
    ring.broken = True
    with pytest.raises(AuthFailed, match="the keyring is locked"):
        found()
    KeyFile().set("parrot", "from-file")
    assert found()[0] == "from-file"


@pytest.mark.parametrize("bad", ["two words", "line\nbreak", "ключ", "nul\0"])
def test_what_no_header_can_carry_is_refused_without_showing_it(bad):
    with pytest.raises(AuthFailed) as caught:
        found(bad)
    assert bad not in str(caught.value)
    with pytest.raises(ConfigError):
        KeyFile().set("parrot", bad)


def test_an_environment_variable_with_a_line_break_at_its_end(monkeypatch):
    monkeypatch.setenv("PARROT_API_KEY", "key\n")
    assert found()[0] == "key"


# -- the file ---------------------------------------------------------------------------------------


def test_the_file_is_for_its_owner_only_and_keeps_the_others():
    file = KeyFile()
    for name in ("b", "a"):
        file.set(name, f"key-of-{name}")
    file.set("a", "newer")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {name: key.reveal() for name, key in file.read().items()} == {"a": "newer", "b": "key-of-b"}
    assert file.remove("a")
    assert not file.remove("a")
    assert list(file.read()) == ["b"]
    assert [path.name for path in file.path.parent.iterdir()] == ["keys.toml"]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(mode):
    file = KeyFile()
    file.set("parrot", CANARY)
    file.path.chmod(mode)
    with pytest.raises(AuthFailed, match=r"other users may read .* chmod 600") as caught:
        found()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "text", [f"parrot = {CANARY}", f'parrot = "{CANARY}"\nparrot = "again"', "[parrot]\nx = 1"]
)
def test_a_broken_file_is_told_without_its_lines(text):
    file = KeyFile()
    file.set("parrot", "x")
    file.path.write_text(text)
    with pytest.raises(AuthFailed) as caught:
        found()
    assert str(file.path) in str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_any_key_comes_back_exact(tmp_path_factory, key):
    file = KeyFile(tmp_path_factory.mktemp("keys") / "keys.toml")
    file.set("parrot", key)
    kept = file.get("parrot")
    assert kept is not None
    assert kept.reveal() == key


# -- not showing ------------------------------------------------------------------------------------


def test_a_secret_shows_nothing():
    secret = Secret(CANARY, "argument")
    settings = wire_settings("parrot", {"api_key": CANARY})
    for shown in (repr(secret), str(secret), f"{secret}", repr([secret]), repr(settings), str(settings)):
        assert CANARY not in shown
    assert settings.api_key is not None
    assert settings.api_key.reveal() == CANARY
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)
    assert CANARY[:8] not in secret.digest
    assert secret.digest == Secret(CANARY).digest


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: {CANARY}. You can find your API key at ...",
        "Incorrect API key provided: sk-canar********************9d3e. You can find ...",
        f"Illegal header value b'Bearer {CANARY}'",
        f'{{"x-api-key": "{CANARY}"}}',
        "key sk-proj-abcdefghijklmnopqrstuvwx and gsk_abcdefghijklmnopqrst of others",
    ],
)
def test_words_of_a_provider_lose_their_keys(text):
    kept = Secret(CANARY)
    for shown in (scrub(text), str(error_for("parrot", "grey", status=401, message=text))):
        for part in ("sk-canar", "9d3e", CANARY, "sk-proj-abcdef", "gsk_abcdef"):
            assert part not in shown
    assert "[key]" in scrub(text)
    assert kept


@pytest.mark.parametrize(
    "text", ["risk-free", "task-based", "a ** b", "hf_hub", "ask-me-anything", "sk-learn"]
)
def test_other_words_stay(text):
    assert scrub(text) == text


class Parrot:
    """A backend over HTTP that sends its key, as any would."""

    name = "parrot"
    model = "grey"
    capabilities = Capabilities(context_tokens=8000)

    def __init__(self, url: str, key: Secret) -> None:
        self.url, self.key = url, key
        self.client = httpx2.Client(headers={"authorization": f"Bearer {key.reveal()}"})
        self.caller = Caller(
            provider="parrot", model="grey", translate=self.translate, retries=Retries(attempts=2, first=0)
        )

    def translate(self, error: BaseException) -> BackendError | None:
        if isinstance(error, httpx2.HTTPStatusError):
            response = error.response
            return error_for(
                "parrot", "grey", status=response.status_code, headers=response.headers, body=response.json()
            )
        return None

    def stream(self, request: Any) -> Iterator[Event]:
        return self.caller.stream(self.attempt, settings=request.settings)

    def attempt(self, one: Any) -> Iterator[Event]:
        with self.client.stream("POST", self.url, json={}) as response:
            if response.status_code >= 400:
                response.read()
            if response.status_code == 418:
                raise RuntimeError(f"a library quotes its headers: {self.client.headers['authorization']}")
            response.raise_for_status()
            for line in response.iter_lines():
                if line.startswith("data: "):
                    yield Event(kind="text", text=line[6:])
            yield Event(kind="finish", finish="stop")

    def close(self) -> None:
        self.client.close()


ECHO = {"error": {"message": f"Incorrect API key provided: {CANARY}.", "code": "invalid_api_key"}}
TROUBLE = {
    "refused with an echo": answer(ECHO, status=401),
    "an error of 500 that echoes": answer(ECHO, status=500),
    "a library that quotes headers": answer(ECHO, status=418),
    "cut in the middle": sse("some words", Pause(0.05), end="reset"),
    "no trouble at all": sse("some words"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_canary_is_found_nowhere(home, monkeypatch, caplog, capfd, trouble):
    monkeypatch.setenv("PARROT_API_KEY", CANARY)
    caplog.set_level(logging.DEBUG)
    shown = io.StringIO()
    with WireServer() as server, Memex(f"sqlite:{home / 'chats.db'}", chain=[]) as memory:
        server.always(TROUBLE[trouble])
        backend = Parrot(server.url, find_key("parrot", environment=["PARROT_API_KEY"]))
        with Memex(memory.store, backend=backend, chain=[]) as talking:
            thread = talking.thread("t")
            try:
                shown.write(repr(thread.send("Hello?")))
            except BackendError as error:
                shown.write("".join(traceback.format_exception(error)))
                shown.write(repr(error) + repr(error.partial) + repr(vars(error)))
            shown.write(repr(thread.plan()) + str(thread.plan()) + repr(thread.plan().to_dict()))
            shown.write(repr(backend.key) + repr(talking) + repr(list(thread.messages())))
            write_archive(talking.store, home / "copy")
        backend.close()
        assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert len(files) >= 2
    assert [path for path, data in files.items() if CANARY.encode() in data] == []
    out, err = capfd.readouterr()
    logged = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert logged
    for text in (shown.getvalue(), logged, out, err):
        assert CANARY not in text
        assert CANARY[:12] not in text


def test_the_keyring_keeps_and_loses_keys(ring):
    keys = KeyRing()
    keys.set("parrot", CANARY)
    assert found() == (CANARY, "keyring")
    assert keys.remove("parrot")
    assert not keys.remove("parrot")
    assert ring.kept == {}


def test_a_keyring_that_refuses_says_so_without_the_key(ring):
    ring.broken = True
    with pytest.raises(ConfigError, match=r"keeps no key: failed: KeyringError: locked.*keys file") as caught:
        KeyRing().set("parrot", CANARY)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_machine_without_a_keyring():
    before = keyring.get_keyring()
    keyring.set_keyring(FailingKeyring())
    try:
        assert "this machine has none" in KeyRing().why_not
        assert KeyRing().look("parrot")[0] is None
    finally:
        keyring.set_keyring(before)


def test_a_wrong_setting_beside_a_key_does_not_show_it():
    with pytest.raises(ConfigError, match="a table with model, api_key does not say which plugin") as caught:
        parse_spec({"model": "grey", "api_key": CANARY})
    assert CANARY not in str(caught.value)

    def factory(*, api_key: str = "") -> None: ...

    with pytest.raises(BadSetting, match="'api_key' is a list") as wrong:
        bind("parrot", factory, {"api_key": [CANARY]}, {})
    assert CANARY not in "".join(traceback.format_exception(wrong.value))


def test_what_was_scrubbed_once_stays_as_it_is() -> None:
    key = Secret("canary-0123456789abcdef")
    text = scrub(f"b'Authorization: Bearer {key.reveal()}'")
    assert text == "b'Authorization: Bearer [key]'"
    assert scrub(text) == text
