"""What pytest learns from the kit: the marker ``battery``, and the figures at the end of a run.

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


_SECTIONS = {"battery": "batteries", "faults": "faults over the wire"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests have recorded, whether they passed or failed."""
    recorded = [
        (name, str(value))
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
    ]
    for name, title in _SECTIONS.items():
        lines = dict.fromkeys(value for kind, value in recorded if kind == name)
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)
