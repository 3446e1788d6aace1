"""Options that several commands share. They may stand before the command's name or after it.

What was given is kept in click's ``meta``, which a command shares with the group above it; so a
command has no parameter for each, and asks with :func:`given`. The keys are a promise of the hook
``memex_commands``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

_Command = TypeVar("_Command", bound="Callable[..., Any] | click.Command")
_KEY = "memex.option."


def given(name: str, ctx: click.Context | None = None) -> Any:
    """Return what was given for a shared option, before the command's name or after it; None if nothing was.

    Args:
        name: Name of the option: ``"store"``, ``"thread"``, ``"answer_tokens"``, ...
        ctx: The command's context; by default that of the command that runs.
    """
    return (ctx or click.get_current_context()).meta.get(_KEY + name)


def wants_json() -> bool:
    """Tell whether ``--json`` was given."""
    return bool(given("json"))


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    key = f"{_KEY}{param.name}"
    said = ctx.get_parameter_source(str(param.name)) is not ParameterSource.ENVIRONMENT
    # What stood before the command's name wins over the environment, which is read again here.
    if value is not None and value is not False and (said or key not in ctx.meta):
        ctx.meta[key] = value


def _shared(command: _Command, *names: str, **settings: Any) -> _Command:
    return click.option(*names, expose_value=False, callback=_remember, **settings)(command)


def memory_options(command: _Command) -> _Command:
    """Add ``--store``, ``--namespace`` and ``--settings``, which say which memory."""
    command = settings_option(command)
    command = _shared(command, "--namespace", metavar="NAME", help="The tenant whose threads these are.")
    return _shared(command, "--store", metavar="SPEC", help="Where threads live, such as sqlite:chats.db.")


def settings_option(command: _Command) -> _Command:
    """Add ``--settings`` alone, for a command that opens no store."""
    return _shared(
        command,
        "--settings",
        metavar="PATH",
        help="A settings file, or the folder to look for memex.toml in first.",
    )


def thread_option(command: _Command) -> _Command:
    """Add ``--thread``, which :func:`open_thread` follows; ``MEMEX_THREAD`` says it too."""
    return _shared(
        command,
        "-t",
        "--thread",
        metavar="ID",
        envvar="MEMEX_THREAD",
        help="The thread. Without it: the one called 'default', or the only one there is.",
    )


def window_options(command: _Command) -> _Command:
    """Add ``--chain``, ``--budget`` and ``--answer-tokens``, for a command that builds windows."""
    command = _shared(
        command,
        "--answer-tokens",
        metavar="TOKENS",
        type=int,
        help="Tokens of the budget kept for the answer.",
    )
    command = _shared(
        command, "--budget", metavar="TOKENS", type=int, help="Tokens of a call, prompt and answer."
    )
    return chain_option(command)


def chain_option(command: _Command) -> _Command:
    """Add ``--chain`` alone."""
    return _shared(
        command,
        "--chain",
        metavar="POLICIES",
        help="Exactly these policies, in order: recall,fifo or 'recall, {use = \"fifo\", low_water = 0.5}'.",
    )


def backend_option(command: _Command) -> _Command:
    """Add ``--backend``, for a command that asks a model."""
    return _shared(command, "--backend", metavar="SPEC", help="The model that answers, such as quote.")


def json_option(command: _Command) -> _Command:
    """Add ``--json``; :func:`wants_json` tells whether it was given."""
    return _shared(command, "--json", is_flag=True, default=False, help="Print JSON.")


def every_option(command: _Command) -> _Command:
    """Add all of them, for the group whose commands share them."""
    command = backend_option(json_option(command))
    return memory_options(thread_option(window_options(command)))


def examples(*lines: str) -> str:
    """Return the end of a command's help, for ``epilog``: commands to copy, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
