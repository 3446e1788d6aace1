"""``memex import``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click

from memex import InvalidMessage, Memex, MemexError, Message, Thread, UnknownThread
from memex.commands import (
    examples,
    given,
    json_option,
    memory_options,
    open_memory,
    print_json,
    say,
    thread_option,
    wants_json,
)
from memex_cli.jsonl import read_messages
from memex_cli.progress import progress
from memex_cli.working import wait_for_work

_PAGE = 1_000
_LONG_FILE = 2_000_000


@click.command(
    "import",
    epilog=examples(
        "memex import harbour.jsonl",
        "memex import chat.jsonl --thread support-42",
        "jq -c '.messages[]' dump.json | memex import - --thread dump",
    ),
)
@click.argument("file")
@click.option("--no-embed", is_flag=True, help="Leave embedding, and what else can wait, for later.")
@memory_options
@thread_option
@json_option
def command(file: str, *, no_embed: bool) -> None:
    """Store a JSONL file as a thread; - is stdin.

    FILE has a message a line, in the shape of OpenAI's Chat Completions (role, content, name,
    tool_calls, tool_call_id) plus created, or as 'memex export --format memex' writes it. The thread
    is --thread, or the file's name without its ending. All lines are stored or, if one is wrong,
    none; a file that is imported again adds only what is new.

    Where the chain ranks by meaning and the model is there, the messages are embedded then; Ctrl-C
    leaves the rest to 'memex embed'.
    """
    name = _thread_name(file)
    messages = _read(file, name)
    with open_memory(**({"background": False} if no_embed else {})) as memory:
        new, gone = _store(memory, name, messages)
        total = memory.store.open_thread(name, create=False).head
        _tell(name, new=new, known=len(messages) - new - gone, gone=gone, total=total)
        wait_for_work(memory)


def _tell(name: str, *, new: int, known: int, gone: int, total: int) -> None:
    if wants_json():
        print_json({"thread": name, "new": new, "known": known, "forgotten": gone, "messages": total})
        return
    already = f", {known:,} were there already" if known else ""
    forgotten = f", {gone:,} were forgotten once and stay so" if gone else ""
    say(f"{name}: {new:,} messages imported{already}{forgotten}; the thread has {total:,}")


def _thread_name(file: str) -> str:
    name: str | None = given("thread")
    if name is None and file == "-":
        raise click.UsageError("a file from stdin has no name: give --thread")
    return name if name is not None else Path(file).stem


def _read(file: str, thread: str) -> list[Message]:
    """Return all messages: they are stored in one transaction, or not at all."""
    with _opened(file) as (lines, size), progress("reading", size, long=size > _LONG_FILE) as advance:

        def watched() -> Iterator[bytes]:
            for line in lines:
                yield line
                advance(len(line))

        messages = list(read_messages(watched(), thread))
    if not messages:  # a pipe whose first part failed looks like this
        raise InvalidMessage(f"there is no message in {file}; nothing was imported")
    return messages


@contextmanager
def _opened(file: str) -> Iterator[tuple[IO[bytes], int]]:
    if file == "-":
        yield sys.stdin.buffer, 0
        return
    with Path(file).open("rb") as lines:
        yield lines, Path(file).stat().st_size


def _store(memory: Memex, name: str, messages: list[Message]) -> tuple[int, int]:
    """Store what is new; return how much that was, and how much stays forgotten."""
    try:
        thread, is_new = memory.thread(name, create=False), False
    except UnknownThread:
        thread, is_new = memory.thread(name), True
    try:
        known = dict(_known(memory, thread, messages))
        new = [message for message in messages if message.id not in known]
        if new:
            with progress("storing", long=len(new) > 10 * _PAGE):
                thread.append(new)
    except BaseException:
        if is_new:
            with suppress(MemexError):
                if not thread.info.head:  # another process may have written to it meanwhile
                    memory.store.forget(name)
        raise
    return len(new), sum(known.values())


def _known(memory: Memex, thread: Thread, messages: list[Message]) -> Iterator[tuple[str, bool]]:
    """Yield the ids that are in the thread already, and whether the message was forgotten."""
    ids = [message.id for message in messages]
    for start in range(0, len(ids), _PAGE):
        for entry in memory.store.get(thread.id, ids[start : start + _PAGE]):
            yield entry.message.id, entry.message.status == "forgotten"
