"""Makes the hook reference from ``memex.hookspecs``: every hook with its exact arguments is a heading."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from docstrings import read, to_markdown

from memex import hookspecs

TITLES = {
    "offers": "Offers",
    "events": "Events",
}
INTROS = {
    "offers": (
        "Asked once, when a Memex opens. Each takes nothing and answers with a list of "
        "[providers](names.md#plugins)."
    ),
    "events": (
        "Told after the fact. What they return is ignored, but for the counts of what was erased, and an "
        "exception in one is written down as a problem of its plugin and never reaches the caller."
    ),
}


def all_hooks() -> dict[str, Callable[..., object]]:
    """Return every hook of memex by name, in the order of the specification."""
    return {name: hook for name, hook in vars(hookspecs).items() if name.startswith("memex_")}


def heading(name: str, hook: Callable[..., object]) -> str:
    """Return a hook as it is called: ``memex_message_stored(thread, entry)``."""
    return f"{name}({', '.join(inspect.signature(hook).parameters)})"


def hooks() -> str:
    """Return the reference of all hooks."""
    return "\n\n".join(_lines())


def _lines() -> Iterator[str]:
    group = ""
    for name, hook in all_hooks().items():
        mine = "offers" if "Provider" in inspect.signature(hook).return_annotation else "events"
        if mine != group:
            group = mine
            yield f"## {TITLES[group]}"
            yield INTROS[group]
        yield f"### {heading(name, hook)}"
        doc = read(hook)
        yield to_markdown(doc.intro)
        types = inspect.signature(hook).parameters
        arguments = [
            f"- `{argument}` ({types[argument].annotation}): {to_markdown(text)}"
            for argument, text in doc.items("Args").items()
        ]
        if arguments:
            yield "\n".join(arguments)
        example = doc.sections["Example"].replace("\n\n# ", "\n\n\n# ")  # as the formatter wants it
        yield f"```python\n{example}\n```"
