"""Which folders hold keys and values: noted in the user's state folder, so that forgetting finds them.

``memex forget`` runs in a process of its own, which has no model and no settings of one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from memex import ConfigError, StoreError


def _list() -> Path:
    from platformdirs import user_state_path

    return user_state_path("memex") / "hf-folders.txt"


def remember(folder: Path) -> None:
    """Note a folder.

    Raises:
        ConfigError: If that cannot be written: what is forgotten might stay there.
    """
    path = _list()
    try:
        if folder in known():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{folder}\n")
    except OSError as error:
        raise ConfigError(
            f"hf: {path} cannot be written ({error}); without it forgetting would not reach {folder}"
        ) from error


def known() -> list[Path]:
    """Return every folder that was noted and is there."""
    try:
        lines = _list().read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []
    return [path for line in dict.fromkeys(lines) if line and (path := Path(line)).is_dir()]


def forget(threads: Sequence[str]) -> dict[str, int]:
    """Remove the files of some threads from every folder; say how many, where there are folders.

    Raises:
        StoreError: If a folder cannot be changed; the others are done.
    """
    from memex_hf.folder import INDEX, Folder

    folders, gone, failed = [path for path in known() if (path / INDEX).exists()], 0, []
    for path in folders:
        try:
            gone += Folder(path, 2**62).forget(threads)
        except (OSError, sqlite3.Error, ConfigError) as error:
            failed.append(f"{path}: {error}")
    if failed:
        raise StoreError(f"hf: keys and values could not be removed: {'; '.join(failed)}")
    return {"kv files": gone} if folders else {}
