"""Reads Google-style docstrings, for the parts of the pages that are made from the code."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

_SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Example):{1,2}\Z")
_ITEM = re.compile(r"(\*{0,2}\w+): (.*)")


class Docstring(NamedTuple):
    """A docstring in its sections.

    Attributes:
        intro: Everything before the first section.
        sections: The lines of each section, dedented, by its title.
    """

    intro: str
    sections: dict[str, str]

    @property
    def summary(self) -> str:
        """The first sentence or sentences, up to the first blank line, on one line."""
        return " ".join(self.intro.partition("\n\n")[0].split())

    def items(self, title: str) -> dict[str, str]:
        """Return what a section such as ``Args`` says about each name, on one line."""
        found: dict[str, str] = {}
        name = ""
        for line in self.sections.get(title, "").splitlines():
            start = _ITEM.match(line)
            if start:
                name, found[start[1]] = start[1], start[2]
            elif name and line.strip():
                found[name] += " " + line.strip()
        return found


def read(thing: object) -> Docstring:
    """Return the docstring of ``thing``; its own, not one it inherits."""
    lines = inspect.cleandoc(getattr(thing, "__doc__", None) or "").splitlines()
    intro: list[str] = []
    sections: dict[str, list[str]] = {}
    into = intro
    for line in lines:
        title = _SECTION.match(line)
        if title:
            into = sections.setdefault(title[1], [])
        elif into is not intro and line and not line.startswith(" "):
            into = intro
            into.append(line)
        else:
            into.append(line)
    texts = {name: inspect.cleandoc("\n".join(body)) for name, body in sections.items()}
    return Docstring("\n".join(intro).strip(), texts)


def to_markdown(text: str) -> str:
    """Return docstring markup as Markdown: roles and double backquotes become code."""
    text = re.sub(r":\w+:`~?(?:memex\.)?([^`]+)`", r"`\1`", text)
    return re.sub(r"``([^`]*)``", r"`\1`", text)


def cell(text: str) -> str:
    """Return text for a cell of a Markdown table."""
    return to_markdown(text).replace("|", "\\|")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
