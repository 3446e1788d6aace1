"""A :class:`LossyDisk` that is mounted, by FUSE, in a process of its own.

``python -m memex.testing._batteries.lossy_mount FOLDER NAMES_LAST`` mounts it and takes commands
on its standard input, JSON lists, one a line; each is answered with a line.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import threading
from ctypes.util import find_library
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from memex._probe import same_modules
from memex.testing._batteries.case import need
from memex.testing._batteries.lossy_disk import LossyDisk


class LossyMount:
    """A folder on a disk that forgets what was not synced.

    Args:
        folder: An empty folder, where the disk is mounted.
        names_last: Whether a new name lasts at once, without its folder being synced.
    """

    def __init__(self, folder: Path, *, names_last: bool = False) -> None:
        need(importlib.util.find_spec("mfusepy") is not None, "mfusepy: pip install memex-core[testing]")
        need(find_library("fuse") is not None, _LIBRARY)
        need(os.access("/dev/fuse", os.R_OK | os.W_OK), "/dev/fuse, readable and writable for this user")
        self.folder = folder
        self._process = subprocess.Popen(  # noqa: S603 - our own module, in our own interpreter
            [sys.executable, "-m", __name__, str(folder), "names" if names_last else ""],
            env=same_modules(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._hear("mounted")

    def settle(self) -> None:
        """Make everything on the disk last."""
        self._ask("settle")

    def cut(self, name: str, target: Path, seed: int | None) -> None:
        """Write what a cut leaves of a folder into a real one, and clear the disk.

        Args:
            name: The folder, at the top of the disk.
            target: Where to write; it is made.
            seed: Leaves a random part of what was not synced; None leaves nothing of it.
        """
        self._ask("cut", name, str(target), seed)

    def close(self) -> None:
        """Unmount."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _ask(self, *command: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        self._hear("done")

    def _hear(self, word: str) -> None:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != word:
            self._process.kill()
            self.close()
            pytest.fail(f"the disk for power cuts failed: {said or 'it could not be mounted'}")

    def __enter__(self) -> LossyMount:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unmount."""
        self.close()


_LIBRARY = "libfuse 2: apt-get install libfuse2, or libfuse2t64 where it is called so"


def serve(folder: str, names_last: str) -> None:
    """Be the process that is the disk."""
    from memex.testing._batteries.lossy_fuse import mount

    disk = LossyDisk(names_last=bool(names_last))
    lock = threading.Lock()

    def obey() -> None:
        _answer("mounted")
        for line in sys.stdin:
            with lock:
                said = _obeyed(disk, *json.loads(line))
            _answer(said)
        os.kill(os.getpid(), signal.SIGTERM)  # FUSE unmounts

    mount(disk, folder, lock=lock, begun=threading.Thread(target=obey, daemon=True).start)


def _answer(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _obeyed(disk: LossyDisk, verb: str, *arguments: Any) -> str:
    try:
        if verb == "settle":
            disk.root.settle()
        else:
            name, target, seed = arguments
            chance = None if seed is None else random.Random(seed)  # noqa: S311 - a game, not a secret
            disk.folder(name).after_cut(Path(target), chance)
            for gone in list(disk.root.current):
                disk.root.take(gone)
            disk.root.sync()
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    return "done"


if __name__ == "__main__":
    serve(*sys.argv[1:])
