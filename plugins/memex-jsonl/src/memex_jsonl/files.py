"""Files: opened without following links, written whole, synced, and their errors in memex's words."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from memex import StoreDamaged, StoreUnavailable

# O_NONBLOCK: a pipe that was planted under a name of ours must not block whoever opens it.
_FLAGS: Final = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_WHY: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the file would be larger than the disk allows",
    errno.EIO: "the disk failed",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOENT: "it is not there, or was removed while the store was open",
    errno.ENOTDIR: "a part of its path is a file",
    errno.EMFILE: "this process has too many open files",
    errno.ENFILE: "the machine has too many open files",
    errno.ENOMEM: "there is no memory left",
    errno.ENAMETOOLONG: "its path is too long",
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn whatever the system raises in this block into an error of memex."""
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(path)
        if error.errno == errno.ELOOP:
            raise StoreDamaged(f"{where} is a symbolic link, which memex-jsonl never makes") from error
        why = _WHY.get(error.errno or 0, "the system refused it")
        raise StoreUnavailable(f"{where}: {why} ({error.strerror or error})") from error


def open_file(path: Path, *, write: bool = False, create: bool = False, new: bool = False) -> int:
    """Open a file and return its descriptor.

    Raises:
        StoreDamaged: If something else than a file has that name.
    """
    flags = os.O_RDWR if write else os.O_RDONLY
    flags |= (os.O_CREAT if create or new else 0) | (os.O_EXCL if new else 0)
    fd = os.open(path, flags | _FLAGS, 0o666)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise StoreDamaged(f"{path} is not a file")
    return fd


def read_file(path: Path) -> bytes | None:
    """Return what a file holds, None if it is not there."""
    try:
        fd = open_file(path)
    except FileNotFoundError:
        return None
    try:
        return read_at(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


def read_at(fd: int, size: int, at: int) -> bytes:
    """Return ``size`` bytes from an offset on, fewer at the end of the file."""
    pieces: list[bytes] = []
    while size > 0:
        piece = _read(fd, min(size, 1 << 30), at)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
        at += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def write_at(fd: int, data: bytes, at: int) -> None:
    """Write all of ``data`` at an offset: one write, unless the system takes less at once."""
    done = _write(fd, data, at)
    while done < len(data):
        more = _write(fd, data[done:], at + done)
        if not more:
            raise OSError(errno.EIO, "nothing was written")
        done += more


if hasattr(os, "pread"):
    _read, _write = os.pread, os.pwrite
else:  # pragma: no cover - Windows; a descriptor serves one operation, so its position is ours

    def _read(fd: int, size: int, at: int) -> bytes:
        os.lseek(fd, at, os.SEEK_SET)
        return os.read(fd, size)

    def _write(fd: int, data: bytes, at: int) -> int:  # type: ignore[misc, unused-ignore]
        os.lseek(fd, at, os.SEEK_SET)
        return os.write(fd, data)


def sync(fd: int) -> None:
    """Return when what was written to a file is on the disk."""
    try:
        from fcntl import F_FULLFSYNC, fcntl  # type: ignore[attr-defined, unused-ignore]
    except ImportError:
        getattr(os, "fdatasync", os.fsync)(fd)
    else:  # pragma: no cover - macOS, where fsync leaves data in the drive's own cache
        fcntl(fd, F_FULLFSYNC)


def sync_folder(path: Path) -> None:
    """Return when the names in a folder are on the disk."""
    if os.name == "nt":  # pragma: no cover - Windows opens no folders
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(path: Path) -> None:
    """Make a folder if it is not there, for good.

    Raises:
        StoreDamaged: If a link has that name.
    """
    try:
        path.mkdir()
    except FileExistsError:
        if path.is_symlink():
            raise StoreDamaged(f"{path} is a symbolic link, which memex-jsonl never makes") from None
    else:
        sync_folder(path.parent)


def remove(path: Path) -> bool:
    """Remove a file; tell whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
