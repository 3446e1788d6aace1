"""Backups of the file from before a migration: made whole or not at all, and erased with what they hold."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from memex import StoreUnavailable
from memex_sqlite.errors import translated


def back_up(path: str, version: int) -> Path:
    """Copy the file as it is now to one beside it, whole or not at all, and return that.

    Raises:
        StoreUnavailable: If it cannot be written.
    """
    made = Path(f"{path}.schema-{version}.backup")
    unfinished = made.with_name(f"{made.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with (
            translated(path),
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without a journal beside it
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(made)
        _sync_folder(made.parent)
    except (OSError, StoreUnavailable) as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"{path} is of an older schema, and its backup {made} cannot be written ({error}); "
            "make room for it, or the folder writable. The file is as it was"
        ) from error
    return made


def remove_backups(path: str) -> int:
    """Remove the backups of a file, which hold what was forgotten since, and return how many.

    Raises:
        StoreUnavailable: If one cannot be removed.
    """
    file = Path(path)
    try:
        found = [one for one in file.parent.iterdir() if _is_backup(one.name, file.name)]
        for one in found:
            one.unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"it is forgotten in {path}, but a backup beside it still holds it and cannot be removed "
            f"({error}); remove the backup yourself"
        ) from error
    return len(found)


def _is_backup(name: str, file: str) -> bool:
    version = name.removeprefix(f"{file}.schema-").removesuffix(".unfinished").removesuffix(".backup")
    return name.startswith(f"{file}.schema-") and ".backup" in name and version.isdigit()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
