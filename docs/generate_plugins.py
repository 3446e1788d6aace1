"""Makes the list of first-party plugins: what each offers and which settings that takes."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

from docstrings import cell, read, table
from generate_hooks import all_hooks

from memex import Provider
from memex._offers import KINDS

ROOT = Path(__file__).parents[1]


def plugin_folders() -> list[Path]:
    """Return the folders of the first-party plugins."""
    return sorted(path.parent for path in ROOT.glob("plugins/memex-*/pyproject.toml"))


def plugins() -> str:
    """Return a list of the plugins, then what each offers."""
    rows = []
    parts = []
    for folder in plugin_folders():
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        (name,) = project["entry-points"]["memex"]
        offers = list(_offers(project["entry-points"]["memex"][name]))
        kinds = ", ".join(dict.fromkeys(kind for kind, _ in offers))
        link = f"[README](../../plugins/{folder.name}/README.md)"
        about = project["description"].removesuffix(" A plugin for memex.")
        rows.append((f"`{folder.name}`", cell(about), kinds, link))
        parts += [
            f"## {offer.name}\n\n{_offer(folder.name, KINDS[kind], offer)}"
            for kind, offer in offers
            if kind != "commands"
        ]
    return "\n\n".join([table(("plugin", "what it is", "offers", "more"), rows), *parts])


def readme_pages() -> dict[str, str]:
    """Return the pages that bring the plugins' READMEs into the HTML, by file name."""
    return {
        f"{folder.name}.md": f"```{{include}} ../../../plugins/{folder.name}/README.md\n```\n"
        for folder in plugin_folders()
    }


def _offers(value: str) -> Iterator[tuple[str, Provider]]:
    module, _, attribute = value.partition(":")
    plugin: Any = import_module(module)
    plugin = getattr(plugin, attribute) if attribute else plugin
    for hook, specification in all_hooks().items():
        implementation = getattr(plugin, hook, None)
        if implementation and not inspect.signature(specification).parameters:  # asked once, not told
            for offer in implementation():
                yield hook.removeprefix("memex_"), offer


def _offer(plugin: str, kind: str, offer: Provider) -> str:
    module, _, path = offer.target.partition(":")
    target = reduce(getattr, path.split("."), import_module(module))
    article = "An" if kind[0] in "aeiou" else "A"
    text = f"{article} {kind} of `{plugin}`. {cell(offer.summary)}."
    meanings = read(target).items("Args") or read(getattr(target, "__init__", None)).items("Args")
    rows = [
        (f"`{_spelt(parameter)}`", cell(meanings.get(_spelt(parameter), "")), _default(parameter))
        for name, parameter in inspect.signature(target).parameters.items()
        if name not in ("host", "namespace")
    ]
    return f"{text}\n\n{table(('setting', 'what it says', 'default'), rows)}" if rows else text


def _spelt(parameter: inspect.Parameter) -> str:
    return f"**{parameter.name}" if parameter.kind is parameter.VAR_KEYWORD else parameter.name


def _default(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return ""
    if parameter.default is parameter.empty:
        return "required"
    return "" if parameter.default is None else f"`{parameter.default!r}`"
