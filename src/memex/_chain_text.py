"""Reads a chain from a command line: names with commas between them, inline TOML tables for settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memex._errors import ConfigError

_CLOSES = {"{": "}", "[": "]"}


def parse_chain(text: str) -> list[str | dict[str, Any]]:
    """Return the chain that ``text`` names.

    ``recall, fifo``, ``recall, {use = "fifo", low_water = 0.5}``, or either in square brackets.

    Raises:
        ConfigError: If it names no policy, or an inline table is not TOML.
    """
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    items = [item.strip() for item in _split(inner)]
    if items and not items[-1]:
        items.pop()  # TOML allows a comma at the end
    if not items or not all(items):
        raise ConfigError(f"--chain {text!r} names no policy; write names with commas, such as recall,fifo")
    return [_item(item) for item in items]


def _split(text: str) -> Iterator[str]:
    """Yield what stands between the commas that are in no bracket and no quotes."""
    start, open_brackets, quote = 0, "", ""
    for position, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in _CLOSES:
            open_brackets += _CLOSES[char]
        elif open_brackets and char == open_brackets[-1]:
            open_brackets = open_brackets[:-1]
        elif char == "," and not open_brackets:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _item(item: str) -> str | dict[str, Any]:
    if item[0] not in "{\"'":
        return item
    import tomllib

    try:
        value = tomllib.loads(f"item = {item}")["item"]
    except tomllib.TOMLDecodeError as error:
        example = '{use = "fifo", low_water = 0.5}'
        raise ConfigError(f"--chain: {item!r} is not TOML ({error}); write it as {example}") from error
    if not isinstance(value, (str, dict)):
        raise ConfigError(f"--chain: {item!r} is neither a name nor a table")
    return value
