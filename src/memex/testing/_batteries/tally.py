"""What a battery counted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

_EXAMPLES = 5


class Tally:
    """How much a battery tried, and what went wrong.

    Args:
        battery: What it is called in its line.
        faults: The kinds of fault it looks for; the line names each, found or not.
    """

    def __init__(self, battery: str, *faults: str) -> None:
        self._battery = battery
        self._tried: dict[str, int] = {}
        self._faults: dict[str, list[str]] = {kind: [] for kind in faults}

    def tried(self, what: str, count: int = 1) -> None:
        """Count what was done: ``tried("trials")``."""
        self._tried[what] = self._tried.get(what, 0) + count

    def fault(self, kind: str, which: str) -> None:
        """Note something that must not be."""
        self._faults.setdefault(kind, []).append(which)

    def found(self) -> bool:
        """Tell whether there was any fault."""
        return any(self._faults.values())

    def clear_away(self, folder: Path) -> None:
        """Remove a folder that is done with; after a fault it is kept, to be looked at."""
        if not self.found():
            shutil.rmtree(folder)

    def __str__(self) -> str:
        """Return the battery's line."""
        counts = [f"{count:,} {what}" for what, count in self._tried.items()]
        counts += [f"{len(found):,} {kind}" for kind, found in self._faults.items()]
        return f"{self._battery}: {', '.join(counts)}"

    def settle(self, figure: Callable[[str], None]) -> None:
        """Hand in the line, and fail if there was a fault."""
        figure(str(self))
        examples = [f"{kind}: {which}" for kind, found in self._faults.items() for which in found[:_EXAMPLES]]
        assert not self.found(), "\n  ".join([str(self), *examples])
