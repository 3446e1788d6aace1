"""The command line and messages of other threads: windows, plans and explanations name their threads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from memex_cli.main import cli

from memex import Memex, Message

Run = Callable[..., str]
CHAIN = '{use = "recall", threads = "all"}, fifo'
QUESTION = "What opens the slipway padlock?"


@pytest.fixture
def memex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Memex("sqlite:chats.db", chain=[]) as memory:
        memory.thread("support-41").append(
            [Message.user("The padlock on the slipway gate opens with 7264."), Message.assistant("Noted.")]
        )
        memory.thread("support-42").append("Crate 7 came in today.")

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*arguments, "--store", "sqlite:chats.db", "-t", "support-42"])
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_a_window_names_the_thread(memex: Run) -> None:
    shown = memex("window", QUESTION, "--chain", CHAIN)
    assert "[recall of thread support-41 #1," in shown
    assert "[thread support-41 #1 user" in shown
    items = json.loads(memex("window", QUESTION, "--chain", CHAIN, "--json"))["messages"]
    (block,) = (item for item in items if "derived" in item)
    assert block["elsewhere"] == {"support-41": [[1, 1]]}
    assert block["covers"] == []


def test_a_plan_names_the_thread_as_long_as_it_is_there(memex: Run) -> None:
    memex("send", QUESTION, "--chain", CHAIN, "--backend", "quote")
    assert "thread support-41: 1 " in memex("explain")
    rows = json.loads(memex("explain", "--json"))["rows"]
    assert [row["elsewhere"] for row in rows if "elsewhere" in row] == [{"support-41": [[1, 1]]}]
    told = memex("explain", "1", "--elsewhere", "support-41")
    assert told.startswith("#1 of thread support-41 is recalled in plan 1")
    as_json = json.loads(memex("explain", "2", "--elsewhere", "support-41", "--json"))
    assert (as_json["thread"], as_json["reason"]) == ("support-41", "not-quoted")
    assert "same" in memex("replay")
    with Memex("sqlite:chats.db", chain=[]) as memory:
        memory.thread("support-41").forget()
    assert "(gone): 1" in memex("explain")
    assert "was forgotten" in memex("replay", code=1)
    assert "support-41" in memex("explain", "1", "--elsewhere", "support-41", code=1)
    memex("explain", "--elsewhere", "support-41", code=2)


def test_an_answer_refers_to_the_thread(memex: Run) -> None:
    answer = memex("send", QUESTION, "--chain", CHAIN, "--backend", "quote")
    assert '"The padlock on the slipway gate opens with 7264." [thread support-41 #1 user, ' in answer
