"""The ``memex`` program."""

from __future__ import annotations

import sys

import click

from memex import __version__
from memex.commands import every_option, examples
from memex_cli.group import MemexGroup


@click.command(
    cls=MemexGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "memex import examples/harbour.jsonl",
        'memex send "What did we decide about Fridays?" --budget 2000',
        "memex explain",
    ),
)
@click.version_option(__version__, prog_name="memex", message="%(prog)s %(version)s")
@every_option
def cli() -> None:
    """A conversation memory for language models that fits.

    Settings come from options, then MEMEX_STORE, MEMEX_BACKEND, MEMEX_CHAIN, MEMEX_BUDGET and the
    like, then memex.toml here or in a folder above. Options may stand before or after the command.
    """


def main() -> None:
    """Run the program."""
    for stream in (sys.stdout, sys.stderr):
        # A locale that cannot show a character must not end a command half way.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # text files, at start
    cli()
