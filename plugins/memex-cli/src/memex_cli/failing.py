"""From an exception to one clear line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO, Any

import click

from memex import MemexError, PluginError
from memex.commands import note, one_line

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports for SIGINT and for SIGPIPE."""


class Failed(click.ClickException):
    """One line on stderr, and exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"Error: {one_line(self.message)}", file=file, err=file is None)


def failures_as_one_line(error: BaseException) -> BaseException:
    """Return the exception to raise instead of ``error``; ``error`` itself where click knows it."""
    if isinstance(error, (click.ClickException, click.exceptions.Exit, click.Abort, SystemExit)):
        return error
    if isinstance(error, KeyboardInterrupt):
        click.echo(err=True)  # the terminal has just shown ^C
        return click.exceptions.Exit(INTERRUPTED)
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return click.exceptions.Exit(BROKEN_PIPE)
    if os.environ.get("MEMEX_DEBUG", "").strip().lower() not in ("", "0", "false", "no"):
        _show_traceback(error)
    if isinstance(error, MemexError):
        if isinstance(error, PluginError):
            from memex_cli.journal import note_error

            note_error(error)
        # A note says what was done before it failed, such as where the question is stored.
        return Failed("; ".join([str(error), *getattr(error, "__notes__", ())]))
    if isinstance(error, OSError) and error.strerror:
        _discard_output()
        where = f"{error.filename}: " if error.filename is not None else "the output cannot be written: "
        return Failed(f"{where}{error.strerror}")
    return Failed(
        f"unexpected {type(error).__name__}: {error}; this is a fault in memex or a plugin, and "
        "MEMEX_DEBUG=1 shows where"
    )


def _show_traceback(error: BaseException) -> None:
    import traceback

    for line in "".join(traceback.format_exception(error)).splitlines():
        # Line by line, because a message in it may hold control characters.
        note(line) if not line.startswith(" ") else click.echo(" " + one_line(line), err=True)


def _discard_output() -> None:
    """Let what is still buffered for stdout go nowhere, or Python complains about it at exit."""
    with suppress(OSError, ValueError):
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
