"""Opening a folder: made, accepted or refused, never half."""

from __future__ import annotations

from pathlib import Path

import msgspec

from memex import StoreDamaged, StoreUnavailable
from memex_jsonl.changes import Change
from memex_jsonl.files import make_folder, read_file, translated
from memex_jsonl.lines import VERSION
from memex_jsonl.locking import operation
from memex_jsonl.names import DRAFT, FORMAT_FILE

_FORMAT = "memex-jsonl"


class _Format(msgspec.Struct, frozen=True):
    format: str
    version: int


def prepare(folder: Path) -> None:
    """Make the folder if it is new; any number of processes may do so at once.

    Raises:
        StoreDamaged: If it is another program's, or of a newer memex-jsonl. It is left untouched.
        StoreUnavailable: If it cannot be made or written.
    """
    with operation(), translated(folder):
        if not folder.parent.is_dir():
            raise StoreUnavailable(
                f"{folder} cannot be opened: there is no folder {folder.parent}; make it first"
            )
        if folder.exists() and not folder.is_dir():
            raise StoreDamaged(f"{folder} is a file, not a folder; it was left untouched")
        if _is_ours(folder):
            return
        if not folder.exists():
            make_folder(folder)
        stranger = next(
            (path.name for path in sorted(folder.iterdir()) if not path.name.endswith(DRAFT)), None
        )
        if stranger is not None:
            if _is_ours(folder):  # another process has made it just now
                return
            raise StoreDamaged(
                f"{folder} belongs to another program (it has {stranger!r} and no {FORMAT_FILE}); "
                "it was left untouched"
            )
        with Change(folder) as change:
            change.draft(FORMAT_FILE).write(msgspec.json.encode(_Format(_FORMAT, VERSION)) + b"\n")
            change.commit()


def _is_ours(folder: Path) -> bool:
    """Tell whether a folder is a store of this version; False if nothing says whose it is."""
    data = read_file(folder / FORMAT_FILE)
    if data is None:
        return False
    try:
        found = msgspec.json.decode(data, type=_Format)
    except msgspec.MsgspecError:
        found = None
    if found is None or found.format != _FORMAT:
        raise StoreDamaged(f"{folder / FORMAT_FILE} is another program's, or damaged; it was left untouched")
    if found.version > VERSION:
        raise StoreDamaged(
            f"{folder} has format {found.version}, made by a newer memex-jsonl; this one knows up to "
            f"{VERSION}. Upgrade memex-jsonl; the folder was left untouched"
        )
    return True
