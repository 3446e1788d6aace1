"""What every battery stands on: its sizes, its figure, and the tools it needs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import ClassVar

import pytest

from memex import MemexError
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.turns import examine
from memex.testing._store.case import StoreCase

Figure = Callable[[str], None]


def asked_for(word: str) -> bool:
    """Tell whether ``MEMEX_BATTERIES``, words between commas, holds a word: ``full``, ``strict``."""
    return word in os.environ.get("MEMEX_BATTERIES", "").replace(" ", "").split(",")


def sized(quick: int, *, full: int) -> int:
    """Return a battery's size: the quick one, or the full one when ``MEMEX_BATTERIES=full``."""
    return full if asked_for("full") else quick


def need(present: bool, what: str) -> None:
    """Skip the test where a tool is missing; fail it instead when ``MEMEX_BATTERIES=strict``.

    Args:
        present: Whether it is there.
        what: What is needed, and how to get it.
    """
    if not present and asked_for("strict"):
        pytest.fail(f"MEMEX_BATTERIES=strict, and this is missing: {what}")
    if not present:
        pytest.skip(f"needs {what}")


def need_linux() -> None:
    """Skip the test elsewhere; see :func:`need`."""
    need(sys.platform == "linux", "Linux")


def need_program(name: str, package: str) -> str:
    """Return the path of a program, or skip; see :func:`need`."""
    found = shutil.which(name)
    need(found is not None, f"{name}: apt-get install {package}")
    assert found is not None
    return found


class BatteryCase(StoreCase):
    """A store under fire."""

    pytestmark = pytest.mark.battery

    own_files: ClassVar[bool] = True

    @pytest.fixture
    def figure(self, record_property: Callable[[str, object], None]) -> Figure:
        """Give what takes a battery's line; the lines are shown at the end of the run."""
        return lambda line: record_property("battery", f"{type(self).__name__}  {line}")

    def need_workers(self) -> None:
        """Skip a battery in which a process writes, and after its end another one reads."""
        self.need_persistence()
        need_linux()

    def need_files(self) -> None:
        """Skip a battery about files in the folder, where the store keeps its data elsewhere."""
        self.need_workers()
        if not self.own_files:
            pytest.skip(f"{type(self).__name__}.own_files is False: its data lies outside the folder")

    def examine(
        self, folder: Path, acknowledged: Collection[str], tally: Tally, *, sound: bool = True
    ) -> list[str]:
        """Open what is left of a store and compare it with what it acknowledged.

        Args:
            folder: The store's folder.
            acknowledged: Names of the turns whose append returned.
            tally: Takes the faults.
            sound: Whether :meth:`memex.Store.check` is asked too.

        Returns:
            The turns that are there, in order.
        """
        try:
            store = self.open_store(folder)
        except MemexError as error:
            tally.fault("unreadable", f"the whole store: {type(error).__name__}: {error}")
            return []
        try:
            return examine(store, tally, acknowledged, sound=sound)
        finally:
            store.close()
