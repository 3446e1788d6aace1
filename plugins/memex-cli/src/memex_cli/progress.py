"""Progress on stderr, only where a person watches a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def progress(what: str, total: int | None = None, *, long: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how far work has come; the value takes how much more is done.

    Args:
        what: What is done, such as ``"reading"``.
        total: How much there is, where that is known.
        long: Whether the work may take long; short work shows nothing.
    """
    if not (long and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(show_speed=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far work has come; the value takes how much is done, and how much there is.

    Work of less than a thousand steps never tells, and shows nothing.

    Args:
        what: What is done, such as ``"verifying"``.
    """
    done_before = 0
    with ExitStack() as stack:
        advance: Callable[[int], None] | None = None

        def told(done: int, total: int) -> None:
            nonlocal advance, done_before
            if advance is None:
                advance = stack.enter_context(progress(what, total, long=done < total))
            advance(done - done_before)
            done_before = done

        yield told
