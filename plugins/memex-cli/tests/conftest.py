"""What the tests of the command line share."""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> Iterator[None]:
    """Have Ctrl-C work: what a shell starts in the background ignores it, and so do all its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Run each test in an empty folder, with the fake plugin, and with no settings of the machine's."""
    for name in [name for name in os.environ if name.startswith("MEMEX_")]:
        monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MEMEX_STORE", f"scratch:{uuid.uuid4()}")
    monkeypatch.setenv("MEMEX_BACKEND", "echo")
    monkeypatch.setenv("MEMEX_CHAIN", "evict")
    monkeypatch.syspath_prepend(FAKES)
    yield work
    sys.modules.pop("memex_cli_fake", None)


@pytest.fixture
def memex() -> Callable[..., Result]:
    """Run a command: ``memex("send", "hello", input="...")``."""
    from memex_cli.main import cli

    def run(*arguments: str, **settings: Any) -> Result:
        return CliRunner().invoke(cli, arguments, prog_name="memex", **settings)

    return run


@pytest.fixture
def good(memex: Callable[..., Result]) -> Callable[..., str]:
    """Run a command that must succeed; gives what it printed on stdout."""

    def run(*arguments: str, **settings: Any) -> str:
        done = memex(*arguments, **settings)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


@pytest.fixture
def bad(memex: Callable[..., Result]) -> Callable[..., str]:
    """Run a command that must fail with one line; gives that line."""

    def run(*arguments: str, code: int = 1, **settings: Any) -> str:
        done = memex(*arguments, **settings)
        assert done.exit_code == code, done.output
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1, done.stderr
        if code == 1:
            assert done.stderr.splitlines()[-1] == errors[0]
        return errors[0]

    return run


@pytest.fixture
def talk(apart: Path) -> Callable[..., Path]:
    """Write a JSONL file of ``count`` messages; gives its path."""

    def write(count: int = 6, name: str = "talk.jsonl", text: str = "message number {}") -> Path:
        path = apart / name
        roles = ("user", "assistant")
        lines = [{"role": roles[i % 2], "content": text.format(i + 1)} for i in range(count)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path

    return write
