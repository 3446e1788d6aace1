"""``memex send``."""

from __future__ import annotations

import sys

import click

from memex.commands import (
    backend_option,
    examples,
    json_option,
    memory_options,
    open_memory,
    open_thread,
    thread_option,
    wants_json,
    window_options,
)
from memex_cli.answering import print_answer, print_answer_json


@click.command(
    "send",
    epilog=examples(
        'memex send "What did we decide about Fridays?" --thread harbour',
        "git diff | memex send - --thread review",
        "memex send hello --backend quote --budget 2000 --json",
        "memex send --resume --thread harbour",
    ),
)
@click.argument("text", required=False)
@click.option("--resume", is_flag=True, help="Say nothing: go on with the turn that has no whole answer.")
@memory_options
@thread_option
@backend_option
@window_options
@json_option
def command(text: str | None, resume: bool) -> None:
    """Say one thing and print the answer as it comes; both are stored.

    TEXT comes from stdin where it is missing or -. What was said is stored before the model is
    called; an answer that is cut off is stored as incomplete. The same TEXT again, or --resume, then
    asks for the answer once more, and stores nothing twice.
    """
    if resume and text is not None:
        raise click.UsageError("give TEXT or --resume, not both")
    said = None if resume else _text(text)
    with open_memory(answers=True) as memory:
        thread = open_thread(memory, create=not resume)
        if wants_json():
            print_answer_json(thread, said)
        else:
            print_answer(thread, said)


def _text(text: str | None) -> str:
    if text is None and sys.stdin.isatty():
        raise click.UsageError("say something: give TEXT, or pipe it in")
    said = sys.stdin.read() if text in (None, "-") else text or ""
    if not said.strip():
        raise click.UsageError("there is nothing to send: the text is empty")
    return said
