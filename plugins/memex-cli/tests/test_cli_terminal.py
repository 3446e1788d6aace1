"""At a real terminal: prompts, tables, and Ctrl-C. Needs pseudo-terminals, which Unix has."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
FAKES = Path(__file__).parent / "fakes"
_PROGRAM = "from memex_cli.main import main; main()"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]")


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, *arguments: str, program: str = _PROGRAM) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", program, *arguments],
            env={
                **os.environ,
                "PYTHONPATH": str(FAKES),
                "TERM": os.environ.get("FAKE_TERM", "dumb"),
                "COLUMNS": "60",
                "INPUTRC": "/dev/null",
            },
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until ``text`` was printed; the end of the program before that is a failure."""
        while text not in self._seen:
            chunk = self._read()
            assert chunk, f"ended without {text!r}, saying: {self._seen}"
            self._seen += chunk
        self._seen = self._seen.partition(text)[2]

    def rest(self) -> str:
        while chunk := self._read():
            self._seen += chunk
        return self._seen

    def _read(self) -> str:
        text = ""
        until = time.monotonic() + 120
        while not text:  # what only moves the cursor is not the end, and a spinner that never ends is one
            assert time.monotonic() < until, f"nothing but a moving cursor after: {self._seen}"
            assert select.select([self._master], [], [], 60)[0], f"nothing more came after: {self._seen}"
            try:
                data = os.read(self._master, 65_536)
            except OSError:  # the other side is closed
                return ""
            if not data:
                return ""
            text = _ESCAPES.sub("", data.decode(errors="replace"))
        return text

    def close(self) -> int:
        code = self.process.wait(60)
        os.close(self._master)
        return code


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    made: list[Terminal] = []
    yield made
    for terminal in made:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()


def test_a_conversation_at_the_prompt(terminals: list[Terminal]) -> None:
    chat = Terminal("chat")
    terminals.append(chat)
    chat.wait_for("thread default")
    chat.wait_for("> ")
    chat.type("hello\n")
    chat.wait_for("hello \r\n")
    chat.type("one INTERRUPT\n")
    chat.wait_for("one \r\n")
    chat.wait_for("stored as incomplete")
    chat.type("FAIL\n")
    chat.wait_for("Error: the model is down")
    chat.wait_for("/resume tries again")
    chat.type("/resume\n")
    chat.wait_for("Error: the model is down")
    chat.type("/explain\n")
    chat.wait_for("plan 4 of default")
    chat.type("/help\n")
    chat.wait_for("Ctrl-D: leave")
    chat.type("/quit\n")
    chat.rest()
    assert chat.close() == 0


def test_ctrl_c_at_the_prompt_leaves(terminals: list[Terminal]) -> None:
    chat = Terminal("chat")
    terminals.append(chat)
    chat.wait_for("> ")
    for _ in range(10):
        chat.process.send_signal(signal.SIGINT)
        # Python does not see a signal between readline's prompt and its waiting: a person presses again.
        with suppress(subprocess.TimeoutExpired):
            chat.process.wait(5)
            break
    assert chat.close() == 130


def test_ctrl_d_leaves_well(terminals: list[Terminal]) -> None:
    chat = Terminal("chat")
    terminals.append(chat)
    chat.wait_for("> ")
    chat.type("\x04")
    chat.rest()
    assert chat.close() == 0


def test_tables_are_rich_and_take_no_orders(terminals: list[Terminal]) -> None:
    program = """
from memex_cli.tables import show_table
show_table(("thread", "n"), [("[red]markup[/red] :smile: \\x1b[31m", 1)], right=["n"])
"""
    table = Terminal(program=program)
    terminals.append(table)
    shown = table.rest()
    assert "[red]markup[/red] :smile: \\x1b[31m" in shown
    assert "━" in shown or "─" in shown
    assert table.close() == 0


def test_send_at_a_terminal_wants_words(terminals: list[Terminal]) -> None:
    send = Terminal("send")
    terminals.append(send)
    send.wait_for("say something")
    assert send.close() == 2


def test_progress_is_shown_at_a_terminal_only(terminals: list[Terminal]) -> None:
    program = """
from memex_cli.progress import progress
with progress("reading", 2) as advance:
    advance(2)
with progress("quick", 2, long=False) as advance:
    advance(2)
"""
    shown = Terminal(program=program)
    terminals.append(shown)
    output = shown.rest()
    assert shown.close() == 0
    assert "quick" not in output
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (piped.stdout, piped.stderr) == (b"", b"")


def test_counting_is_shown_when_there_is_much(terminals: list[Terminal]) -> None:
    program = """
import os
os.environ["TERM"] = "xterm"  # a terminal that can show a bar
from memex_cli.progress import counting
with counting("verifying") as told:
    told(1000, 2000)
    told(2000, 2000)
with counting("quick") as told:
    told(3, 3)
with counting("nothing") as told:
    pass
"""
    shown = Terminal(program=program)
    terminals.append(shown)
    output = shown.rest()
    assert shown.close() == 0
    assert "verifying" in output
    assert "quick" not in output
    assert "nothing" not in output


def test_an_import_shows_what_is_done_with_it_and_ctrl_c_leaves_the_rest(
    terminals: list[Terminal], talk: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAULT", "endless")
    monkeypatch.setenv("FAKE_TERM", "xterm")
    importing = Terminal("import", str(talk()))
    terminals.append(importing)
    importing.wait_for("6 messages imported")
    importing.wait_for("embedding")
    importing.process.send_signal(signal.SIGINT)
    said = " ".join(importing.rest().split())
    assert "all messages are stored. embedding: 1,500 of 2,000 messages; 'memex embed' embeds" in said
    assert importing.close() == 130


def test_a_key_is_asked_for_and_not_shown(terminals: list[Terminal]) -> None:
    asking = Terminal("keys", "set", "parrot", "--in", "file")
    terminals.append(asking)
    asking.wait_for("Key for parrot: ")
    asking.type("canary-0f3a5f1d\n")
    said = asking.rest()
    assert "canary" not in said
    assert "kept in" in " ".join(said.split())
    assert asking.close() == 0
