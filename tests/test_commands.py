"""What the commands of plugins share: which value counts, which memory, which thread, and what is printed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given as examples_of
from hypothesis import strategies as st

import memex
from memex import Memex, Message, commands
from memex.commands import (
    backend_option,
    every_option,
    given,
    json_option,
    memory_options,
    memory_settings,
    open_memory,
    open_thread,
    say,
    settings_option,
    thread_option,
    wants_json,
    window_options,
)

SHARED = ("store", "namespace", "settings", "thread", "chain", "budget", "answer_tokens", "backend", "json")


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Work in an empty folder, with no settings of the machine's."""
    for name in [name for name in os.environ if name.startswith("MEMEX_") and name != "MEMEX_DISABLE"]:
        monkeypatch.delenv(name)
    for kind in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@click.group()
@every_option
def program() -> None:
    """Stand in for ``memex``."""


@program.command()
@memory_options
@thread_option
@window_options
@backend_option
@json_option
def tell() -> None:
    """Say what was given."""
    click.echo(json.dumps({name: given(name) for name in SHARED}))


def run(command: click.Command, *arguments: str, **settings: Any) -> Result:
    return CliRunner().invoke(command, arguments, **settings)


def good(command: click.Command, *arguments: str, **settings: Any) -> str:
    done = run(command, *arguments, **settings)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def in_memory(function: Callable[[Memex], object], *, options: Any = thread_option, **opening: Any) -> Any:
    """Make a command that opens a memory for ``function`` and says what it returns."""

    @click.command()
    @memory_options
    @window_options
    @backend_option
    @options
    def command() -> None:
        with open_memory(**opening) as memory:
            say(str(function(memory)))

    return command


WORDS = st.none() | st.text("abc", min_size=1, max_size=3)


@examples_of(before=WORDS, after=WORDS, variable=WORDS)
def test_after_the_command_wins_over_before_it_and_that_over_the_environment(
    before: str | None, after: str | None, variable: str | None
) -> None:
    def flag(value: str | None) -> list[str]:
        return [] if value is None else ["--thread", value]

    said = run(program, *flag(before), "tell", *flag(after), env={"MEMEX_THREAD": variable})
    expected = next((value for value in (after, before, variable) if value is not None), None)
    assert json.loads(said.stdout)["thread"] == expected


@pytest.mark.parametrize("name", SHARED)
def test_every_option_may_stand_on_either_side(name: str) -> None:
    value = {"budget": 12, "answer_tokens": 12, "json": True}.get(name, "12")
    option = [f"--{name.replace('_', '-')}", *([] if name == "json" else ["12"])]
    nothing = dict.fromkeys(SHARED)
    assert json.loads(good(program, "tell")) == nothing
    assert json.loads(good(program, *option, "tell")) == nothing | {name: value}
    assert json.loads(good(program, "tell", *option)) == nothing | {name: value}


def test_a_command_works_without_a_program() -> None:
    assert json.loads(good(tell, "-t", "a"))["thread"] == "a"


def test_a_command_has_the_options_that_it_takes_and_no_parameters_for_them() -> None:
    @click.command()
    @settings_option
    @json_option
    def command() -> None:
        click.echo(wants_json())

    assert good(command, "--json") == "True\n"
    assert good(command) == "False\n"
    assert run(command, "--store", "x").exit_code == 2


def test_options_win_over_the_environment_and_that_over_files(
    apart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    @memory_options
    @window_options
    def command() -> None:
        click.echo(json.dumps(memory_settings()))

    (apart / "memex.toml").write_text('store = "inmemory:"\nbudget = 100\nanswer_tokens = 10\n')
    monkeypatch.setenv("MEMEX_BUDGET", "200")
    monkeypatch.setenv("MEMEX_NAMESPACE", "variable")
    said = json.loads(
        good(command, "--namespace", "option", "--chain", "recall, {use = 'fifo', low_water = 0.5}")
    )
    assert said == {
        "store": "inmemory:",
        "budget": 200,
        "answer_tokens": 10,
        "namespace": "option",
        "chain": ["recall", {"use": "fifo", "low_water": 0.5}],
    }


def test_what_the_command_says_wins_over_everything() -> None:
    command = in_memory(lambda memory: (memory.store, memory.namespace), namespace="mine", store="inmemory:")
    assert "mine" in good(command, "--store", "no-such:", "--namespace", "theirs")


def test_a_command_without_a_model_does_not_want_the_plugin_of_one() -> None:
    command = in_memory(lambda memory: "open", store="inmemory:", backend=None)
    assert good(command, "--backend", "no-such") == "open\n"
    refused = run(in_memory(str, store="inmemory:"), "--backend", "no-such")
    assert "no backend 'no-such'" in str(refused.exception)


def test_a_command_that_asks_a_model_takes_the_offline_one_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = in_memory(lambda memory: memory.backend.name, answers=True, store="inmemory:")
    done = run(command)
    assert done.stdout == "quote\n"
    assert done.stderr == "no backend is set (--backend or MEMEX_BACKEND): 'quote' answers with quotes\n"
    assert run(command, "--backend", "quote").stderr == ""
    monkeypatch.setenv("MEMEX_DISABLE", "quote,semantic,importance")
    assert "pip install memex-quote" in str(run(command).exception)


THREADS = [
    ((), None, "there is no thread yet; 'memex import' or 'memex send' makes one"),
    (("a",), None, "a"),
    (("a", "default"), None, "default"),
    (("a", "b"), None, "which thread? Give --thread; there is a, b"),
    (tuple("abcdefg"), None, "which thread? Give --thread; there is a, b, c, d, e, ..."),
    (("a", "b"), "b", "b"),
    (("a", "b"), "x", "no thread 'x'"),
]


def filled(*threads: str) -> str:
    with Memex("sqlite:chats.db", chain=[]) as memory:
        for name in threads:
            memory.thread(name).append("hello")
    return "sqlite:chats.db"


@pytest.mark.parametrize(("there", "asked", "told"), THREADS)
def test_the_thread_that_is_meant(there: tuple[str, ...], asked: str | None, told: str) -> None:
    command = in_memory(lambda memory: open_thread(memory).id)
    done = run(command, "--store", filled(*there), *(["-t", asked] if asked else []))
    assert told in (str(done.exception) if done.exit_code else done.stdout)


@pytest.mark.parametrize(
    ("there", "asked", "opened", "noted"),
    [
        ((), None, "default", ""),
        (("a",), None, "a", "thread a\n"),
        (("a",), "new", "new", ""),
        (("a", "default"), None, "default", ""),
    ],
)
def test_a_thread_to_write_to(there: tuple[str, ...], asked: str | None, opened: str, noted: str) -> None:
    command = in_memory(lambda memory: open_thread(memory, create=True).id)
    done = run(command, "--store", filled(*there), *(["-t", asked] if asked else []))
    assert (done.stdout, done.stderr) == (f"{opened}\n", noted)


@pytest.mark.parametrize("name", ["show", "recall-eval", "about x"])
@pytest.mark.parametrize(("there", "asked", "told"), [case for case in THREADS if " " in case[2]])
def test_commands_of_all_plugins_say_the_same(
    name: str, there: tuple[str, ...], asked: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memex_cli.main import cli

    monkeypatch.delenv("MEMEX_DISABLE")
    monkeypatch.setenv("MEMEX_STORE", filled(*there))
    if asked:
        monkeypatch.setenv("MEMEX_THREAD", asked)
    done = run(cli, "--chain", "fifo", *name.split())
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert told in done.stderr


class Clumsy:
    """A plugin whose listener falls over."""

    @memex.hookimpl
    def memex_message_stored(self, thread: str) -> None:
        raise RuntimeError(f"cannot hear \x1b[31m{thread}")


def test_what_plugins_do_wrong_is_said_and_left_for_the_program() -> None:
    left: list[str] = []

    @click.group()
    @click.pass_context
    def group(ctx: click.Context) -> None:
        ctx.call_on_close(lambda: left.extend(str(problem) for problem in ctx.meta["memex.problems"]))

    def spoil(memory: Memex) -> str:
        memory.thread("t").append("hello")
        return "done"

    group.add_command(in_memory(spoil, store="inmemory:", plugins=[Clumsy()]), "spoil")
    done = run(group, "spoil")
    assert (done.exit_code, done.stdout) == (0, "done\n")
    assert len(left) == 1
    assert "cannot hear \x1b[31mt" in left[0]
    assert done.stderr.startswith("Warning: plugin ")
    assert "\\x1b[31mt" in done.stderr, "made safe for a terminal"


def test_what_plugins_do_wrong_is_said_also_when_the_command_fails() -> None:
    def fail(memory: Memex) -> None:
        memory.thread("t").append(Message.user("hello"))
        raise memex.ConfigError("and then this")

    done = run(in_memory(fail, store="inmemory:", plugins=[Clumsy()]))
    assert str(done.exception) == "and then this"
    assert done.stderr.count("Warning: plugin ") == 1


def test_without_click_it_says_what_to_install(in_fresh_process: Callable[..., str]) -> None:
    code = """
import sys
sys.modules["click"] = None  # as if it were not there
import memex.commands
try:
    memex.commands.open_memory
except ModuleNotFoundError as error:
    print(error.name, error)
"""
    assert in_fresh_process(code) == "click memex.commands needs click: pip install 'memex-core[commands]'\n"


def test_names_are_listed_and_others_are_not_there() -> None:
    assert dir(commands) == sorted(commands.__all__)
    assert all(getattr(commands, name).__doc__ for name in commands.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'no_such'"):
        _ = commands.no_such
