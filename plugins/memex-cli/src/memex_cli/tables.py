"""Tables: rich ones on a terminal; elsewhere plain aligned columns that no width breaks."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence

import click

from memex.commands import one_line


def show_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()
) -> None:
    """Print a table on stdout.

    Args:
        headers: Titles of the columns.
        rows: The cells; every one is made safe for a terminal.
        right: Titles of columns that are aligned to the right.
    """
    lines = [[one_line(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _show_rich(headers, lines, right)
    else:
        _show_plain(headers, lines, right)


def _show_rich(headers: Sequence[str], lines: Iterable[Sequence[str]], right: Sequence[str]) -> None:
    # 60 ms that nobody pays who pipes the output.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))  # Text: what others wrote is no markup
    Console().print(table)


def _show_plain(headers: Sequence[str], lines: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    widths = [max(_width(line[i]) for line in [headers, *lines]) for i in range(len(headers))]
    for line in [headers, *lines]:
        cells = (
            _padded(cell, width, to_the_right=header in right)
            for cell, width, header in zip(line, widths, headers, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def _padded(cell: str, width: int, *, to_the_right: bool) -> str:
    blank = " " * (width - _width(cell))
    return blank + cell if to_the_right else cell + blank


def _width(text: str) -> int:
    """Return how many columns ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
