"""Archives on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Good = Callable[..., str]
Bad = Callable[..., str]


@pytest.fixture
def elsewhere() -> tuple[str, str]:
    """The option for another, empty store."""
    return "--store", f"scratch:{uuid.uuid4()}"


@pytest.mark.parametrize("file", ["all.zip", "all"])
def test_write_verify_and_read(good: Good, apart: Path, elsewhere: tuple[str, str], file: str) -> None:
    good("send", "hello", "--thread", "a")
    good("send", "ahoy", "--thread", "b")
    told = good("archive", "write", file)
    assert told.startswith(f"{file}: 2 threads, 4 messages, 2 plans, 0 pictures and files; ")
    assert good("archive", "verify", file) == told
    assert good("archive", "read", file, *elsewhere) == f"{file}: 2 threads with 4 messages stored\n"
    assert good("threads", "--json", *elsewhere) == good("threads", "--json")
    for thread in ("a", "b"):
        assert good("show", "--json", "-t", thread, *elsewhere) == good("show", "--json", "-t", thread)
        assert good("replay", "-t", thread, *elsewhere) == good("replay", "-t", thread)
    assert [path.name for path in apart.iterdir()] == [file]


def test_json(good: Good, elsewhere: tuple[str, str]) -> None:
    good("send", "hello", "--thread", "a")
    written = json.loads(good("archive", "write", "all.zip", "--json"))
    assert (written["messages"], written["plans"], written["namespace"]) == (2, 1, "default")
    assert [thread["id"] for thread in written["threads"]] == ["a"]
    assert json.loads(good("archive", "verify", "all.zip", "--json")) == written
    read = json.loads(good("archive", "read", "all.zip", "--json", *elsewhere))
    assert read == {"threads": written["threads"], "skipped": [], "messages": 2}


def test_only_some_threads(good: Good, bad: Bad, elsewhere: tuple[str, str]) -> None:
    for thread in ("a", "b", "c"):
        good("send", "x", "--thread", thread)
    assert good("archive", "write", "two.zip", "a", "c").startswith("two.zip: 2 threads")
    assert good("archive", "read", "two.zip", "c", *elsewhere).startswith("two.zip: 1 thread ")
    assert "no thread 'b'" in bad("archive", "read", "two.zip", "b", *elsewhere)
    assert "no thread 'd'" in bad("archive", "write", "d.zip", "d")


def test_the_thread_of_the_environment_limits_nothing(good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    for thread in ("a", "b"):
        good("send", "x", "--thread", thread)
    monkeypatch.setenv("MEMEX_THREAD", "a")
    assert good("archive", "write", "all.zip").startswith("all.zip: 2 threads")


def test_what_is_there_already(good: Good, bad: Bad) -> None:
    good("send", "x", "--thread", "a")
    good("archive", "write", "all.zip")
    assert "there already" in bad("archive", "write", "all.zip")
    good("archive", "write", "all.zip", "--overwrite")
    assert "'a' already; nothing was stored" in bad("archive", "read", "all.zip")
    assert "--skip-existing" in bad("archive", "read", "all.zip")
    told = good("archive", "read", "all.zip", "--skip-existing")
    assert told == "all.zip: 0 threads with 0 messages stored; 1 were there already\n"
    good("archive", "read", "all.zip", "--prefix", "old/")
    assert [info["id"] for info in json.loads(good("threads", "--json"))] == ["a", "old/a"]


def test_damage_is_one_line_and_nothing_is_stored(
    good: Good, bad: Bad, apart: Path, elsewhere: tuple[str, str]
) -> None:
    good("send", "x", "--thread", "a")
    good("archive", "write", "all")
    file = apart / "all" / "threads" / "000001" / "messages.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"x"', b'"y"'))
    assert "the archive all is damaged" in bad("archive", "verify", "all")
    assert "the archive all is damaged" in bad("archive", "read", "all", *elsewhere)
    assert good("threads", "--json", *elsewhere) == "[]\n"
    assert "no such archive" in bad("archive", "verify", "nothing.zip")
    assert "No such file" in bad("archive", "write", "missing/all.zip")


def test_pipes(good: Good, memex: Run, elsewhere: tuple[str, str]) -> None:
    good("send", "x", "--thread", "a")
    written = memex("archive", "write", "-")
    assert written.exit_code == 0
    assert written.stderr.startswith("-: 1 thread, 2 messages")
    assert good("archive", "verify", "-", input=written.stdout_bytes).startswith("-: 1 thread, ")
    assert good("archive", "read", "-", *elsewhere, input=written.stdout_bytes).startswith("-: 1 thread ")
    assert good("show", "--json", *elsewhere) == good("show", "--json")


def test_an_archive_cut_off_in_a_pipe_is_refused(good: Good, memex: Run, bad: Bad) -> None:
    good("send", "x", "--thread", "a")
    whole = memex("archive", "write", "-").stdout_bytes
    for data in (b"", whole[:-1], whole[: len(whole) // 2]):
        assert "damaged" in bad("archive", "read", "-", "--prefix", "new/", input=data)
    assert len(json.loads(good("threads", "--json"))) == 1


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from memex_cli.main import cli; "
        "assert 'verify' in CliRunner().invoke(cli, ['archive', '--help']).stdout; "
        "print([name for name in ('asyncio', 'rich.table') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
