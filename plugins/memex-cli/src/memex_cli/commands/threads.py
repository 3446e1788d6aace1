"""``memex threads``."""

from __future__ import annotations

import click

from memex.commands import examples, json_option, memory_options, open_memory, print_json_list, wants_json
from memex_cli.shapes import thread_json
from memex_cli.tables import show_table


@click.command("threads", epilog=examples("memex threads", "memex threads --json | jq '.[].id'"))
@memory_options
@json_option
def command() -> None:
    """List the conversations: id, messages, when opened, and what they were forked from."""
    with open_memory() as memory:
        if wants_json():
            print_json_list(thread_json(info) for info in memory.threads())
            return
        rows = [
            (
                info.id,
                f"{info.head:,}",
                f"{info.created:%Y-%m-%d %H:%M}",
                "" if info.parent is None else f"{info.parent} after #{info.forked_at}",
            )
            for info in memory.threads()
        ]
        show_table(("thread", "messages", "opened", "forked from"), rows, right=["messages"])
