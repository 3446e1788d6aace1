"""JSON on stdout: one document, a line for each item of a list, so that it can be read as it comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import click

# JSON escapes C0 by itself. The others are escaped too, which changes no value, so that a terminal
# shows them instead of obeying.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def safe_json(value: Any, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON that is harmless on a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def print_json(value: Any) -> None:
    """Print one value as JSON on stdout."""
    click.echo(safe_json(value, indent=2))


def print_json_list(values: Iterable[Any]) -> None:
    """Print a list as JSON on stdout, an item a line, reading ``values`` as it goes."""
    before = "["
    for value in values:
        click.echo(f"{before}\n{safe_json(value)}", nl=False)
        before = ","
    click.echo("[]" if before == "[" else "\n]")
