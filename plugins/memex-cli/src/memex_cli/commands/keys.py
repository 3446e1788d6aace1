"""``memex keys``: list, set, remove and path."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from memex import ConfigError, probe
from memex.commands import examples, json_option, note, print_json, say, settings_option, wants_json
from memex.wire import KeyFile, KeyRing
from memex_cli.commands.plugins import disabled_in_settings
from memex_cli.tables import show_table

_PLACES = click.Choice(["keyring", "file"])


@click.group(
    "keys", epilog=examples("memex keys set openai", "memex keys set openai < key.txt", "memex keys list")
)
@json_option
def command() -> None:
    """List, keep or remove the keys of providers. No command prints a key.

    A backend takes its key from its setting api_key, else from the environment (OPENAI_API_KEY), else
    from the keyring, else from the keys file, which only its owner may read.
    """


@command.command(
    "list", short_help="Say which keys there are, and which one counts", epilog=examples("memex keys list")
)
@settings_option
@json_option
def list_keys() -> None:
    """Say which providers have a key, where it is, and which place counts. Keys are not shown."""
    rows = list(_rows())
    if wants_json():
        print_json([{"provider": name, "places": places} for name, places in rows])
        return
    if not any(places for _, places in rows):
        note("There are no keys yet: memex keys set PROVIDER")
    shown = [(name, places[0] if places else "no key", ", ".join(places[1:])) for name, places in rows]
    show_table(("provider", "key from", "also in"), shown)


@command.command(
    "set",
    short_help="Keep a key, read from a hidden prompt or stdin",
    epilog=examples("memex keys set openai", "pass show openai | memex keys set openai --in file"),
)
@click.argument("provider")
@click.option("--in", "place", type=_PLACES, help="Where; the keyring by default, if there is one.")
def set_key(provider: str, place: str | None) -> None:
    """Keep the key of PROVIDER, in place of an earlier one.

    The key is asked for without showing it, or read from a pipe. It is no argument, as those
    are seen by every user of the machine and kept in the shell's history.
    """
    ring, file = KeyRing(), KeyFile()
    chosen = place or ("file" if ring.why_not else "keyring")
    key = _key(provider)
    if chosen == "keyring":
        ring.set(provider, key)
        say(f"{provider}: kept in the keyring")
    else:
        file.set(provider, key)
        say(f"{provider}: kept in {file.path}")
    counts = _places(provider, ring, file)[0]
    if counts != chosen:
        note(f"Warning: the key in the {counts} counts before this one")


@command.command("remove", short_help="Remove a key", epilog=examples("memex keys remove openai"))
@click.argument("provider")
def remove_key(provider: str) -> None:
    """Remove the key of PROVIDER from the keyring and the keys file."""
    removed = [
        place
        for place, done in (
            ("the keyring", KeyRing().remove(provider)),
            (str(KeyFile().path), KeyFile().remove(provider)),
        )
        if done
    ]
    if not removed:
        raise ConfigError(f"there is no key for {provider!r} in the keyring or the keys file")
    say(f"{provider}: removed from {' and '.join(removed)}")


@command.command("path", short_help="Print where the keys file is", epilog=examples("memex keys path"))
def print_path() -> None:
    """Print where the keys file is, whether it is there or not."""
    say(str(KeyFile().path))


def _key(provider: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Key for {provider}", hide_input=True, err=True)).strip()
    return sys.stdin.read().strip()


def _rows() -> Iterator[tuple[str, list[str]]]:
    ring, file = KeyRing(), KeyFile()
    offered = {
        name
        for plugin in probe(disable=disabled_in_settings()).plugins
        for name in plugin.offers.get("backends", ())
    }
    for name in sorted(offered | set(file.read())):
        places = _places(name, ring, file)
        if places or name not in offered or _variable(name) in os.environ:
            yield name, places


def _places(provider: str, ring: KeyRing, file: KeyFile) -> list[str]:
    """Return where a provider's key is, the place that counts first."""
    there = {
        f"environment ({_variable(provider)})": bool(os.environ.get(_variable(provider), "").strip()),
        "keyring": ring.look(provider)[0] is not None,
        "file": file.get(provider) is not None,
    }
    return [place for place, found in there.items() if found]


def _variable(provider: str) -> str:
    """Return the variable that a provider's key is in by convention."""
    return f"{provider.upper().replace('-', '_')}_API_KEY"
