"""Wrong input at the command line: one clear line, a non-zero exit, and nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from memex_cli.main import cli

Run = Callable[..., str]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a store of SQLite in its settings."""
    for name in [name for name in os.environ if name.startswith("MEMEX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "memex.toml").write_text(
        'store = "sqlite:chats.db"\nbackend = "quote"\nchain = ["recall", "fifo"]\n'
    )
    return work


@pytest.fixture
def good(work: Path) -> Run:
    def run(*arguments: str, text: str | None = None) -> str:
        done = CliRunner().invoke(cli, arguments, input=text)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


@pytest.fixture
def bad(work: Path) -> Run:
    """Run a command that must fail, saying one line; gives the line."""

    def run(*arguments: str, text: str | None = None) -> str:
        done = CliRunner().invoke(cli, arguments, input=text)
        assert done.exit_code == 1, done.output
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("Error: ")
        return line

    return run


def talk(path: Path, count: int, words: int = 5) -> Path:
    lines = [
        json.dumps({"role": ("user", "assistant")[i % 2], "content": f"{i} " + "word " * words}) + "\n"
        for i in range(count)
    ]
    path.write_text("".join(lines))
    return path


def contents(good: Run) -> list[tuple[str, int]]:
    """Return every thread with its length."""
    return [(thread["id"], thread["messages"]) for thread in json.loads(good("threads", "--json"))]


def test_an_unknown_thread_is_not_made(bad: Run, good: Run, work: Path) -> None:
    good("import", str(talk(work / "talk.jsonl", 4)))
    for command in (("show",), ("window", "x"), ("explain", "1"), ("export",), ("replay",), ("search", "x")):
        assert "nowhere" in bad(*command, "--thread", "nowhere")
    assert contents(good) == [("talk", 4)]


def test_a_bad_line_imports_nothing(bad: Run, good: Run, work: Path) -> None:
    good("import", str(talk(work / "talk.jsonl", 4)))
    path = talk(work / "more.jsonl", 9_000)
    lines = path.read_text().splitlines()
    lines[7_811] += "}"
    path.write_text("\n".join(lines))
    for thread in ("more", "talk"):
        line = bad("import", str(path), "--thread", thread)
        assert line.startswith("Error: line 7,812: not JSON")
        assert line.endswith("nothing was imported")
    assert contents(good) == [("talk", 4)]


def test_a_budget_smaller_than_the_system_prompt(bad: Run, good: Run) -> None:
    line = json.dumps({"role": "system", "content": "Be careful with everything. " * 200})
    good("import", "-", "--thread", "t", text=line)
    said = bad("send", "hello", "--budget", "300", "--thread", "t")
    assert "what must be sent takes" in said
    assert "raise the budget or shorten" in said
    assert contents(good) == [("t", 2)], "what was said is kept, no answer is"
    assert "no plan yet" in bad("explain")


@pytest.mark.parametrize("chain", ["", ",", "[]", "nothing-like-it", "fifo,nothing-like-it"])
def test_a_chain_that_names_nothing(chain: str, bad: Run, good: Run) -> None:
    said = bad("send", "hello", "--chain", chain)
    assert "names no policy" in said or "no policy 'nothing-like-it'" in said
    assert contents(good) == []


def test_a_chain_that_cannot_keep_the_budget(bad: Run, good: Run, work: Path) -> None:
    good("import", str(talk(work / "talk.jsonl", 200)))
    assert "end the chain with a policy that evicts, such as fifo" in bad(
        "window", "--chain", "recall", "--budget", "500", "word"
    )


@pytest.mark.parametrize("command", [("send", "hello"), ("threads",), ("import", "talk.jsonl"), ("show",)])
@pytest.mark.parametrize("place", ["no-such-folder/chats.db", "a-folder", "a-file/chats.db"])
def test_a_store_that_cannot_be_opened(place: str, command: tuple[str, ...], bad: Run, work: Path) -> None:
    (work / "a-folder").mkdir()
    (work / "a-file").write_text("")
    talk(work / "talk.jsonl", 4)
    before = sorted(work.iterdir())
    assert place.partition("/")[0] in bad(*command, "--store", f"sqlite:{place}")
    assert sorted(work.iterdir()) == before


def test_a_read_only_folder(bad: Run, good: Run, work: Path, disk: Callable[[], Path]) -> None:
    folder = disk()
    store = ("--store", f"sqlite:{folder / 'chats.db'}")
    good("import", str(talk(work / "talk.jsonl", 4)), *store)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    for command in (("send", "hello"), ("import", "talk.jsonl", "--thread", "new")):
        assert "chats.db" in bad(*command, *store)
    assert "Read-only file system" in bad("init-plugin", "policy", "mine", "--dir", str(folder))
    good("send", "hello")
    assert "Read-only file system" in bad("export", str(folder / "out.jsonl"))


def test_a_full_disk(bad: Run, good: Run, work: Path, disk: Callable[[], Path]) -> None:
    folder = disk()
    store = ("--store", f"sqlite:{folder / 'chats.db'}")
    good("import", str(talk(work / "talk.jsonl", 40)), *store)
    before = good("export", *store, "--thread", "talk")
    big = talk(work / "big.jsonl", 5_000, words=50)
    for thread in ("talk", "new"):
        assert "the disk is full" in bad("import", str(big), "--thread", thread, *store)
    assert [info["id"] for info in json.loads(good("threads", "--json", *store))] == ["talk"]
    assert good("export", *store, "--thread", "talk") == before
    good("import", str(big))
    said = bad("export", str(folder / "out.jsonl"), "--thread", "big")
    assert "No space left on device" in said
    assert [path.name for path in folder.iterdir() if "chats.db" not in path.name] == []
    with closing(sqlite3.connect(folder / "chats.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_disk_that_fills_up_during_an_answer_keeps_what_was_stored(
    bad: Run, good: Run, work: Path, disk: Callable[[], Path]
) -> None:
    folder = disk()
    store = ("--store", f"sqlite:{folder / 'chats.db'}")
    good("import", str(talk(work / "talk.jsonl", 40)), *store)
    with (folder / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * 1_000):
            pass
    bad("send", "word " * 3_000, "--thread", "talk", *store)
    (folder / "filler").unlink()
    assert json.loads(good("threads", "--json", *store))[0]["messages"] in (40, 41)
    good("send", "hello", *store)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Mount a disk of 1 MB; needs root and a system that lets it mount."""
    mounted: list[Path] = []

    def mount() -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        if shutil.which("mount") is None:
            pytest.skip("needs the program 'mount' for a disk of its own")
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"needs to mount a disk of its own, as root: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)
