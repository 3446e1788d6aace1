"""Whose file it is: memex-sqlite's, of which schema, or another program's, which is not touched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from memex import StoreDamaged, StoreUnavailable
from memex_sqlite.errors import translated, why_not_opened

APPLICATION_ID: Final = 0x6D656D78
"""``memx`` in the file's header."""
VERSION: Final = 3
"""The schema that this version writes."""
_MAGIC = b"SQLite format 3\x00"


def examine(path: str) -> None:
    """Refuse, without touching it, a file that is there and is not a store of this version or older.

    Raises:
        StoreDamaged: If it is another program's file, or of a newer memex-sqlite.
        StoreUnavailable: If it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise StoreUnavailable(f"{path} cannot be opened: {why_not_opened(path)}") from error
    if not header:
        return
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise StoreDamaged(f"{path} is not an SQLite file; it was left untouched")
    application = int.from_bytes(header[68:72], "big")
    check_version(path, application, int.from_bytes(header[60:64], "big"))
    if application != APPLICATION_ID:
        _look_inside(path)


def is_current(path: str, connection: sqlite3.Connection) -> bool:
    """Tell whether a file is a store of this version.

    Raises:
        StoreDamaged: If it is another program's, or of a newer memex-sqlite.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    check_version(path, application, version)
    return bool(application == APPLICATION_ID and version == VERSION)


def is_ours(connection: sqlite3.Connection) -> bool:
    """Tell whether a file is a store, of whatever version."""
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def check_version(path: str, application: int, version: int) -> None:
    """Refuse what the header says is another program's, or of a newer memex-sqlite."""
    if application not in (0, APPLICATION_ID):
        raise StoreDamaged(
            f"{path} belongs to another program (application id {application:#x}); it was left untouched"
        )
    if application == APPLICATION_ID and version > VERSION:
        raise StoreDamaged(
            f"{path} has schema {version}, made by a newer memex-sqlite; this one knows up to {VERSION}. "
            "Upgrade memex-sqlite; the file was left untouched"
        )


def check_strangers(path: str, connection: sqlite3.Connection) -> None:
    """Refuse a file with tables that are not a store's; the caller is in a transaction."""
    if is_ours(connection):
        return
    table = connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    if table is not None:
        raise StoreDamaged(
            f"{path} belongs to another program (it has a table {table[0]!r}); it was left untouched"
        )


def _look_inside(path: str) -> None:
    """Refuse a stranger's file, and not one that is empty, or being made by another process just now."""
    try:
        _look_read_only(path)
    except StoreUnavailable:
        if not Path(f"{path}-journal").exists():
            raise
        try:
            _look_at_a_copy(path)
        except OSError:
            _look_read_only(path)  # the journal is gone: another process was here first


def _look_read_only(path: str) -> None:
    # A read-only connection does not write back a stranger's journal.
    uri = Path(path).absolute().as_uri() + "?mode=ro"
    with translated(path), closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")  # so that it is asked twice about the same moment
        check_strangers(path, connection)


def _look_at_a_copy(path: str) -> None:
    # Whoever was killed while making the file left a journal, which nobody can undo who only
    # reads. It may be a stranger's, so that is tried elsewhere.
    import shutil
    import tempfile  # 10 ms that an opening pays only here

    with tempfile.TemporaryDirectory() as folder:
        copy = str(Path(folder, Path(path).name))
        for ending in ("", "-journal"):
            shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
        with translated(path), closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            check_strangers(path, connection)
