"""What plugins do in the background is waited for after an import, shown at a terminal, and can be left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
Talk = Callable[..., Path]
STORED = "talk: 6 messages imported; the thread has 6\n"


def test_an_import_waits_for_what_plugins_do_with_it(
    memex: Run, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAULT", "works")
    done = memex("import", str(talk()))
    assert (done.exit_code, done.stdout, done.stderr) == (0, STORED, "embedding: 2,000 messages\n")


def test_json_is_all_that_is_printed(memex: Run, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAULT", "works")
    done = memex("import", str(talk()), "--json")
    assert json.loads(done.stdout)["new"] == 6
    assert done.stderr == ""


def test_it_can_be_left_for_later(memex: Run, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAULT", "endless")
    done = memex("import", str(talk()), "--no-embed")
    assert (done.exit_code, done.stdout, done.stderr) == (0, STORED, "")


def test_what_would_end_with_the_process_is_not_waited_for(
    memex: Run, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAULT", "endless,fleeting")
    done = memex("import", str(talk()))
    assert (done.exit_code, done.stdout, done.stderr) == (0, STORED + "stopped\n", "")


def test_an_interrupt_leaves_the_rest_and_says_how_to_go_on(
    memex: Run, good: Callable[..., str], talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Any, seconds: float | None = None) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setenv("FAKE_FAULT", "works")
    path = talk()
    import memex_cli_fake  # type: ignore[import-not-found]  # on the path of the tests alone

    monkeypatch.setattr(memex_cli_fake.Works, "wait", interrupt)
    done = memex("import", str(path))
    assert (done.exit_code, done.stdout) == (130, STORED + "stopped\n")
    assert done.stderr.strip() == (
        "all messages are stored. embedding: 0 of 2,000 messages; 'memex embed' embeds the rest"
    )
    assert "6 were there already" in good("import", str(path))


def test_what_could_not_be_done_is_said(memex: Run, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAULT", "works")
    path = talk()
    import memex_cli_fake

    monkeypatch.setattr(memex_cli_fake.Works, "wait", lambda *_: True)
    done = memex("import", str(path))
    assert (done.exit_code, done.stdout) == (0, STORED)
    assert done.stderr == "embedding: 0 of 2,000 messages; 'memex embed' embeds the rest\n"
