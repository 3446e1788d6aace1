"""``memex show``."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from memex import Entry, Thread
from memex.commands import (
    examples,
    json_option,
    memory_options,
    open_memory,
    open_thread,
    print_json_list,
    say,
    thread_option,
    wants_json,
)
from memex_cli.references import find_message
from memex_cli.shapes import entry_json
from memex_cli.words import body, heading

_RANGE = re.compile(r"#?(\d{1,15})(?:(-)#?(\d{0,15}))?\Z")


@click.command(
    "show",
    epilog=examples("memex show --tail 5", "memex show 10-20 --thread harbour", "memex show 400- --json"),
)
@click.argument("places", metavar="[RANGE]...", nargs=-1)
@click.option("-n", "--tail", metavar="N", type=click.IntRange(min=1), help="Only the newest N messages.")
@memory_options
@thread_option
@json_option
def command(places: tuple[str, ...], tail: int | None) -> None:
    """Print the messages of a thread: all, the newest, or ranges such as 12, 10-20 or 400-."""
    if places and tail:
        raise click.UsageError("give ranges or --tail, not both")
    ranges = [_range(place) for place in places]
    with open_memory() as memory:
        entries = _entries(open_thread(memory), ranges, tail)
        if wants_json():
            print_json_list(entry_json(entry) for entry in entries)
            return
        for index, entry in enumerate(entries):
            said = body(entry.message)
            say(("\n" if index else "") + heading(entry) + (f"\n{said}" if said else ""))


def _entries(thread: Thread, ranges: list[tuple[int, int | None]], tail: int | None) -> Iterator[Entry]:
    if tail:
        ranges = [(max(1, thread.info.head - tail + 1), None)]
    for first, last in ranges or [(1, None)]:
        if first == last:  # a message that was asked for by its number
            yield find_message(thread, first)
        else:
            yield from thread.entries(first, last)


def _range(place: str) -> tuple[int, int | None]:
    found = _RANGE.match(place)
    if found is None:
        raise click.BadParameter(f"{place!r} is no range; write 12, 10-20 or 400-")
    first = int(found[1])
    if not found[2]:
        return first, first
    last = int(found[3]) if found[3] else None
    if last is not None and last < first:
        raise click.BadParameter(f"{place!r} is no range: it ends before it begins")
    return first, last
