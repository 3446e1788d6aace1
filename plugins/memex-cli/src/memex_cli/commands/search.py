"""``memex search``."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NoReturn

import click

from memex.commands import (
    examples,
    json_option,
    memory_options,
    open_memory,
    open_thread,
    print_json_list,
    thread_option,
    wants_json,
)
from memex_cli.shapes import hit_json
from memex_cli.tables import show_table

_ROLES = ("system", "developer", "user", "assistant", "tool")


def _moment(_context: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.astimezone()
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{value!r} is no time such as 2026-03-01 or 2026-03-01T09:30Z") from error


def _notes(
    _context: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any] | None:
    notes: dict[str, Any] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE")
        notes[key] = _json_or_text(text)
    return notes or None


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


@click.command(
    "search",
    epilog=examples(
        "memex search scaffold price",
        "memex search '\"scaffold price\"' 'deploy*' --role user --since 2026-03-01",
        "memex search octant sextant --any --all --limit 5 --meta project=harbour",
    ),
)
@click.argument("words", nargs=-1, required=True)
@click.option("--all", "everywhere", is_flag=True, help="Search all threads.")
@click.option("--any", "any_word", is_flag=True, help="Find messages with any of the words, not only all.")
@click.option("--role", "roles", multiple=True, type=click.Choice(_ROLES), help="Only of these roles.")
@click.option(
    "--since", metavar="TIME", callback=_moment, help="Only messages of this moment or later, as in ISO 8601."
)
@click.option("--until", metavar="TIME", callback=_moment, help="Only messages before this moment.")
@click.option(
    "--meta",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_notes,
    help="Only messages with this note; VALUE is JSON, or else text.",
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@memory_options
@thread_option
@json_option
def command(
    words: tuple[str, ...], everywhere: bool, any_word: bool, roles: tuple[str, ...], **filters: Any
) -> None:
    """Find messages by their words, best first.

    "several words" in quotes are a phrase, begin* is how a word begins; quote both for the shell. There
    are no operators: anything else is a word. A time without a zone, such as 2026-03-01 or
    2026-03-01T09:30, is local; with one, such as 2026-03-01T09:30Z, it is exact.
    """
    filters |= {"match": "any" if any_word else "all", "roles": roles or None}
    query = " ".join(words)
    with open_memory() as memory:
        found = memory.search if everywhere else open_thread(memory).search
        hits = found(query, **filters)
    if wants_json():
        print_json_list(hit_json(hit) for hit in hits)
        return
    rows = [(hit.thread, f"#{hit.entry.seq}", hit.entry.message.role, hit.snippet) for hit in hits]
    show_table(("thread", "message", "role", "words"), rows)
