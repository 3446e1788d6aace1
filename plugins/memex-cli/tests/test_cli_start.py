"""In a process of its own: what is loaded, exit codes, pipes, and the contract of every plugin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from memex_cli import COMMANDS

from memex.testing import PluginContract

FAKES = Path(__file__).parent / "fakes"
_PROGRAM = "import sys; from memex_cli.main import main; main()"
_SPY = """
import atexit, json, os, sys
atexit.register(lambda: open(os.environ["SPY"], "w").write(json.dumps(sorted(sys.modules))))
from memex_cli.main import main
main()
"""


class TestPlugin(PluginContract):
    name = "cli"


def start(
    *arguments: str, program: str = _PROGRAM, stdin: Any = subprocess.DEVNULL, **settings: Any
) -> subprocess.Popen[str]:
    """Start ``memex`` in a new process, with the fake plugin installed."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(FAKES), "PYTHONIOENCODING": "utf-8"},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **settings,
    )


def modules_of(folder: Path, *arguments: str) -> set[str]:
    """Return the modules that a command loads."""
    told = folder / "modules.json"
    done = subprocess.run(
        [sys.executable, "-P", "-c", _SPY, *arguments],
        env={**os.environ, "PYTHONPATH": str(FAKES), "SPY": str(told)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(told.read_text()))


def test_help_is_light(apart: Path) -> None:
    modules = modules_of(apart, "--help")
    heavy = ("rich", "sqlite3", "asyncio", "memex_sqlite.store", "pytest", "sqlite_utils", "numpy", "httpx")
    assert not modules & set(heavy)
    assert not {name for name in modules if name.startswith("memex_cli.commands")}
    own = {name for name in modules if name.partition(".")[0] in ("memex", "memex_cli", "memex_cli_fake")}
    assert len(own) <= 25, sorted(own)
    assert len(modules) <= 250, f"{len(modules)} modules"


def test_one_command_loads_no_other(apart: Path) -> None:
    modules = modules_of(apart, "threads", "--json")
    assert {name for name in modules if name.startswith("memex_cli.commands.")} == {
        "memex_cli.commands.threads"
    }
    assert "rich" not in modules, "its output is not a terminal"


@pytest.mark.parametrize("command", ["plugins", "doctor"])
def test_the_diagnostics_import_no_plugin(command: str, monkeypatch: pytest.MonkeyPatch, apart: Path) -> None:
    monkeypatch.setenv("MEMEX_STORE", "scratch")
    modules = modules_of(apart, command, "--json")
    plugins = {name.partition(".")[0] for name in modules if name.startswith("memex_")}
    assert plugins == {"memex_cli"}


def test_every_command_is_listed_and_has_help_with_examples() -> None:
    done = start("--help")
    output, _ = done.communicate(timeout=60)
    for command in COMMANDS:
        assert f"  {command.name} " in output
        assert command.summary in output


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_help_of_each_command_has_an_example(name: str, good: Callable[..., str]) -> None:
    told = good(name, "--help")
    assert f"Usage: memex {name} " in told
    assert "\nExamples:\n  " in told.replace("  Examples:", "Examples:").replace("    memex", "  memex")
    assert "--json" in told or name == "export"


def test_exit_codes() -> None:
    for arguments, code in ((("threads",), 0), (("show", "-t", "x"), 1), (("nonsense",), 2), ((), 2)):
        done = start(*arguments)
        done.communicate(timeout=60)
        assert done.returncode == code, arguments


def test_a_reader_that_leaves_early_is_no_error(talk: Callable[..., Path]) -> None:
    path = talk(30_000)
    program = """
import sys
from memex_cli.main import cli
for arguments in (["import", sys.argv[1]], ["show"]):
    try:
        cli(arguments)
    except SystemExit as done:
        code = done.code
sys.exit(code)
"""
    done = start(str(path), program=program)
    assert done.stdout
    assert done.stderr
    for _ in range(3):
        assert done.stdout.readline()
    done.stdout.close()
    assert done.stderr.read() == ""
    done.stderr.close()
    assert done.wait(60) == 141


def test_a_full_disk_at_the_end_of_a_pipe_is_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a device that is always full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM, "threads", "--json"],
            env={**os.environ, "PYTHONPATH": str(FAKES)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"


def test_a_locale_that_knows_few_characters_ends_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM, "send", "voilà, 日本"],
        env={**os.environ, "PYTHONPATH": str(FAKES), "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"voil\xe0, \\u65e5\\u672c \n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_on_a_full_disk_is_one_line(option: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a device that is always full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "memex_cli", option],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"
    assert done.returncode == 1
