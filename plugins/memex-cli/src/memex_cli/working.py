"""Work that plugins do in the background: whoever stored much waits for it, and sees how far it is."""

from __future__ import annotations

from typing import Final

import click

from memex import Memex, Work
from memex.commands import note, wants_json
from memex_cli.failing import INTERRUPTED
from memex_cli.progress import counting

_LOOK: Final = 0.1  # seconds


def wait_for_work(memory: Memex) -> None:
    """Wait until plugins are done with what was stored; Ctrl-C leaves the rest for another time.

    Work whose result would end with the process is not waited for.
    """
    for work in memory.work:
        if not work.lasting:
            work.stop()
            continue
        try:
            _wait(work)
        except KeyboardInterrupt:
            work.stop()
            click.echo(err=True)  # the terminal has just shown ^C
            note(f"all messages are stored. {_left(work)}")
            raise click.exceptions.Exit(INTERRUPTED) from None
        done, total = work.progress()
        if done < total:
            note(_left(work))
        elif total and not wants_json():
            note(f"{work.name}: {done:,} messages")


def _wait(work: Work) -> None:
    if wants_json():
        work.wait()
        return
    with counting(work.name) as told:
        while not work.wait(_LOOK):
            done, total = work.progress()
            if done < total:
                told(done, total)


def _left(work: Work) -> str:
    done, total = work.progress()
    return f"{work.name}: {done:,} of {total:,} messages; {work.later}"
