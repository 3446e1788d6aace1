"""What the commands share: the memory, its vectors, and how far they are.

The options may stand before the command's name as well: the hook ``memex_commands`` promises to keep them
in click's ``meta``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import click

from memex import BadSetting, ConfigError, Memex, Thread, UnknownThread, load_settings, parse_chain
from memex_semantic.embeddings import Embeddings
from memex_semantic.policy import PIECE
from memex_semantic.sharing import DEFAULT, embeddings_for

_KEY = "memex.option."
_OVERRIDES = ("store", "namespace")
_DEFAULT_THREAD = "default"


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and value is not False:
        ctx.meta[f"{_KEY}{param.name}"] = value


def memory_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says which memory, and ``--json``."""
    options = (
        ("--store", {"metavar": "SPEC", "help": "Where threads live, such as sqlite:chats.db."}),
        ("--namespace", {"metavar": "NAME", "help": "The tenant whose threads these are."}),
        (
            "--settings",
            {"metavar": "PATH", "help": "A settings file, or the folder to look for memex.toml in first."},
        ),
        ("--embedder", {"metavar": "SPEC", "help": "By default that of the chain's policy 'semantic'."}),
        ("--json", {"is_flag": True, "default": False, "help": "Print JSON."}),
    )
    for name, settings in reversed(options):
        command = click.option(name, expose_value=False, callback=_remember, **settings)(command)
    return command


def thread_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says which thread."""
    return click.option(
        "-t",
        "--thread",
        metavar="ID",
        expose_value=False,
        callback=_remember,
        help="The thread. Without it: the one called 'default', or the only one there is.",
    )(command)


def given(name: str) -> Any:
    """Return what was given for an option, before the command's name or after it; None if nothing was."""
    return click.get_current_context().meta.get(f"{_KEY}{name}")


@contextmanager
def open_memory() -> Iterator[Memex]:
    """Open the memory that options, environment and files describe."""
    found = load_settings(given("settings"))
    found |= {name: given(name) for name in _OVERRIDES if given(name) is not None}
    if given("chain") is not None:
        found["chain"] = parse_chain(given("chain"))
    found.pop("backend", None)  # no model is called
    if "store" not in found:
        raise ConfigError("no store is set: give --store or MEMEX_STORE, such as sqlite:chats.db")
    with Memex(**found) as memory:
        yield memory


def open_thread(memory: Memex) -> Thread:
    """Return the thread that ``--thread`` names, else the one called ``default``, else the only one.

    Raises:
        UnknownThread: If it is not there.
        ConfigError: If several could be meant.
    """
    wanted = given("thread")
    if wanted is not None:
        return memory.thread(wanted, create=False)
    names = [info.id for info in islice(memory.threads(), 1000)]
    if _DEFAULT_THREAD in names or len(names) == 1:
        return memory.thread(_DEFAULT_THREAD if _DEFAULT_THREAD in names else names[0], create=False)
    if not names:
        raise UnknownThread("there is no thread yet; 'memex import' or 'memex send' makes one")
    raise ConfigError(f"which thread? Give --thread; there is {', '.join(names[:5])}")


def embeddings_of(memory: Memex, embedder: Any = None) -> Embeddings:
    """Return the vectors that the policy ``semantic`` of a memory's chain ranks by, or by a given embedder.

    Args:
        memory: The memory.
        embedder: Its name, with settings; by default what the chain says, or the default one.
    """
    settings = next((link.settings for link in memory.chain if link.name == "semantic"), {})
    chosen = embedder or settings.get("embedder") or settings.get("") or DEFAULT
    piece = settings.get("piece", PIECE)
    if not isinstance(piece, int):
        raise BadSetting(f"semantic: piece is {piece!r}; it must be a whole number")
    return embeddings_for(chosen, piece, memory)


def wants_json() -> bool:
    """Tell whether ``--json`` was given."""
    return bool(given("json"))


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far work has come, where a person watches; the value takes how much more is done."""
    if not total or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=total, label=what, file=sys.stderr, show_pos=True) as bar:
        yield bar.update
