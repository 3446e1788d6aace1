"""``memex pin``."""

from __future__ import annotations

import click

from memex.commands import (
    examples,
    json_option,
    memory_options,
    one_line,
    open_memory,
    open_thread,
    print_json_list,
    say,
    thread_option,
    wants_json,
)
from memex_cli.references import find_message, message_reference
from memex_cli.shapes import entry_json
from memex_cli.words import body, heading


@click.command("pin", epilog=examples("memex pin 35", "memex pin 35 --unpin", "memex pin"))
@click.argument("messages", metavar="[MESSAGE]...", nargs=-1, type=message_reference)
@click.option("--unpin", is_flag=True, help="Let go of these messages again.")
@memory_options
@thread_option
@json_option
def command(messages: tuple[str | int, ...], unpin: bool) -> None:
    """Keep messages in every window from now on; without one, list what is pinned."""
    if unpin and not messages:
        raise click.UsageError("--unpin needs the messages to let go of")
    with open_memory() as memory:
        thread = open_thread(memory)
        for message in messages:  # all must be there before the first is pinned
            find_message(thread, message)
        for message in messages:
            thread.pin(message, pinned=not unpin)
        pinned = [entry for seq in thread.pins for entry in thread.entries(seq, seq)]
    if wants_json():
        print_json_list(entry_json(entry) for entry in pinned)
        return
    for entry in pinned:
        say(f"{heading(entry)} {one_line(body(entry.message), 100)}")
    if not pinned:
        say("nothing is pinned")
