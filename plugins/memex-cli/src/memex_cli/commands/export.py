"""``memex export``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TextIO

import click

from memex import Thread
from memex.commands import examples, memory_options, note, open_memory, open_thread, safe_json, thread_option
from memex_cli.jsonl import plain_line
from memex_cli.progress import progress
from memex_cli.shapes import message_json
from memex_cli.writing import output_file

_LONG_THREAD = 10_000
_LeftOut = Counter[tuple[str, str]]


@click.command(
    "export",
    epilog=examples(
        "memex export --thread harbour > harbour.jsonl",
        "memex export harbour.jsonl --thread harbour --format memex",
    ),
)
@click.argument("file", default="-")
@click.option(
    "--format",
    "form",
    type=click.Choice(["openai", "memex"]),
    default="openai",
    show_default=True,
    help="OpenAI's shape, which other programs read, or memex's own, which holds everything.",
)
@memory_options
@thread_option
def command(file: str, form: str) -> None:
    """Write a thread as JSONL, a message a line; to stdout without FILE.

    What the shape of OpenAI cannot carry is counted on stderr. 'memex import' reads both. FILE is
    written whole or not at all. Forgotten messages are not in it.
    """
    with open_memory() as memory:
        thread = open_thread(memory)
        head = thread.info.head
        with output_file(file) as out, progress("writing", head, long=head > _LONG_THREAD) as advance:
            left_out = _write(thread, out, advance, plain=form == "openai")
    for (part, why), count in left_out.items():
        note(f"left out: {count:,} x {part}: {why} (--format memex keeps it)")


def _write(thread: Thread, out: TextIO, advance: Callable[[int], None], *, plain: bool) -> _LeftOut:
    left_out = _LeftOut()
    for message in thread.messages():
        if message.status == "forgotten":
            continue
        if plain:
            lines, missing = plain_line(message)
            left_out.update((part.part, part.why) for part in missing)
        else:
            lines = [message_json(message)]
        for line in lines:
            out.write(safe_json(line) + "\n")
        advance(1)
    return left_out
