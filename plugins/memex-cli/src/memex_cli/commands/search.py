"""``memex search``."""

from __future__ import annotations

import click

from memex import Hit, SearchableStore, StoreError
from memex_cli.json_out import print_json_list
from memex_cli.opening import open_memory, open_thread
from memex_cli.options import examples, json_option, memory_options, thread_option, wants_json
from memex_cli.shapes import hit_json
from memex_cli.tables import show_table


@click.command(
    "search",
    epilog=examples("memex search scaffold price", "memex search octant sextant --any --all --limit 5"),
)
@click.argument("words", nargs=-1, required=True)
@click.option("--all", "everywhere", is_flag=True, help="Search all threads.")
@click.option("--any", "any_word", is_flag=True, help="Find messages with any of the words, not only all.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@memory_options
@thread_option
@json_option
def command(words: tuple[str, ...], everywhere: bool, any_word: bool, limit: int) -> None:
    """Find messages by their words, best first. There is no query syntax."""
    query = " ".join(words)
    with open_memory() as memory:
        if everywhere:
            store = memory.store
            if not isinstance(store, SearchableStore):
                raise StoreError(f"{type(store).__name__} cannot search; sqlite can")
            hits: list[Hit] = store.search(query, match="any" if any_word else "all", limit=limit)
        else:
            thread = open_thread(memory)
            hits = thread.search(query, match="any" if any_word else "all", limit=limit)
    if wants_json():
        print_json_list(hit_json(hit) for hit in hits)
        return
    rows = [(hit.thread, f"#{hit.entry.seq}", hit.entry.message.role, hit.snippet) for hit in hits]
    show_table(("thread", "message", "role", "words"), rows)
