"""What the host's tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles import WordCounter, evict

from memex import Memex

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> Iterator[None]:
    """Have Ctrl-C work: what a shell starts in the background ignores it, and so do all its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _starter_policies_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out plugins that join the default chain by being installed and are not in the starter set."""
    monkeypatch.setenv("MEMEX_DISABLE", "importance,semantic")


@pytest.fixture
def open_memory() -> Iterator[Callable[..., Memex]]:
    """Open memories in the process's memory; they are closed after the test."""
    opened: list[Memex] = []

    def opening(**settings: Any) -> Memex:
        memory = Memex(
            settings.pop("store", "inmemory:"), **({"counter": WordCounter(), "chain": [evict]} | settings)
        )
        opened.append(memory)
        return memory

    yield opening
    for memory in opened:
        memory.close()


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install plugins of ``tests/fakes`` for one test: ``fakes("good", "slow")``."""

    def install(*cases: str) -> None:
        for case in cases:
            assert (FAKES / case).is_dir(), case
            monkeypatch.syspath_prepend(FAKES / case)

    yield install
    for name in [name for name in sys.modules if name.startswith("memex_fake_")]:
        del sys.modules[name]


@pytest.fixture
def in_fresh_process() -> Callable[..., str]:
    """Run code in a new interpreter, with plugins of ``tests/fakes`` installed; return its output."""

    def run(code: str, *cases: str, **environment: str) -> str:
        path = os.pathsep.join(str(FAKES / case) for case in cases)
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            env={**os.environ, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
