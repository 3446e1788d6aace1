"""Words on a terminal. What others wrote must not steer it: control characters are made visible."""

from __future__ import annotations

import re

import click

# C0 without tab and newline, DEL, C1, line separators, and what reverses the order of letters.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    """Return ``text`` with every control character made visible as an escape."""
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n"))


def _visible(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def one_line(text: object, limit: int = 0) -> str:
    """Return ``text`` safe and on one line, shortened to ``limit`` characters if that is not 0."""
    line = safe(" ".join(str(text).split()))
    return line if not limit or len(line) <= limit else f"{line[: limit - 1]}…"


def say(text: str = "", *, newline: bool = True) -> None:
    """Print text of whatever origin on stdout."""
    click.echo(safe(text), nl=newline)


def note(text: object) -> None:
    """Print one line on stderr, for the person and not for the next program."""
    click.echo(one_line(text), err=True)
