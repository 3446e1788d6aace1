"""A disk that forgets: files as programs see them, and as they are after a power cut.

Bytes last once their file was synced, names once their folder was. Of the rest a cut leaves
nothing, or, as real disks do, some of it: any of the sectors written since, and the names as
they were at some moment since.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Iterator
from pathlib import Path

_SECTOR = 512


class LossyFile:
    """A file.

    Attributes:
        current: What a program reads.
        mode: Permission bits.
    """

    def __init__(self, mode: int = 0o644) -> None:
        self.mode = mode
        self.current = bytearray()
        self._durable = bytearray()
        self._unsynced: list[tuple[int, bytes] | int] = []

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes; a hole before them is filled with zeros."""
        _write(self.current, offset, data)
        self._unsynced.append((offset, data))

    def truncate(self, length: int) -> None:
        """Cut or lengthen."""
        _truncate(self.current, length)
        self._unsynced.append(length)

    def sync(self) -> None:
        """Make everything so far last."""
        for change in self._unsynced:
            _apply(self._durable, change)
        self._unsynced.clear()

    def after_cut(self, chance: random.Random | None) -> bytes:
        """Return what a cut leaves: what was synced and, with ``chance``, some of what was not."""
        left = bytearray(self._durable)
        for change in self._unsynced if chance else ():
            for piece in _sectors(change):
                if chance and chance.random() < 0.5:
                    _apply(left, piece)
        return bytes(left)


class LossyFolder:
    """A folder.

    Attributes:
        current: What a program finds in it, by name.
        mode: Permission bits.
    """

    def __init__(self, mode: int = 0o755) -> None:
        self.mode = mode
        self.current: dict[str, LossyFile | LossyFolder] = {}
        self._past: list[dict[str, LossyFile | LossyFolder]] = [{}]

    def put(self, name: str, node: LossyFile | LossyFolder) -> None:
        """Give a file or folder a name."""
        self.current[name] = node
        self._past.append(dict(self.current))

    def take(self, name: str) -> None:
        """Remove a name."""
        del self.current[name]
        self._past.append(dict(self.current))

    def sync(self) -> None:
        """Make the names last."""
        self._past = [dict(self.current)]

    def settle(self) -> None:
        """Make everything below last."""
        self.sync()
        for node in self.current.values():
            node.settle() if isinstance(node, LossyFolder) else node.sync()

    def after_cut(self, target: Path, chance: random.Random | None) -> None:
        """Write what a cut leaves into a real folder."""
        target.mkdir()
        names = chance.choice(self._past) if chance else self._past[0]
        for name, node in names.items():
            if isinstance(node, LossyFolder):
                node.after_cut(target / name, chance)
            else:
                (target / name).write_bytes(node.after_cut(chance))


class LossyDisk:
    """The tree of folders and files, by path.

    Args:
        names_last: Whether a name lasts at once, without its folder being synced.
    """

    def __init__(self, *, names_last: bool = False) -> None:
        self.root = LossyFolder()
        self._names_last = names_last

    def find(self, path: str) -> LossyFile | LossyFolder:
        """Return what is at a path."""
        node: LossyFile | LossyFolder = self.root
        for name in _names(path):
            if not isinstance(node, LossyFolder):
                raise OSError(errno.ENOTDIR, path)
            if name not in node.current:
                raise FileNotFoundError(errno.ENOENT, path)
            node = node.current[name]
        return node

    def folder(self, path: str) -> LossyFolder:
        """Return the folder at a path."""
        node = self.find(path)
        if not isinstance(node, LossyFolder):
            raise NotADirectoryError(errno.ENOTDIR, path)
        return node

    def file(self, path: str) -> LossyFile:
        """Return the file at a path."""
        node = self.find(path)
        if isinstance(node, LossyFolder):
            raise IsADirectoryError(errno.EISDIR, path)
        return node

    def put(self, path: str, node: LossyFile | LossyFolder) -> None:
        """Put something at a path, over what is there."""
        folder, name = self._place(path)
        folder.put(name, node)
        self._named(folder)

    def remove(self, path: str) -> None:
        """Remove what is at a path."""
        self.find(path)
        folder, name = self._place(path)
        folder.take(name)
        self._named(folder)

    def rename(self, old: str, new: str) -> None:
        """Move something, over what is there."""
        node = self.find(old)
        here, name = self._place(old)
        there, new_name = self._place(new)
        if here is there:  # one change, as it is for a program
            here.current[new_name] = here.current.pop(name)
            here.put(new_name, node)
        else:
            there.put(new_name, node)
            here.take(name)
        self._named(here)
        self._named(there)

    def _place(self, path: str) -> tuple[LossyFolder, str]:
        folder, _, name = path.rstrip("/").rpartition("/")
        return self.folder(folder), name

    def _named(self, folder: LossyFolder) -> None:
        if self._names_last:
            folder.sync()


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name]


def _write(data: bytearray, offset: int, piece: bytes) -> None:
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(piece)] = piece


def _truncate(data: bytearray, length: int) -> None:
    del data[length:]
    data.extend(bytes(length - len(data)))


def _apply(data: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        _truncate(data, change)
    else:
        _write(data, *change)


def _sectors(change: tuple[int, bytes] | int) -> Iterator[tuple[int, bytes] | int]:
    if isinstance(change, int):
        yield change
        return
    offset, data = change
    start = 0
    while start < len(data):
        stop = min(len(data), start + _SECTOR - (offset + start) % _SECTOR)
        yield offset + start, data[start:stop]
        start = stop
