"""``memex replay``."""

from __future__ import annotations

import click

from memex import Replayed
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


@click.command("replay", epilog=examples("memex replay --thread harbour", "memex replay --plan 3"))
@click.option("--plan", "number", metavar="N", type=int, help="Only this plan.")
@memory_options
@thread_option
@json_option
@click.pass_context
def command(ctx: click.Context, number: int | None) -> None:
    """Rebuild the plans of a thread from the log and compare them byte for byte.

    Exits with 1 when any comes out differently or cannot be rebuilt.
    """
    different = 0

    def told(result: Replayed) -> Replayed:
        nonlocal different
        different += not result.same
        return result

    with open_memory() as memory:
        results = (told(result) for result in open_thread(memory).replay(number))
        if wants_json():
            print_json_list({"plan": r.number, "same": r.same, "why": r.why} for r in results)
        else:
            for result in results:
                say(one_line(result))
    if different:
        ctx.exit(1)
