"""Checks a store in a process of its own: ``python -m memex_cli.check_store`` for ``memex doctor``.

The settings come on stdin as JSON; what is wrong goes to stdout as a JSON list. The doctor imports
no plugin, and a store that crashes must not take it along.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from memex import Memex, MemexError

_KEYS: Final = ("store", "namespace", "disable")


def faults_of_store(settings: Mapping[str, Any], timeout: float) -> list[str]:
    """Return what is wrong with the store of these settings, looking from a child process.

    Args:
        settings: Arguments of :class:`~memex.Memex`; those that concern the store are used.
        timeout: Seconds that it may take.
    """
    asked = {key: settings[key] for key in _KEYS if key in settings}
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "memex_cli.check_store"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"the check was not done within {timeout:g} s"]
    try:
        faults = json.loads(done.stdout.rpartition("\n")[2])
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2]
        return [f"the check ended with exit code {done.returncode}: {last}"]
    return [str(fault) for fault in faults]


def main() -> None:
    """Print what is wrong with the store."""
    try:
        with Memex(**json.load(sys.stdin)) as memory:
            faults = memory.store.check()
    except MemexError as error:
        faults = [str(error)]
    sys.stdout.write("\n" + json.dumps(faults))  # the last line: a plugin may have printed before


if __name__ == "__main__":
    main()
