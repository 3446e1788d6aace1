"""``memex doctor``."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from memex import AuthFailed, ConfigError, ProbeResult, __version__, probe, settings_file
from memex.commands import (
    examples,
    given,
    json_option,
    memory_options,
    memory_settings,
    print_json,
    wants_json,
)
from memex.wire import KeyFile
from memex_cli.check_store import faults_of_store
from memex_cli.tables import show_table

_LOW_ON_DISK = 100_000_000
_WHERE_NOTHING_IS = ("", ":memory:")


class _Finding(NamedTuple):
    check: str
    well: bool
    detail: str


@click.command("doctor", epilog=examples("memex doctor", "memex doctor --store sqlite:chats.db --json"))
@click.option(
    "--timeout", metavar="SECONDS", type=float, default=600, show_default=True, help="For checking the store."
)
@memory_options
@json_option
@click.pass_context
def command(ctx: click.Context, timeout: float) -> None:
    """Check the installation, the settings, the plugins and the store.

    No plugin is loaded into this process. Exits with 1 when something is wrong.
    """
    findings = list(_examine(timeout))
    if wants_json():
        print_json([finding._asdict() for finding in findings])
    else:
        rows = [(f.check, "ok" if f.well else "WRONG", f.detail) for f in findings]
        show_table(("check", "state", "detail"), rows)
    if not all(finding.well for finding in findings):
        ctx.exit(1)


def _examine(timeout: float) -> Iterator[_Finding]:
    import sqlite3

    yield _Finding("memex-core", True, __version__)
    yield _Finding("Python", True, f"{platform.python_version()} on {platform.system()}")
    yield _Finding("SQLite", True, sqlite3.sqlite_version)
    try:
        found = memory_settings()
    except ConfigError as error:
        yield _Finding("settings", False, str(error))
        found = {}
    else:
        file = settings_file(given("settings"))
        environment = sorted(name for name in os.environ if name.startswith("MEMEX_"))
        sources = [str(file) if file else "no memex.toml", *environment]
        yield _Finding("settings", True, ", ".join(sources))
    yield from _keys()
    result = probe(disable=found.get("disable", ()))
    yield from _plugins(result)
    yield from _unoffered(found, result)
    if "store" in found and _named(found["store"]).partition(":")[0] in _offered(result, "stores"):
        yield from _store(found, timeout)


def _keys() -> Iterator[_Finding]:
    file = KeyFile()
    if not file.path.exists():
        return
    try:
        names = ", ".join(file.read()) or "no key"
    except AuthFailed as error:
        yield _Finding("keys", False, str(error))
    else:
        yield _Finding("keys", True, f"{names} in {file.path}")


def _plugins(result: ProbeResult) -> Iterator[_Finding]:
    for problem in result.problems:
        yield _Finding("plugin", False, str(problem))
    names = ", ".join(plugin.name for plugin in result.plugins)
    yield _Finding("plugins", True, f"{len(result.plugins)} load: {names}")


def _offered(result: ProbeResult, kind: str) -> set[str]:
    return {name for plugin in result.plugins for name in plugin.offers.get(kind, ())}


def _unoffered(found: dict[str, Any], result: ProbeResult) -> Iterator[_Finding]:
    """Find what the settings name and no plugin offers."""
    one_of = {"store": "stores", "backend": "backends", "counter": "counters"}
    named = [(noun, kind, found[noun]) for noun, kind in one_of.items() if noun in found]
    named += [("policy", "policies", spec) for spec in found.get("chain", ())]
    for noun, kind, spec in named:
        name = _named(spec).partition(":")[0]
        if name not in _offered(result, kind):
            yield _Finding(noun, False, f"no plugin offers the {noun} {name!r}")


def _store(found: dict[str, Any], timeout: float) -> Iterator[_Finding]:
    spec = found["store"]
    path = _path_of(spec)
    if path is not None:
        folder = next(place for place in path.absolute().parents if place.is_dir())
        free = shutil.disk_usage(folder).free
        yield _Finding("disk", free >= _LOW_ON_DISK, f"{free / 1e9:,.1f} GB free in {folder}")
        if not path.exists():
            yield _Finding("store", True, f"{spec} is not there yet; the first message makes it")
            return
    faults = faults_of_store(found, timeout)
    for fault in faults:
        yield _Finding("store", False, fault)
    if not faults:
        yield _Finding("store", True, f"{_named(spec)}: nothing is wrong with its data")


def _path_of(spec: Any) -> Path | None:
    """Return the file that ``sqlite:chats.db`` names; None where a store is no file."""
    place = _named(spec).partition(":")[2] if isinstance(spec, str) else spec.get("path", "")
    is_file = isinstance(place, str) and place not in _WHERE_NOTHING_IS and "://" not in _named(spec)
    return Path(place) if is_file else None


def _named(spec: Any) -> str:
    return str(spec.get("use", "")) if isinstance(spec, dict) else str(spec)
