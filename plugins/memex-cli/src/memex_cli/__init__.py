"""The memex command. Its commands are offered like anyone else's and imported when they run."""

from __future__ import annotations

from memex import Provider, hookimpl

_SUMMARIES = {
    "chat": "Talk: questions from the keyboard or a pipe",
    "send": "Say one thing and print the answer",
    "window": "Show what a model would see now",
    "explain": "Say what was kept, recalled or dropped, and why",
    "threads": "List the conversations",
    "show": "Print the messages of a thread",
    "search": "Find messages by their words",
    "fork": "Continue a thread in a new one",
    "pin": "Keep messages in every window",
    "import": "Store a JSONL file as a thread",
    "export": "Write a thread as JSONL",
    "archive": "Write, read or verify a copy of threads that loses nothing",
    "forget": "Erase messages or a whole thread",
    "replay": "Rebuild plans and compare byte for byte",
    "chain": "Show the policies in order, and why",
    "plugins": "List the plugins and what is wrong with them",
    "doctor": "Check the installation, the settings and the store",
    "keys": "List, keep or remove the keys of providers",
    "init-plugin": "Make a package for a plugin of your own",
}
_MODULES = {"import": "import_", "init-plugin": "init_plugin"}

COMMANDS = tuple(
    Provider(name, f"memex_cli.commands.{_MODULES.get(name, name)}:command", summary)
    for name, summary in _SUMMARIES.items()
)
"""What this plugin offers."""


@hookimpl
def memex_commands() -> tuple[Provider, ...]:
    """Offer the commands of this plugin."""
    return COMMANDS
