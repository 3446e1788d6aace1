"""``memex fork``."""

from __future__ import annotations

import click

from memex.commands import (
    examples,
    json_option,
    memory_options,
    open_memory,
    open_thread,
    print_json,
    say,
    thread_option,
    wants_json,
)
from memex_cli.references import message_reference
from memex_cli.shapes import thread_json


@click.command(
    "fork",
    epilog=examples("memex fork what-if --thread harbour", "memex fork early --thread harbour --at 120"),
)
@click.argument("new", required=False)
@click.option(
    "--at",
    metavar="MESSAGE",
    type=message_reference,
    help="The last message to share, by number or id; 0 for none. The newest by default.",
)
@memory_options
@thread_option
@json_option
def command(new: str | None, at: str | int | None) -> None:
    """Continue a thread in a new one called NEW (a name is made up without it); nothing is copied."""
    with open_memory() as memory:
        info = open_thread(memory).fork(new, at=at).info
    if wants_json():
        print_json(thread_json(info))
    else:
        say(f"{info.id}: shares the first {info.head:,} messages of {info.parent}")
