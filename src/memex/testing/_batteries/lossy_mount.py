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
from memex.testing._batteries.lossy_disk import LossyDisk, LossyFile, LossyFolder


class LossyMount:
    """A folder on a disk that forgets what was not synced.

    Args:
        folder: An empty folder, where the disk is mounted.
        names_last: Whether a new name lasts at once, without its folder being synced.
    """

    def __init__(self, folder: Path, *, names_last: bool = False) -> None:
        need(importlib.util.find_spec("mfusepy") is not None, "mfusepy: pip install memex-core[testing]")
        need(find_library("fuse") is not None or find_library("fuse3") is not None, _LIBRARY)
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
            pytest.fail(f"the disk for power cuts failed: {said or 'it could not be mounted'}")

    def __enter__(self) -> LossyMount:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unmount."""
        self.close()


_LIBRARY = "libfuse: apt-get install libfuse2"


def serve(folder: str, names_last: str) -> None:
    """Be the process that is the disk."""
    import mfusepy

    disk = LossyDisk(names_last=bool(names_last))
    lock = threading.Lock()
    out = sys.stdout

    def obey() -> None:
        out.write("mounted\n")
        out.flush()
        for line in sys.stdin:
            with lock:
                said = _obeyed(disk, *json.loads(line))
            out.write(f"{said}\n")
            out.flush()
        os.kill(os.getpid(), signal.SIGTERM)  # FUSE unmounts

    operations = _operations(mfusepy, disk, lock, threading.Thread(target=obey, daemon=True).start)
    # One thread serves the kernel, so that operations come one after the other. What is unlinked
    # while open lives on by its handle, without a hidden name.
    mfusepy.FUSE(
        operations, folder, foreground=True, nothreads=True, hard_remove=True, kernel_cache=True, big_writes=True
    )


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


def _operations(mfusepy: Any, disk: LossyDisk, lock: threading.Lock, begun: Any) -> Any:  # noqa: C901
    class Operations(mfusepy.Operations):  # type: ignore[misc, name-defined]
        """The disk, as FUSE asks for it: paths for names, handles for bytes."""

        use_ns = True
        flag_nullpath_ok = True

        def __init__(self) -> None:
            self._open: dict[int, LossyFile] = {}
            self._next = 0

        def init(self, path: str) -> None:
            begun()

        def getattr(self, path: str | None, fh: int | None = None) -> dict[str, Any]:
            with lock:
                node = self._open[fh] if path is None and fh is not None else disk.find(path or "")
                if isinstance(node, LossyFolder):
                    return _status(0o040000 | node.mode, 4096, 2)
                return _status(0o100000 | node.mode, len(node.current), 1)

        def readdir(self, path: str, fh: int) -> list[str]:
            with lock:
                return [".", "..", *disk.folder(path).current]

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            with lock:
                file = LossyFile(mode & 0o7777)
                disk.put(path, file)
                return self._handle(file)

        def open(self, path: str, flags: int) -> int:
            with lock:
                file = disk.file(path)
                if flags & os.O_TRUNC and file.current:
                    file.truncate(0)
                return self._handle(file)

        def release(self, path: str | None, fh: int) -> int:
            with lock:
                self._open.pop(fh, None)
                return 0

        def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
            with lock:
                return bytes(self._open[fh].current[offset : offset + size])

        def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
            with lock:
                self._open[fh].write(offset, data)
                return len(data)

        def truncate(self, path: str | None, length: int, fh: int | None = None) -> int:
            with lock:
                (disk.file(path or "") if fh is None else self._open[fh]).truncate(length)
                return 0

        def fsync(self, path: str | None, datasync: int, fh: int) -> int:
            with lock:
                self._open[fh].sync()
                return 0

        def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
            with lock:
                disk.folder(path).sync()
                return 0

        def mkdir(self, path: str, mode: int) -> int:
            with lock:
                disk.put(path, LossyFolder(mode & 0o7777))
                return 0

        def unlink(self, path: str) -> int:
            with lock:
                disk.remove(path)
                return 0

        def rmdir(self, path: str) -> int:
            with lock:
                if disk.folder(path).current:
                    raise mfusepy.FuseOSError(39)
                disk.remove(path)
                return 0

        def rename(self, old: str, new: str) -> int:
            with lock:
                disk.rename(old, new)
                return 0

        def link(self, target: str, source: str) -> int:
            with lock:
                disk.put(target, disk.file(source))
                return 0

        def chmod(self, path: str, mode: int) -> int:
            with lock:
                disk.find(path).mode = mode & 0o7777
                return 0

        def chown(self, path: str, uid: int, gid: int) -> int:
            return 0

        def utimens(self, path: str, times: Any = None) -> int:
            return 0

        def statfs(self, path: str) -> dict[str, int]:
            return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": 1 << 20, "f_bfree": 1 << 20, "f_bavail": 1 << 20}

        def _handle(self, file: LossyFile) -> int:
            self._next += 1
            self._open[self._next] = file
            return self._next

    return Operations()


def _status(mode: int, size: int, links: int) -> dict[str, Any]:
    return {"st_mode": mode, "st_size": size, "st_nlink": links, "st_uid": os.getuid(), "st_gid": os.getgid()}


if __name__ == "__main__":
    serve(*sys.argv[1:])
