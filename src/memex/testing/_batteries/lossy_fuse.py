"""A :class:`LossyDisk` as FUSE asks for it. Imported by the process that is the disk, and by no other."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from typing import Any

import mfusepy  # type: ignore[import-untyped]

from memex.testing._batteries.lossy_disk import LossyDisk, LossyFile, LossyFolder

_FOLDER, _FILE = 0o040000, 0o100000
_PERMISSIONS = 0o7777


def mount(disk: LossyDisk, folder: str, *, lock: threading.Lock, begun: Callable[[], None]) -> None:
    """Mount a disk and serve it until this process is told to end.

    Args:
        disk: The disk.
        folder: Where.
        lock: Held while the disk is used.
        begun: Called as soon as it is mounted.
    """
    # One thread serves the kernel, so that operations come one after the other. What is unlinked
    # while open lives on by its handle, without a hidden name.
    mfusepy.FUSE(
        _Operations(disk, lock, begun),
        folder,
        foreground=True,
        nothreads=True,
        hard_remove=True,
        kernel_cache=True,
        big_writes=True,
    )


class _Operations(mfusepy.Operations):  # type: ignore[misc]
    """Paths for names, handles for bytes."""

    use_ns = True
    flag_nullpath_ok = True

    def __init__(self, disk: LossyDisk, lock: threading.Lock, begun: Callable[[], None]) -> None:
        self._disk, self._lock, self._begun = disk, lock, begun
        self._open: dict[int, LossyFile] = {}
        self._next = 0

    def init(self, path: str) -> None:
        self._begun()

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, Any]:
        with self._lock:
            node = self._open[fh] if path is None and fh is not None else self._disk.find(path or "")
            if isinstance(node, LossyFolder):
                return _status(_FOLDER | node.mode, size=4096, links=2)
            return _status(_FILE | node.mode, size=len(node.current), links=1)

    def readdir(self, path: str, fh: int) -> list[str]:
        with self._lock:
            return [".", "..", *self._disk.folder(path).current]

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        with self._lock:
            file = LossyFile(mode & _PERMISSIONS)
            self._disk.put(path, file)
            return self._handle(file)

    def open(self, path: str, flags: int) -> int:
        with self._lock:
            file = self._disk.file(path)
            if flags & os.O_TRUNC and file.current:
                file.truncate(0)
            return self._handle(file)

    def release(self, path: str | None, fh: int) -> int:
        with self._lock:
            self._open.pop(fh, None)
        return 0

    def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
        with self._lock:
            return bytes(self._open[fh].current[offset : offset + size])

    def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
        with self._lock:
            self._open[fh].write(offset, data)
        return len(data)

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> int:
        with self._lock:
            (self._disk.file(path or "") if fh is None else self._open[fh]).truncate(length)
        return 0

    def fsync(self, path: str | None, datasync: int, fh: int) -> int:
        with self._lock:
            self._open[fh].sync()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        with self._lock:
            self._disk.folder(path).sync()
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        with self._lock:
            self._disk.put(path, LossyFolder(mode & _PERMISSIONS))
        return 0

    def unlink(self, path: str) -> int:
        with self._lock:
            self._disk.remove(path)
        return 0

    def rmdir(self, path: str) -> int:
        with self._lock:
            if self._disk.folder(path).current:
                raise OSError(errno.ENOTEMPTY, path)
            self._disk.remove(path)
        return 0

    def rename(self, old: str, new: str) -> int:
        with self._lock:
            self._disk.rename(old, new)
        return 0

    def link(self, target: str, source: str) -> int:
        with self._lock:
            self._disk.put(target, self._disk.file(source))
        return 0

    def chmod(self, path: str, mode: int) -> int:
        with self._lock:
            self._disk.find(path).mode = mode & _PERMISSIONS
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        blocks = dict.fromkeys(("f_blocks", "f_bfree", "f_bavail"), 1 << 20)
        return {"f_bsize": 4096, "f_frsize": 4096, **blocks}

    def _handle(self, file: LossyFile) -> int:
        self._next += 1
        self._open[self._next] = file
        return self._next


def _status(mode: int, *, size: int, links: int) -> dict[str, Any]:
    owner = {"st_uid": os.getuid(), "st_gid": os.getgid()}
    return {"st_mode": mode, "st_size": size, "st_nlink": links, **owner}
