"""The options that open a memory, as the other commands of ``memex`` have them.

They may stand before the command's name as well: the hook ``memex_commands`` promises to keep them in
click's ``meta``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from memex import load_settings, parse_chain

_OVERRIDES = ("store", "namespace", "answer_tokens")


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and value is not False:
        ctx.meta[f"memex.option.{param.name}"] = value


def memory_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says which memory, which thread and which chain, and ``--json``."""
    options = (
        ("--store", {"metavar": "SPEC", "help": "Where threads live, such as sqlite:chats.db."}),
        ("--namespace", {"metavar": "NAME", "help": "The tenant whose threads these are."}),
        (
            "--settings",
            {"metavar": "PATH", "help": "A settings file, or the folder to look for one in first."},
        ),
        ("--chain", {"metavar": "POLICIES", "help": "The policies to measure, in order: recall,fifo."}),
        ("--json", {"is_flag": True, "default": False, "help": "Print JSON, with every question."}),
    )
    for name, settings in reversed(options):
        command = click.option(name, expose_value=False, callback=_remember, **settings)(command)
    return click.option(
        "-t",
        "--thread",
        metavar="ID",
        expose_value=False,
        callback=_remember,
        help="The thread. Without it: the one called 'default', or the only one there is.",
    )(command)


def given(name: str) -> Any:
    """Return what was given for an option, before the command's name or after it; None if nothing was."""
    return click.get_current_context().meta.get(f"memex.option.{name}")


def memory_settings() -> dict[str, Any]:
    """Return the arguments of :class:`memex.Memex`: options over environment over files."""
    found = load_settings(given("settings"))
    found |= {name: given(name) for name in _OVERRIDES if given(name) is not None}
    if given("chain") is not None:
        found["chain"] = parse_chain(given("chain"))
    found.pop("backend", None)  # no model is called
    return found
