"""Makes the package of a new plugin from templates."""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

from memex import ConfigError, __version__

KINDS: Final = ("policy", "store", "backend", "filter", "listener", "command")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_TRY_IT: Final = {
    "policy": "memex chain                 # where it stands now",
    "store": "memex threads --store $name:",
    "backend": "memex send hello --backend $name --store inmemory:",
    "filter": "memex plugins               # it is in force for every message now",
    "listener": "memex plugins               # it is told of every reply now",
    "command": "memex $name --help",
}


def make_plugin(kind: str, name: str, folder: Path) -> list[Path]:
    """Write the package ``memex-<name>`` into ``folder``; all of it or nothing.

    Args:
        kind: One of :data:`KINDS`.
        name: Name of the plugin, with or without ``memex-`` before it.
        folder: Where the package's own folder is made.

    Returns:
        The files, the one with the author's code last.

    Raises:
        ConfigError: If the name will not do, or there is something of that name.
    """
    bare = name.removeprefix("memex-")
    if not _NAME.match(bare) or len(bare) > 64 or bare == "core":
        raise ConfigError(
            f"{name!r} is no name for a plugin: use lower case letters, digits and single hyphens"
        )
    words = _words(kind, bare)
    target = folder / f"memex-{bare}"
    if target.exists():
        raise ConfigError(f"{target} is there already; nothing was changed")
    texts = {place: Template(text).substitute(words) for place, text in _templates(kind, words["module"])}
    try:
        building = Path(tempfile.mkdtemp(prefix=".memex-", dir=folder))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error  # what was to be made
    try:
        for place, text in texts.items():
            (building / place).parent.mkdir(parents=True, exist_ok=True)
            (building / place).write_text(text, encoding="utf-8")
        building.chmod(0o755)  # a temporary folder is its owner's alone
        building.rename(target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return [target / place for place in texts]


def _words(kind: str, name: str) -> dict[str, str]:
    major, minor = __version__.split(".")[:2]
    host, following = f"{major}.{minor}", f"{major}.{int(minor) + 1}"
    commands = kind == "command"
    bare = name.replace("-", "_")
    full = bare if bare.endswith(kind) else f"{bare}_{kind}"
    return {
        "kind": kind,
        "name": name,
        "module": f"memex_{bare}",
        "function": full,
        "title": "".join(word.capitalize() for word in full.split("_")),
        "host": host,
        "next": following,
        "requires": f'"memex-core{"[commands]" if commands else ""}>={host},<{following}"'
        + (', "click>=8.2"' if commands else ""),
        "try_it": Template(_TRY_IT[kind]).substitute(name=name),
    }


def _templates(kind: str, module: str) -> list[tuple[str, str]]:
    root = files("memex_cli") / "templates"
    every, own = root / "every", root / kind
    return [
        ("pyproject.toml", _text(every, "pyproject.toml")),
        ("README.md", _text(every, "README.md")),
        (f"src/{module}/py.typed", ""),
        (f"src/{module}/__init__.py", _text(own, "__init__.py")),
        (f"tests/test_{module.removeprefix('memex_')}_contract.py", _text(own, "test_contract.py")),
        (f"src/{module}/{kind}.py", _text(own, f"{kind}.py")),
    ]


def _text(folder: Traversable, name: str) -> str:
    return (folder / f"{name}.tmpl").read_text(encoding="utf-8")
