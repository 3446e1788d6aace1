"""Which plugins are installed. Reads metadata only; no plugin is imported."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from memex._plugin import Problem, describe, label

if TYPE_CHECKING:
    import importlib_metadata

GROUP: Final = "memex"


class EntryPointInfo(msgspec.Struct, frozen=True):
    """An entry point of the group ``memex``.

    Attributes:
        name: Name of the plugin; unique in one :func:`discover`.
        value: Where it is, ``"memex_fifo"`` or ``"memex_fifo:plugin"``.
        distribution: The distribution that declares it.
        version: Version of that distribution.
    """

    name: str
    value: str
    distribution: str
    version: str

    def __str__(self) -> str:
        """Name, distribution and version: ``fifo (memex-fifo 0.1.0)``."""
        return label(self.name, self.distribution, self.version)


def canonical(name: str) -> str:
    """Return a distribution's name as the package index compares it: ``Memex_Fifo`` is ``memex-fifo``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def discover() -> list[EntryPointInfo]:
    """Return the installed plugins by name, each once, without importing any."""
    return scan()[0]


def resolve(point: EntryPointInfo) -> object:
    """Import what an entry point names. Raises whatever the plugin raises."""
    from importlib_metadata import EntryPoint

    return EntryPoint(point.name, point.value, GROUP).load()


def requirements(distribution: str) -> list[str]:
    """Return what an installed distribution requires, extras included; empty if it is not installed."""
    from importlib_metadata import PackageNotFoundError, requires

    try:
        return requires(distribution) or []
    except (PackageNotFoundError, ValueError):
        return []


def scan() -> tuple[list[EntryPointInfo], list[Problem]]:
    """Return what :func:`discover` does, and the distributions that could not be read."""
    problems: list[Problem] = []
    found: dict[tuple[str, str], EntryPointInfo] = {}
    for point in _entry_points(problems):
        try:
            distribution, version = _identity(point)
        except Exception as error:  # noqa: BLE001 - damaged metadata raises all sorts of things
            problems.append(Problem(point.name, "", "", "discover", f"no name or version: {describe(error)}"))
            continue
        info = EntryPointInfo(point.name, point.value, distribution, version)
        # The first on sys.path wins, as it does for an import.
        found.setdefault((point.name, canonical(distribution)), info)
    return _unique_names([found[key] for key in sorted(found)], problems), problems


def _entry_points(problems: list[Problem]) -> Iterator[importlib_metadata.EntryPoint]:
    """Yield the entry points of the group.

    Not with ``entry_points(group=...)``: one malformed file of anybody's package anywhere on
    ``sys.path`` makes that fail for all, and parsing every file takes four times as long.
    """
    import importlib_metadata as metadata  # 20 ms: only who looks for plugins pays for it

    # Python lists a standard zip file that hardly ever exists; looking into it imports zipfile, 5 ms.
    there = [entry for entry in sys.path if Path(entry).exists()]
    for distribution in metadata.distributions(path=there):
        try:
            if f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or ""):
                yield from distribution.entry_points.select(group=GROUP)
        except Exception as error:  # noqa: BLE001 - whatever a damaged file may cause
            message = f"its entry points cannot be read: {describe(error)}"
            problems.append(Problem(str(distribution), "", "", "discover", message))


def _identity(point: importlib_metadata.EntryPoint) -> tuple[str, str]:
    """Return name and version of the distribution.

    Its ``metadata`` property would parse the whole file, README included, once for each of the
    two: 1 ms a plugin. The two lines stand in the head.
    """
    distribution = point.dist
    if distribution is None:
        raise LookupError("the entry point belongs to no distribution")
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    name = fields.get("Name") or distribution.name
    version = fields.get("Version") or distribution.version
    return name.strip(), version.strip()


def _unique_names(points: list[EntryPointInfo], problems: list[Problem]) -> list[EntryPointInfo]:
    first: dict[str, EntryPointInfo] = {}
    unique = []
    for point in points:
        other = first.setdefault(point.name, point)
        if other is not point:
            renamed = f"{point.name}@{point.distribution}"
            message = (
                f"its name {point.name!r} is taken by {other.distribution} {other.version}; "
                f"loaded as {renamed!r}. Uninstall or disable one of the two"
            )
            problems.append(Problem(renamed, point.distribution, point.version, "discover", message))
            point = msgspec.structs.replace(point, name=renamed)  # noqa: PLW2901 - the same point
        unique.append(point)
    return unique
