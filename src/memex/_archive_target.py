"""Where an archive is written to: a folder or a zip file, which gets its name when it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

from memex._archive_format import MANIFEST, SEAL
from memex._errors import BadSetting, StoreUnavailable

_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip, so that equal content makes equal archives."""
_HARMLESS: Final = 1 << 30
_MOST_UNPACKED: Final = 100


def is_bomb(unpacked: int, size: int) -> bool:
    """Tell whether a zip unpacks to more than 1 GiB, and to more than a hundred times its size.

    Nobody reads such a zip, so nobody writes one either.
    """
    return unpacked > max(_HARMLESS, _MOST_UNPACKED * size)


def is_zip(path: Path) -> bool:
    """Tell whether an archive of that name is one file."""
    return path.suffix.lower() == ".zip"


class Target(Protocol):
    """Files by name, each written once."""

    def file(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file to write. Meanwhile :meth:`put` may be called, another file not be opened."""

    def put(self, name: str, data: bytes) -> None:
        """Write a whole file."""


@contextmanager
def new_archive(path: Path, *, overwrite: bool) -> Iterator[Target]:
    """Give the place for a new archive; what was written there gets its name at the end, or vanishes.

    Raises:
        BadSetting: If something is there already and may not be overwritten.
        StoreUnavailable: If it cannot be written.
    """
    if "\0" in str(path):
        raise BadSetting(f"{str(path)!r} is no name of a file")
    with os_errors(path):
        path = path.resolve()
        _check_free(path, overwrite)
        if is_zip(path):
            with _new_zip(path, overwrite) as zip_target:
                yield zip_target
        else:
            with _new_folder(path, overwrite) as folder_target:
                yield folder_target
        _sync_folder(path.parent)


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Let what the system refuses be an error of memex."""
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        raise StoreUnavailable(f"{where}: {error.strerror or error}") from error


def _check_free(path: Path, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise BadSetting(f"{path} is there already; choose another name or say overwrite")
    if is_zip(path) and not path.is_file():
        raise BadSetting(f"{path} is not a file; nothing was overwritten")
    if not is_zip(path) and not (path.is_dir() and _is_archive_or_empty(path)):
        # A folder of something else is never removed, whatever was asked for.
        raise BadSetting(f"{path} is not an archive; nothing was overwritten")


def _is_archive_or_empty(path: Path) -> bool:
    names = {entry.name for entry in os.scandir(path)}
    return names <= {MANIFEST, SEAL, "threads", "blobs"} and (not names or MANIFEST in names)


# -- a zip file --------------------------------------------------------------------------------


class _ZipTarget:
    def __init__(self, made: zipfile.ZipFile, folder: Path) -> None:
        self._zip = made
        self._folder = folder

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        # A zip takes one file at a time, so lines wait beside it while data goes in.
        with tempfile.TemporaryFile(dir=self._folder) as waiting:
            yield waiting
            waiting.seek(0)
            with self._zip.open(_entry(name), "w", force_zip64=True) as member:
                shutil.copyfileobj(waiting, member, 1 << 20)

    def put(self, name: str, data: bytes) -> None:
        self._zip.writestr(_entry(name), data)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIRST_MOMENT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # the same on every system
    entry.external_attr = 0o100600 << 16
    return entry


@contextmanager
def _new_zip(path: Path, overwrite: bool) -> Iterator[Target]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
                yield _ZipTarget(made, path.parent)
            if is_bomb(sum(entry.file_size for entry in made.infolist()), file.tell()):
                raise BadSetting(f"{path} would look like a bomb to who reads it; choose a folder instead")
            file.flush()
            os.fsync(file.fileno())
        _check_free(path, overwrite)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


# -- a folder ----------------------------------------------------------------------------------


class _FolderTarget:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    def put(self, name: str, data: bytes) -> None:
        with self.file(name) as file:
            file.write(data)


@contextmanager
def _new_folder(path: Path, overwrite: bool) -> Iterator[Target]:
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        made = beside / "new"
        made.mkdir(mode=0o700)
        yield _FolderTarget(made)
        for folder, _, _ in os.walk(made):
            _sync_folder(Path(folder))
        _check_free(path, overwrite)
        if path.exists():
            path.rename(beside / "old")
        try:
            made.rename(path)
        except BaseException:
            if (beside / "old").exists():
                (beside / "old").rename(path)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
