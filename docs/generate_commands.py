"""Makes the command line reference from what ``--help`` prints."""

from __future__ import annotations

from collections.abc import Iterator

import click
from memex_cli import COMMANDS
from memex_cli.main import cli

_WIDTH = 100


def commands() -> str:
    """Return what ``memex --help`` prints, and each command's own."""
    return "\n\n".join(_parts())


def _parts() -> Iterator[str]:
    program = click.Context(cli, info_name="memex", terminal_width=_WIDTH)
    with program:
        yield _help(cli, program)
        for offer in COMMANDS:
            command = cli.get_command(program, offer.name)
            if command is None:
                raise LookupError(f"the command {offer.name!r} is offered and not there")
            context = click.Context(command, program, offer.name, terminal_width=_WIDTH)
            yield f"## memex {offer.name}"
            yield _help(command, context)
            if isinstance(command, click.Group):
                for name in command.list_commands(context):
                    inner = command.commands[name]
                    yield f"### memex {offer.name} {name}"
                    yield _help(inner, click.Context(inner, context, name, terminal_width=_WIDTH))


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```"
