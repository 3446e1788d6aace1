"""``memex chat``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress

import click

from memex import BackendError, MemexError, Thread
from memex.commands import (
    backend_option,
    examples,
    json_option,
    memory_options,
    note,
    open_memory,
    open_thread,
    say,
    thread_option,
    wants_json,
    window_options,
)
from memex_cli.answering import print_answer, print_answer_json

_HELP = (
    "/explain: what the model saw, and why   /resume: ask for an answer again that broke off   "
    "/quit or Ctrl-D: leave   Ctrl-C: stop an answer"
)


@click.command(
    "chat",
    epilog=examples(
        "memex chat --thread harbour --backend quote",
        "memex chat --thread harbour < questions.txt",
    ),
)
@memory_options
@thread_option
@backend_option
@window_options
@json_option
def command() -> None:
    """Talk with a model: at a prompt, or one question a line from a pipe.

    Answers are printed as they come. Ctrl-C stops one; what came of it is stored as incomplete,
    and /resume asks for it again.
    """
    with open_memory(answers=True) as memory:
        thread = open_thread(memory, create=True)
        if sys.stdin.isatty():
            _talk(thread)
        else:
            _answer_all(thread)


def _answer_all(thread: Thread) -> None:
    for number, line in enumerate(line for line in sys.stdin if line.strip()):
        if number and not wants_json():
            say()
        _answer(thread, line.rstrip("\n"))


def _answer(thread: Thread, question: str | None) -> None:
    if wants_json():
        print_answer_json(thread, question)
    else:
        print_answer(thread, question)


def _talk(thread: Thread) -> None:
    note(f"thread {thread.id}; {_HELP}")
    if thread.unfinished:
        note("the last turn has no whole answer; /resume asks for it again")
    for line in _typed():
        if line.startswith("/") and " " not in line and line not in ("/explain", "/resume"):
            note(_HELP)
            continue
        try:
            if line == "/explain":
                say(str(thread.plan()))
            else:
                _answer(thread, None if line == "/resume" else line)
        except KeyboardInterrupt:
            note("stopped; what came is stored as incomplete, and /resume asks for it again")
        except MemexError as error:  # the conversation goes on
            note(f"Error: {error}")
            if isinstance(error, BackendError):
                note("what you said is stored; /resume tries again")


def _typed() -> Iterator[str]:
    with suppress(ImportError):
        import readline  # noqa: F401 - input() gets editing and history by its mere presence
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            say()
            return
        if line in ("/quit", "/exit"):
            return
        if line:
            yield line
