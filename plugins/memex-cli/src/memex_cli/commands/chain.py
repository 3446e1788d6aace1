"""``memex chain``."""

from __future__ import annotations

from typing import Any, cast

import click

from memex import Store, thaw
from memex.commands import (
    examples,
    json_option,
    note,
    open_memory,
    print_json_list,
    safe_json,
    settings_option,
    wants_json,
    window_options,
)
from memex_cli.tables import show_table


@click.command(
    "chain", epilog=examples("memex chain", "memex chain --chain 'recall, {use = \"fifo\", low_water = 0.5}'")
)
@settings_option
@window_options
@json_option
def command() -> None:
    """Show the policies in the order in which they run, each with its plugin and why it stands there."""
    with open_memory(store=cast("Store", _NoStore())) as memory:
        links = list(memory.chain)
    if wants_json():
        print_json_list(
            {
                "policy": link.name,
                "plugin": link.plugin,
                "version": link.version,
                "why": link.why,
                "settings": thaw(link.settings),
            }
            for link in links
        )
        return
    rows = [
        (number, link.name, f"{link.plugin} {link.version}".strip(), link.why, _settings(link.settings))
        for number, link in enumerate(links, start=1)
    ]
    if not rows:
        note("there is no policy; a long thread needs one that evicts: pip install memex-fifo")
    show_table(("", "policy", "plugin", "why here", "settings"), rows)


class _NoStore:
    """A chain is shown without opening a store: looking at settings must not make a file."""


def _settings(settings: Any) -> str:
    return ", ".join(f"{name or 'first'} = {safe_json(thaw(value))}" for name, value in settings.items())
