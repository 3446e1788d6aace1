"""``memex plugins``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from memex import ConfigError, PluginInfo, ProbeResult, load_settings, probe
from memex.commands import examples, given, json_option, note, print_json, say, settings_option, wants_json
from memex_cli.journal import earlier_problems
from memex_cli.tables import show_table

_MOST_NAMES = 4


@click.command("plugins", epilog=examples("memex plugins", "memex plugins --json | jq '.problems'"))
@click.option(
    "--timeout", metavar="SECONDS", type=float, default=30, show_default=True, help="For loading them."
)
@settings_option
@json_option
def command(timeout: float) -> None:
    """List the plugins: what each offers, what is wrong with it, and what went wrong in earlier runs.

    They are loaded in a process of their own, so that none can spoil this list.
    """
    result = probe(timeout, disable=disabled_in_settings())
    earlier = earlier_problems()
    if wants_json():
        print_json(_plain(result, earlier))
        return
    show_table(("plugin", "distribution", "offers", "load ms", "state"), _rows(result), right=["load ms"])
    if result.problems:
        say("\nProblems:")
        for problem in result.problems:
            say(f"  {problem}")
    if earlier:
        say("\nIn earlier runs:")
        for noted in earlier:
            version = f"{noted.get('distribution') or ''} {noted.get('version') or ''}".strip()
            who = f"{noted.get('plugin')} ({version})" if version else f"{noted.get('plugin')}"
            say(f"  {noted.get('when')}  {who}, {noted.get('stage')}: {noted.get('message')}")


def disabled_in_settings() -> tuple[str, ...]:
    """Return the plugins that the settings file leaves out; none where it cannot be read."""
    try:
        return tuple(load_settings(given("settings")).get("disable", ()))
    except ConfigError as error:
        note(f"Warning: {error}")
        return ()


def _rows(result: ProbeResult) -> Iterator[tuple[object, ...]]:
    troubled = {problem.plugin for problem in result.problems}
    for plugin in result.plugins:
        who = f"{plugin.distribution} {plugin.version}"
        state = "see below" if plugin.name in troubled else "ok"
        yield plugin.name, who, _offers(plugin), f"{plugin.load_ms:.1f}", state
    loaded = {plugin.name for plugin in result.plugins}
    for problem in result.problems:
        if problem.plugin and problem.plugin not in loaded:
            loaded.add(problem.plugin)
            who = f"{problem.distribution} {problem.version}"
            yield problem.plugin, who, "", "", f"failed: {problem.stage}"
    for point in result.disabled:
        yield point.name, f"{point.distribution} {point.version}", "", "", "disabled"


def _offers(plugin: PluginInfo) -> str:
    return "; ".join(
        f"{kind}: {', '.join(names) if len(names) <= _MOST_NAMES else len(names)}"
        for kind, names in plugin.offers.items()
    )


def _plain(result: ProbeResult, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    def fields(struct: Any) -> dict[str, Any]:
        return {name: getattr(struct, name) for name in struct.__struct_fields__}

    return {
        "plugins": [fields(plugin) for plugin in result.plugins],
        "problems": [fields(problem) for problem in result.problems],
        "disabled": [fields(point) for point in result.disabled],
        "earlier": earlier,
    }
