"""What the tests of memex-lab share: a small conversation of our own, and the command."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from memex import Memex, Message
from memex.testing import ScratchStore, evict_oldest

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Run each test in an empty folder, with the fake plugin, and with no settings of the machine's."""
    for name in [name for name in os.environ if name.startswith("MEMEX_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MEMEX_STORE", f"lab-scratch:{uuid.uuid4()}")
    monkeypatch.setenv("MEMEX_CHAIN", "evict")
    monkeypatch.syspath_prepend(FAKES)
    yield tmp_path
    sys.modules.pop("memex_lab_fake", None)


@pytest.fixture
def harbour() -> list[Message]:
    """Sixty turns of a harbour's day, with four facts in the first of them."""
    facts = {
        2: "The padlock on the slipway gate opens with 7264.",
        4: "Please keep the tide table in /srv/harbour/tides.csv from now on.",
        6: "The new pilot is called Ottoline Brandt, she comes from the islands.",
        8: "We decided that the ferry leaves from the northern quay in winter.",
    }
    needed = {
        40: ("What opens the slipway padlock?", "It opens with 7264."),
        44: ("Where do I find the tide table?", "It is in /srv/harbour/tides.csv."),
        48: ("Is the new pilot from here?", "No, and she, Ottoline Brandt, would say so herself."),
        52: ("What was decided about the ferry in winter and the quay?", "It leaves from the north."),
    }
    said = []
    for turn in range(60):
        question = facts.get(turn, f"Boat {turn} came in with the tide, and all was as on every day.")
        answer = "Noted, and written into the book of the day."
        question, answer = needed.get(turn, (question, answer))
        said.append(Message.user(question, id=f"q{turn}"))
        said.append(Message.assistant(answer, id=f"a{turn}"))
    return said


@pytest.fixture
def memory() -> Memex:
    """A memory whose chain drops the oldest."""
    return Memex(ScratchStore(), chain=[evict_oldest], budget=2_000)


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run the command: ``run("questions.jsonl", "--json")``."""
    from memex_lab.command import command

    def invoke(*arguments: str, **settings: Any) -> Result:
        return CliRunner().invoke(command, arguments, prog_name="memex recall-eval", **settings)

    return invoke


@pytest.fixture
def stored(harbour: list[Message]) -> str:
    """Store the conversation where the command looks for it; gives the id of its thread."""
    with Memex.from_settings() as opened:
        opened.thread("harbour").append(harbour)
    return "harbour"
