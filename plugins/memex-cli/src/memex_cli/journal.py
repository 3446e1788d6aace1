"""What went wrong with plugins in earlier runs, so that ``memex plugins`` can still name the culprit.

A small file in the platform's folder for state. It is kept at best effort: no command fails or
waits because of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from memex import PluginError, Problem

MOST: Final = 100
_SEEN_BY_PROBE = frozenset({"discover", "import", "register", "check", "offer", "slow"})


def journal_file() -> Path:
    """Return where the journal is."""
    from platformdirs import user_state_path

    return user_state_path("memex") / "problems.jsonl"


def earlier_problems() -> list[dict[str, Any]]:
    """Return what was noted, oldest first; nothing where the journal is missing or damaged."""
    found: list[dict[str, Any]] = []
    with suppress(OSError, UnicodeDecodeError):
        for line in journal_file().read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                noted = json.loads(line)
                found += [noted] if isinstance(noted, dict) else []
    return found


def note_problems(problems: Iterable[Problem]) -> None:
    """Note what plugins did wrong at run time; what loading shows each time is left out."""
    _note(
        {
            "plugin": problem.plugin,
            "distribution": problem.distribution,
            "version": problem.version,
            "stage": problem.stage,
            "message": problem.message,
        }
        for problem in problems
        if problem.stage not in _SEEN_BY_PROBE
    )


def note_error(error: PluginError) -> None:
    """Note that a plugin could not be built; what it does wrong later is among the problems."""
    if type(error) is PluginError:
        _note([{"plugin": error.plugin, "version": error.version, "stage": "build", "message": str(error)}])


def _note(problems: Iterable[dict[str, Any]]) -> None:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    new = [{"when": when, **problem} for problem in problems]
    if not new:
        return
    with suppress(OSError):
        again = [_identity(problem) for problem in new]
        kept = [problem for problem in earlier_problems() if _identity(problem) not in again]
        lines = [json.dumps(problem) for problem in [*kept, *new][-MOST:]]
        path = journal_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _identity(problem: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(problem.get(key) for key in ("plugin", "version", "stage", "message"))
