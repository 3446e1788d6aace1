"""``memex archive``: write, read and verify."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from memex import ArchiveInfo, Restored, ThreadExists, read_archive, verify_archive, write_archive
from memex.commands import (
    examples,
    json_option,
    memory_options,
    note,
    one_line,
    open_memory,
    print_json,
    say,
    wants_json,
)
from memex_cli.progress import counting
from memex_cli.shapes import archive_json, thread_json
from memex_cli.words import many


@click.group(
    "archive",
    epilog=examples(
        "memex archive write all.zip",
        "memex archive verify all.zip",
        "memex archive read all.zip --store sqlite:new.db",
    ),
)
@json_option
def command() -> None:
    """Write, read or verify a copy of threads that loses nothing and goes into any store.

    An archive holds messages, token counts, plans, pins, forks and what was forgotten, as lines of JSON
    with checksums. It is one file where its name ends in .zip, else a folder. For one thread's
    messages in a shape that other programs read, use 'memex export'.
    """


@command.command(
    "write",
    short_help="Write threads to an archive",
    epilog=examples(
        "memex archive write all.zip",
        "memex archive write support support-42 support-43",
        "memex archive write - | ssh host memex archive read - --store sqlite:chats.db",
    ),
)
@click.argument("file")
@click.argument("threads", metavar="[THREAD]...", nargs=-1)
@click.option("--overwrite", is_flag=True, help="Replace an archive that is there already.")
@memory_options
@json_option
def write(file: str, threads: tuple[str, ...], overwrite: bool) -> None:
    """Write all threads, or those that are named, to an archive; - is stdout.

    A fork brings the threads that it was forked from. FILE is written whole or not at all, and only
    its owner may read it.
    """
    if file == "-" and sys.stdout.isatty():
        raise click.UsageError("an archive is nothing for a terminal: give a file, or a pipe")
    with open_memory() as memory, _to(file) as path, counting("writing") as done:
        info = write_archive(memory.store, path, threads=threads or None, overwrite=overwrite, progress=done)
    _tell(file, info, quiet=file == "-")


@command.command(
    "read",
    short_help="Store the threads of an archive",
    epilog=examples(
        "memex archive read all.zip --store sqlite:new.db",
        "memex archive read all.zip --skip-existing",
        "memex archive read all.zip support-42 --prefix old/",
    ),
)
@click.argument("file")
@click.argument("threads", metavar="[THREAD]...", nargs=-1)
@click.option("--skip-existing", is_flag=True, help="Leave threads alone that the store has already.")
@click.option("--prefix", metavar="TEXT", default="", help="Put this before the id of each thread.")
@memory_options
@json_option
def read(file: str, threads: tuple[str, ...], skip_existing: bool, prefix: str) -> None:
    """Store the threads of an archive as they were, all or those that are named; - is stdin.

    Everything is verified before anything is stored. A thread that the store has already is an error,
    and nothing is stored then, unless --skip-existing or --prefix is given.
    """
    with _from(file) as path, open_memory() as memory, counting("reading") as done, _hint():
        restored = read_archive(
            path,
            memory.store,
            threads=threads or None,
            existing="skip" if skip_existing else "raise",
            rename=(lambda thread: prefix + thread) if prefix else None,
            progress=done,
        )
    if wants_json():
        print_json(
            {
                "threads": [thread_json(info) for info in restored.threads],
                "skipped": list(restored.skipped),
                "messages": restored.messages,
            }
        )
    else:
        say(_sentence(file, restored))


@command.command(
    "verify",
    short_help="Check everything in an archive",
    epilog=examples("memex archive verify all.zip", "memex archive verify all.zip --json"),
)
@click.argument("file")
@json_option
def verify(file: str) -> None:
    """Check everything in an archive, and say what it holds; - is stdin. Needs no store.

    Exits with 1 and one line when anything is not what was written.
    """
    with _from(file) as path, counting("verifying") as done:
        info = verify_archive(path, progress=done)
    _tell(file, info)


def _tell(file: str, info: ArchiveInfo, *, quiet: bool = False) -> None:
    line = one_line(
        f"{file}: {many(len(info.threads), 'thread')}, {many(info.messages, 'message')}, "
        f"{many(info.plans, 'plan')}, "
        f"{info.blobs:,} pictures and files; {info.size:,} bytes unpacked"
    )
    if quiet:
        note(line)
    elif wants_json():
        print_json(archive_json(info))
    else:
        say(line)


def _sentence(file: str, restored: Restored) -> str:
    threads, messages = many(len(restored.threads), "thread"), many(restored.messages, "message")
    skipped = f"; {len(restored.skipped):,} were there already" if restored.skipped else ""
    return one_line(f"{file}: {threads} with {messages} stored{skipped}")


@contextmanager
def _hint() -> Iterator[None]:
    try:
        yield
    except ThreadExists as error:
        error.add_note("--skip-existing or --prefix does that")
        raise


@contextmanager
def _to(file: str) -> Iterator[Path]:
    """Give the path to write to; for stdout one whose bytes follow when the archive is whole."""
    if file != "-":
        yield Path(file)
        return
    with tempfile.TemporaryDirectory(prefix="memex-") as folder:
        path = Path(folder) / "stdout.zip"
        yield path
        with path.open("rb") as made:
            shutil.copyfileobj(made, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@contextmanager
def _from(file: str) -> Iterator[Path]:
    """Give the path to read from; a zip cannot be read as it comes."""
    if file != "-":
        yield Path(file)
        return
    with tempfile.TemporaryDirectory(prefix="memex-") as folder:
        path = Path(folder) / "stdin.zip"
        with path.open("wb") as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
        yield path
