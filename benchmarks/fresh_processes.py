"""Fresh processes and environments, for the benchmarks of start-up."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def cpu_ms(python: Path, code: str, runs: int, folder: Path) -> float | None:
    """Return the median CPU time of a fresh process in ms, None if it fails."""
    times = []
    for run in range(runs + 1):
        for left in folder.glob("new.db*"):
            left.unlink()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            print(done.stderr.decode()[-500:], file=sys.stderr)
            return None
        if run:  # the first one warms the disk cache
            times.append((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3)
    return round(statistics.median(times), 1)


def make_environment(place: Path, *requirements: str) -> Path | None:
    """Return the interpreter of an environment with these installed, None if it cannot be made."""
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
        capture_output=True,
        check=False,
    )
    return None if done.returncode else python
