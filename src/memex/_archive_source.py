"""Where an archive is read from. Nothing is unpacked, and nothing is believed before it was counted."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, Protocol

from memex._archive_format import MAX_PIECE, FileRecord
from memex._archive_target import is_bomb, os_errors
from memex._errors import StoreDamaged, StoreUnavailable

_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 1
_NOT_A_ZIP = (  # what zipfile lets through when bytes make no sense
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class Source(Protocol):
    """Files by name.

    Attributes:
        path: Where they are.
        sizes: Bytes of each file.
    """

    path: Path
    sizes: Mapping[str, int]

    def open(self, name: str) -> IO[bytes]:
        """Open a file to read; the caller closes it."""

    def close(self) -> None:
        """Let go of it."""


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open the files of an archive.

    Raises:
        StoreUnavailable: If it is not there or cannot be read.
        StoreDamaged: If it is no folder and no zip file, or one that nobody should open.
    """
    with faults(path):
        source = _open(path)
    try:
        yield source
    finally:
        source.close()


def _open(path: Path) -> Source:
    if path.is_dir():
        return _Folder(path)
    if not path.exists():
        raise StoreUnavailable(f"{path}: there is no such archive")
    if not path.is_file():
        raise StoreDamaged("it is neither a folder nor a file")
    made = zipfile.ZipFile(path)
    try:
        return _Zip(path, made)
    except BaseException:
        made.close()
        raise


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Let whatever is wrong with an archive be one error that names it."""
    try:
        with os_errors(path):
            yield
    except (*_NOT_A_ZIP, StoreDamaged) as error:
        raise StoreDamaged(f"the archive {path} is damaged: {error}") from error


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.sizes: Mapping[str, int] = dict(_files(path, ""))

    def open(self, name: str) -> IO[bytes]:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        return open(os.open(self.path / name, flags), "rb")  # noqa: PTH123 - a descriptor, not a path

    def close(self) -> None:
        pass


def _files(folder: Path, before: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_symlink():
            raise StoreDamaged(f"{before}{entry.name} is a link")
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name, f"{before}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield f"{before}{entry.name}", entry.stat(follow_symlinks=False).st_size
        else:
            raise StoreDamaged(f"{before}{entry.name} is not a file")


class _Zip:
    def __init__(self, path: Path, made: zipfile.ZipFile) -> None:
        self.path = path
        self._zip = made
        sizes: dict[str, int] = {}
        for entry in made.infolist():
            if entry.filename.endswith("/") and not entry.file_size:
                continue  # what packs a folder writes the folders too
            if entry.filename in sizes:
                raise StoreDamaged(f"{entry.filename} is in it twice")
            if entry.compress_type not in _METHODS or entry.flag_bits & _ENCRYPTED:
                raise StoreDamaged(f"{entry.filename} is encrypted, or packed in an unusual way")
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise StoreDamaged(f"{entry.filename} is a link")
            sizes[entry.filename] = entry.file_size
        if is_bomb(sum(sizes.values()), path.stat().st_size):
            raise StoreDamaged(
                f"it would unpack to {sum(sizes.values()):,} bytes, more than a hundred times its size; "
                "if that is right, unpack it and give the folder"
            )
        self.sizes: Mapping[str, int] = sizes

    def open(self, name: str) -> IO[bytes]:
        return io.BufferedReader(self._zip.open(name), 1 << 18)  # type: ignore[type-var]  # it reads like a raw file

    def close(self) -> None:
        self._zip.close()


def read_whole(source: Source, name: str) -> bytes:
    """Return a file that is held in memory."""
    size = source.sizes.get(name)
    if size is None:
        raise StoreDamaged(f"{name} is missing")
    if size > MAX_PIECE:
        raise StoreDamaged(f"{name} has {size:,} bytes; at most {MAX_PIECE:,} are read")
    with source.open(name) as file:
        data = file.read(size + 1)
    if len(data) != size:
        raise StoreDamaged(f"{name} does not have the {size:,} bytes that it should have")
    return data


def read_lines(source: Source, name: str, record: FileRecord) -> Iterator[bytes]:
    """Yield the lines of a file; after the last one it has proved to be the file that was written.

    Raises:
        StoreDamaged: If it is not.
    """
    digest, size, count = sha256(), 0, 0
    with source.open(name) as file:
        while line := file.readline(MAX_PIECE + 1):
            size += len(line)
            count += 1
            if len(line) > MAX_PIECE or size > record.size or count > record.lines or line[-1:] != b"\n":
                raise StoreDamaged(f"{name}, line {count:,} is longer or shorter than what was written")
            digest.update(line)
            yield line
    if (count, size, digest.hexdigest()) != (record.lines, record.size, record.sha256):
        raise StoreDamaged(f"{name} is not what was written: its size or its checksum is another")


def checked_digest(source: Source, name: str) -> str:
    """Return the SHA-256 of a file, however large."""
    digest, left = sha256(), source.sizes[name]
    with source.open(name) as file:
        while data := file.read(min(1 << 20, left + 1)):
            left -= len(data)
            if left < 0:
                raise StoreDamaged(f"{name} is longer than it says")
            digest.update(data)
    if left:
        raise StoreDamaged(f"{name} is shorter than it says")
    return digest.hexdigest()
