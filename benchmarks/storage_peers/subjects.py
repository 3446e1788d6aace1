"""What is measured, and the environment that each of it gets."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, NamedTuple


class Absent(Exception):
    """Something cannot be measured here; the text says why."""


class Subject(NamedTuple):
    """One way to keep conversations.

    Attributes:
        module: Module of this folder that drives it.
        attribute: Its class there.
        packages: What its environment needs; empty for what comes with this tree.
        most: How many messages its thread gets at most. Where a library rewrites or reads the whole
            thread at each append, a hundred thousand would take hours; where it reads a thread as
            one list, a million would take gigabytes.
        settings: Keyword arguments of the class.
        peer: Whether memex must be ahead of it.
    """

    module: str
    attribute: str
    packages: tuple[str, ...] = ()
    most: int = 10_000_000
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed
    peer: bool = True

    @property
    def ours(self) -> bool:
        """Whether it runs in this script's own environment."""
        return not self.packages


def _memex(attribute: str = "MemexStore", *, most: int = 10_000_000, **settings: Any) -> Subject:
    return Subject("memex_stores", attribute, most=most, settings=settings, peer=False)


RAW, RAW_BARE = "raw sqlite3", "raw sqlite3, no index"
SQLITE, SQLITE_BARE = "memex-sqlite", "memex-sqlite, no index"
SQLITE_THREAD = "memex-sqlite, thread.append"
SUBJECTS = {
    RAW: Subject("raw_sqlite", "Raw", peer=False),
    SQLITE: _memex(use="sqlite"),
    RAW_BARE: Subject("raw_sqlite", "Raw", settings={"index": False}, peer=False),
    SQLITE_BARE: _memex(use="sqlite", index="none"),
    SQLITE_THREAD: _memex("MemexThread", most=100_000, use="sqlite"),
    "memex-jsonl": _memex(use="jsonl"),
    "memex-inmemory": _memex(most=100_000, use="inmemory"),
    "openai-agents": Subject("openai_agents", "Session", ("openai-agents",), most=100_000),
    # langchain-community does not require the asyncio extra, and does not import without it;
    # memexllm does not require aiosqlite, likewise.
    "langchain": Subject(
        "langchain_sql", "History", ("langchain-community", "sqlalchemy[asyncio]"), most=100_000
    ),
    "langgraph": Subject(
        "langgraph_saver", "Saver", ("langgraph", "langgraph-checkpoint-sqlite"), most=1_000
    ),
    "llm": Subject("llm_log", "Log", ("llm",), most=600),
    "memexllm": Subject("memexllm_log", "History", ("memexllm", "aiosqlite"), most=1_000),
}
PAIRS = ((SQLITE, RAW), (SQLITE_BARE, RAW_BARE))
"""Which of ours is measured against which limit."""
PEERS = tuple(name for name, subject in SUBJECTS.items() if subject.peer)


def interpreter(name: str, environments: Path) -> Path:
    """Return the interpreter of a subject's environment, made if it is not there.

    Raises:
        Absent: If it cannot be installed.
    """
    subject = SUBJECTS[name]
    if subject.ours:
        return Path(sys.executable)
    place = environments / f"storage-{name}"
    python, mark = place / "bin" / "python", place / "installed.txt"
    wanted = "\n".join(subject.packages)
    if mark.exists() and mark.read_text() == wanted:
        return python
    print(f"installing {', '.join(subject.packages)} into {place}", file=sys.stderr)
    venv.create(place, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *subject.packages]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Absent(f"not installed: {(done.stderr.strip() or 'pip failed').splitlines()[-1][:200]}")
    mark.write_text(wanted)
    return python


def version(name: str, python: Path) -> str:
    """Return the version of a peer's first package."""
    package = SUBJECTS[name].packages[0]
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return f"{package} {done.stdout.strip()}"
