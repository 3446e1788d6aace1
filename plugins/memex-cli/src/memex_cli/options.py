"""Options that several commands share. They may stand before the command's name or after it.

What was given is kept in click's ``meta``, which a command shares with the group above it; so a
command has no parameter for each, and asks with :func:`given`. The keys are a promise of the hook
``memex_commands``: commands of other plugins read them too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Decorator = Callable[[_Command], _Command]
_KEY = "memex.option."


def given(name: str, ctx: click.Context | None = None) -> Any:
    """Return what was given for a shared option, None if nothing was."""
    return (ctx or click.get_current_context()).meta.get(_KEY + name)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    key = f"{_KEY}{param.name}"
    said = ctx.get_parameter_source(str(param.name)) is not ParameterSource.ENVIRONMENT
    # What stood before the command's name wins over the environment, which is read again here.
    if value is not None and value is not False and (said or key not in ctx.meta):
        ctx.meta[key] = value


def _option(*names: str, **settings: Any) -> _Decorator[Any]:
    return click.option(*names, expose_value=False, callback=_remember, **settings)


_STORE = _option("--store", metavar="SPEC", help="Where threads live, such as sqlite:chats.db.")
_NAMESPACE = _option("--namespace", metavar="NAME", help="The tenant whose threads these are.")
_SETTINGS = _option(
    "--settings", metavar="PATH", help="A settings file, or the folder to look for memex.toml in first."
)
_THREAD = _option(
    "-t",
    "--thread",
    metavar="ID",
    envvar="MEMEX_THREAD",
    help="The thread. Without it: the one called 'default', or the only one there is.",
)
_CHAIN = _option(
    "--chain",
    metavar="POLICIES",
    help="Exactly these policies, in order: recall,fifo or 'recall, {use = \"fifo\", low_water = 0.5}'.",
)
_BUDGET = _option("--budget", metavar="TOKENS", type=int, help="Tokens of a call, prompt and answer.")
_ANSWER = _option(
    "--answer-tokens", metavar="TOKENS", type=int, help="Tokens of the budget kept for the answer."
)
_BACKEND = _option("--backend", metavar="SPEC", help="The model that answers, such as quote.")
_JSON = _option("--json", is_flag=True, default=False, help="Print JSON.")


def _together(*options: _Decorator[Any]) -> _Decorator[Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


settings_option = _SETTINGS
json_option = _JSON
thread_option = _THREAD
backend_option = _BACKEND
memory_options = _together(_STORE, _NAMESPACE, _SETTINGS)
"""For a command that opens a store."""
window_options = _together(_CHAIN, _BUDGET, _ANSWER)
"""For a command that builds windows."""
every_option = _together(memory_options, thread_option, window_options, backend_option, json_option)
"""For the group."""


def wants_json() -> bool:
    """Tell whether ``--json`` was given."""
    return bool(given("json"))


def examples(*lines: str) -> str:
    """Return the end of a command's help: commands to copy, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
