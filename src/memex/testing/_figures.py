"""What pytest learns from the kit: the marker ``battery``, and the batteries' figures at the end of a run.

pytest loads this module wherever memex is installed, so it imports nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "battery: a store's promise under fire, often; MEMEX_BATTERIES=full runs it in full size "
        '(memex.testing.StoreBatteries). Leave out with -m "not battery"',
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figure of each battery that ran, whether it passed or failed."""
    lines = {
        str(value): None
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "battery"
    }
    if lines:
        terminalreporter.section("batteries")
        for line in lines:
            terminalreporter.write_line(line)
