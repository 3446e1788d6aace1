"""``memex forget``."""

from __future__ import annotations

import click

from memex import Receipt
from memex.commands import (
    examples,
    given,
    json_option,
    memory_options,
    one_line,
    open_memory,
    print_json,
    say,
    thread_option,
    wants_json,
)
from memex_cli.references import find_message, message_reference
from memex_cli.words import body, heading


@click.command(
    "forget",
    epilog=examples(
        "memex forget 12 13 --thread harbour", "memex forget --whole-thread --thread harbour --yes"
    ),
)
@click.argument("messages", metavar="[MESSAGE]...", nargs=-1, type=message_reference)
@click.option("--whole-thread", is_flag=True, help="Erase the thread with everything in it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@memory_options
@thread_option
@json_option
def command(messages: tuple[str | int, ...], whole_thread: bool, yes: bool) -> None:
    """Erase messages wherever they are kept, and print the receipt. This cannot be undone.

    The thread must be named with --thread. Forks that share the messages lose them too.
    """
    if bool(messages) == whole_thread:
        raise click.UsageError("give the messages to forget, or --whole-thread")
    if given("thread") is None:
        raise click.UsageError("forget needs --thread: it never guesses")
    with open_memory() as memory:
        thread = memory.thread(given("thread"), create=False)
        found = [find_message(thread, message) for message in messages]
        if not yes:
            for entry in found:
                click.echo(f"{heading(entry)} {one_line(body(entry.message), 100)}", err=True)
            what = f"{len(found):,} message(s)" if found else f"all {thread.info.head:,} messages"
            question = one_line(f"Erase {what} of {thread.id} for good?")
            click.confirm(question, abort=True, err=True)
        receipt = thread.forget(None if whole_thread else messages)
    if wants_json():
        print_json(_plain(receipt))
    else:
        say(_sentence(receipt))


def _plain(receipt: Receipt) -> dict[str, object]:
    return {
        "thread": receipt.thread,
        "messages": list(receipt.messages),
        "whole_thread": receipt.whole_thread,
        "places": dict(receipt.places),
        "forks": list(receipt.forks),
    }


def _sentence(receipt: Receipt) -> str:
    what = "the whole thread" if receipt.whole_thread else f"{len(receipt.messages):,} message(s)"
    places = ", ".join(f"{count:,} from {place}" for place, count in receipt.places.items()) or "nothing"
    forks = f"; also in {', '.join(receipt.forks)}" if receipt.forks else ""
    return f"{receipt.thread}: forgot {what}; erased {places}{forks}"
