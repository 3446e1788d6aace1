"""What the commands of plugins share: options that open a memory, the memory, its thread, and safe output.

A command of the ``memex`` program is a click command that a plugin offers by the hook ``memex_commands``::

    import click

    from memex.commands import memory_options, open_memory, open_thread, say, thread_option

    @click.command()
    @memory_options
    @thread_option
    def count() -> None:
        with open_memory() as memory:
            say(f"{open_thread(memory).info.head} messages")

Needs ``pip install memex-core[commands]``, which brings click. Names are imported on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memex.commands._json_out import print_json as print_json
    from memex.commands._json_out import print_json_list as print_json_list
    from memex.commands._json_out import safe_json as safe_json
    from memex.commands._opening import memory_settings as memory_settings
    from memex.commands._opening import open_memory as open_memory
    from memex.commands._opening import open_thread as open_thread
    from memex.commands._options import backend_option as backend_option
    from memex.commands._options import chain_option as chain_option
    from memex.commands._options import every_option as every_option
    from memex.commands._options import examples as examples
    from memex.commands._options import given as given
    from memex.commands._options import json_option as json_option
    from memex.commands._options import memory_options as memory_options
    from memex.commands._options import settings_option as settings_option
    from memex.commands._options import thread_option as thread_option
    from memex.commands._options import wants_json as wants_json
    from memex.commands._options import window_options as window_options
    from memex.commands._terminal import note as note
    from memex.commands._terminal import one_line as one_line
    from memex.commands._terminal import safe as safe
    from memex.commands._terminal import say as say

_HOME = {
    "backend_option": "_options",
    "chain_option": "_options",
    "every_option": "_options",
    "examples": "_options",
    "given": "_options",
    "json_option": "_options",
    "memory_options": "_options",
    "memory_settings": "_opening",
    "note": "_terminal",
    "one_line": "_terminal",
    "open_memory": "_opening",
    "open_thread": "_opening",
    "print_json": "_json_out",
    "print_json_list": "_json_out",
    "safe": "_terminal",
    "safe_json": "_json_out",
    "say": "_terminal",
    "settings_option": "_options",
    "thread_option": "_options",
    "wants_json": "_options",
    "window_options": "_options",
}

__all__ = [*_HOME]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'memex.commands' has no attribute {name!r}")
    from importlib import import_module

    try:
        value = getattr(import_module(f"memex.commands.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        message = "memex.commands needs click: pip install 'memex-core[commands]'"
        raise ModuleNotFoundError(message, name="click") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
