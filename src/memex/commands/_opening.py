"""Opens what a command works on: the memory, and one of its threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final

import click

from memex._chain_text import parse_chain
from memex._errors import ConfigError, UnknownProvider, UnknownThread
from memex._memex import Memex
from memex._settings import load_settings
from memex._thread import Thread
from memex.commands._options import given
from memex.commands._terminal import note

DEFAULT_THREAD: Final = "default"
OFFLINE_BACKEND: Final = "quote"
_OVERRIDES = ("store", "namespace", "budget", "answer_tokens", "backend")
_PROBLEMS: Final = "memex.problems"


def memory_settings() -> dict[str, Any]:
    """Return the arguments for :class:`~memex.Memex`: options over environment over files.

    Raises:
        ConfigError: If a file, a variable or an option says what makes no sense.
    """
    found = load_settings(given("settings"))
    found |= {name: given(name) for name in _OVERRIDES if given(name) is not None}
    if given("chain") is not None:
        found["chain"] = parse_chain(given("chain"))
    return found


@contextmanager
def open_memory(*, answers: bool = False, **overrides: Any) -> Iterator[Memex]:
    """Open the memory that options, environment and files describe, for a ``with`` block.

    What plugins did wrong meanwhile is said on stderr afterwards, and left in click's ``meta`` as
    ``memex.problems``, from where ``memex plugins`` learns of it.

    Args:
        answers: Whether a model will be called. Without a backend in the settings, ``quote``
            is taken, and that is said.
        **overrides: Arguments of :class:`~memex.Memex` that win over all others, such as
            ``backend=None`` for a command that must never call a model.

    Raises:
        ConfigError: If the settings make no sense.
        UnknownProvider: If no plugin offers what they name.
    """
    arguments = memory_settings() | overrides
    memory = _with_backend(arguments) if answers else Memex(**arguments)
    with memory:
        try:
            yield memory
        except BaseException as error:
            _tell_problems(memory, known=str(error))
            raise
        _tell_problems(memory)


def _with_backend(arguments: dict[str, Any]) -> Memex:
    chosen = "backend" in arguments
    try:
        memory = Memex(**({"backend": OFFLINE_BACKEND} | arguments))
    except UnknownProvider as error:
        if chosen or (error.kind, error.name) != ("backends", OFFLINE_BACKEND):
            raise
        raise ConfigError(
            "no backend is set: give --backend or MEMEX_BACKEND, or pip install memex-quote, which "
            "answers without a model"
        ) from error
    try:
        _ = memory.backend  # before anything is stored: one that cannot be built leaves no trace
    except BaseException:
        memory.close()
        raise
    if not chosen:
        note(f"no backend is set (--backend or MEMEX_BACKEND): {OFFLINE_BACKEND!r} answers with quotes")
    return memory


def _tell_problems(memory: Memex, known: str = "") -> None:
    """Say what plugins did wrong, and keep it for the program; ``known`` is the error that is said anyway."""
    problems = memory.problems
    click.get_current_context().meta.setdefault(_PROBLEMS, []).extend(problems)
    for problem in problems:
        if problem.message != known:
            note(f"Warning: plugin {problem}")


def open_thread(memory: Memex, *, create: bool = False) -> Thread:
    """Return the thread that ``--thread`` names, or the one that is meant without it.

    That is the one called ``default``, else the only one there is.

    Args:
        memory: The memory.
        create: Open a new thread where there is none of that name, ``default`` without a name.

    Raises:
        UnknownThread: If it is not there and ``create`` is false.
        ConfigError: If several could be meant.
    """
    wanted = given("thread")
    if wanted is not None:
        return memory.thread(wanted, create=create)
    with suppress(UnknownThread):
        return memory.thread(DEFAULT_THREAD, create=False)
    there = [info.id for info in islice(memory.threads(), 6)]
    if len(there) == 1:
        if create:  # what is about to be written goes there
            note(f"thread {there[0]}")
        return memory.thread(there[0], create=False)
    if there:
        listed = ", ".join(there[:5]) + (", ..." if len(there) > 5 else "")
        raise ConfigError(f"which thread? Give --thread; there is {listed}")
    if create:
        return memory.thread(DEFAULT_THREAD)
    raise UnknownThread("there is no thread yet; 'memex import' or 'memex send' makes one")
