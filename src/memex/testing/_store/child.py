"""A process that appends: ``python -m memex.testing._store.child FILE CLASS FOLDER THREAD NAME COUNT``.

It waits for a line on its standard input, opens the store cold, appends one message after the
other, and prints the id of each as soon as the store has acknowledged it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from memex import Message
from memex._probe import same_modules
from memex.testing._loading import load_case, place_of
from memex.testing._store.case import StoreCase


class Appender:
    """A child process that appends to the store under test.

    Args:
        case: The test, whose class the child loads from its file to open the store.
        folder: Where the store is.
        thread: The thread.
        name: The beginning of its messages' ids.
        count: How many it appends.
    """

    def __init__(self, case: StoreCase, folder: Path, thread: str, name: str, count: int) -> None:
        kind = type(case)
        if not kind.processes:
            pytest.skip(f"{kind.__name__}.processes is False: its store is for one process")
        if (place := place_of(kind)) is None:
            pytest.skip(f"{kind.__name__} stands inside a function, where no other process can load it")
        arguments = [*place, str(folder), thread, name, str(count)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module, in our own interpreter
            [sys.executable, "-m", "memex.testing._store.child", *arguments],
            env=same_modules(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def acknowledged(self, count: int | None = None) -> list[str]:
        """Return the ids it has printed: the next ``count``, or all until it ends."""
        assert self._process.stdout is not None
        if count is not None:
            return [self._process.stdout.readline().strip() for _ in range(count)]
        return self._process.stdout.read().split()

    def end(self) -> int:
        """Wait for it and return its exit code."""
        self._close()
        return self._process.wait(60)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def main(file: str, kind: str, folder: str, thread: str, name: str, count: str) -> None:
    """Be the child process."""
    case: StoreCase = load_case(file, kind)()
    out = sys.stdout
    out.write("ready\n")
    out.flush()
    sys.stdin.readline()
    store = case.open_store(Path(folder))
    for number in range(int(count)):
        (entry,) = store.append(thread, [Message.user(f"kraken {number}", id=f"{name}-{number}")]).entries
        out.write(f"{entry.message.id}\n")
        out.flush()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
