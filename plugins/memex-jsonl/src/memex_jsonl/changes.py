"""Files that change together: all of them or none, whenever the process ends.

New content is written to drafts and synced. If there is more than one step, a list of the steps is
put in place; from then on it is done, and whoever finds the list carries it out again to the end.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from memex import StoreDamaged
from memex_jsonl.files import open_file, read_file, remove, sync, sync_folder, translated, write_at
from memex_jsonl.lines import is_whole, line_of
from memex_jsonl.locking import try_lock, unlock
from memex_jsonl.names import DRAFT, INTENT


class _Steps(msgspec.Struct, frozen=True):
    replace: list[tuple[str, str]]
    remove: list[str]


class Draft:
    """A file that is being written and has no name of its own yet.

    It stays locked while it is written, so that nobody takes it for what a crash left behind.
    """

    def __init__(self, folder: Path) -> None:
        self.size = 0
        self._process = os.getpid()
        self._fd: int | None = None
        while self._fd is None:
            self.path = folder / f"{os.urandom(8).hex()}{DRAFT}"
            fd = open_file(self.path, write=True, new=True)
            # Whoever cleans up may have come between the two, and taken it for a leftover.
            if try_lock(fd, shared=False) and self.path.exists():
                self._fd = fd
            else:
                os.close(fd)

    def write(self, data: bytes) -> None:
        """Write more of it."""
        if self._fd is not None:
            with translated(self.path):
                write_at(self._fd, data, self.size)
            self.size += len(data)

    def sync(self) -> None:
        """Return when it is on the disk."""
        if self._fd is not None:
            sync(self._fd)

    def close(self) -> None:
        """Let go of it; it stays."""
        if self._fd is not None:
            if self._process == os.getpid():
                unlock(self._fd)
            os.close(self._fd)
            self._fd = None

    def discard(self) -> None:
        """Remove it, unless it is that of the process that this one was forked from."""
        self.close()
        if self._process == os.getpid():
            remove(self.path)


class Change:
    """Drafts that take the place of files, and files that go.

    Leaving the block without :meth:`commit` removes the drafts.

    Args:
        folder: Where all of the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._replace: list[tuple[Draft, str]] = []
        self._remove: list[str] = []

    def __enter__(self) -> Change:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the drafts that have not taken their places."""
        for draft, _ in self._replace:
            with suppress(OSError):  # whoever opens the folder next removes it
                draft.discard()

    def draft(self, name: str) -> Draft:
        """Begin the file that will have this name."""
        with translated(self._folder):
            draft = Draft(self._folder)
        self._replace.append((draft, name))
        return draft

    def remove(self, name: str) -> None:
        """Let the file of this name go."""
        self._remove.append(name)

    def commit(self, *, durable: bool = True) -> None:
        """Do all of it, for good; the caller holds what keeps others away.

        Args:
            durable: Whether the names are on the disk when it returns.
        """
        for draft, _ in self._replace:
            draft.sync()
            draft.close()
        steps = _Steps([(draft.path.name, name) for draft, name in self._replace], self._remove)
        if len(steps.replace) + len(steps.remove) > 1:
            intent = Draft(self._folder)
            try:
                intent.write(line_of(steps))
                intent.sync()
                intent.close()
                intent.path.replace(self._folder / INTENT)
            except BaseException:
                with suppress(OSError):
                    intent.discard()
                raise
            # From here on it is done, whatever fails: the drafts are no longer ours to remove.
            self._replace.clear()
            sync_folder(self._folder)
            _carry_out(self._folder, steps)
            remove(self._folder / INTENT)
        else:
            _carry_out(self._folder, steps)
            self._replace.clear()
        if durable:
            sync_folder(self._folder)


def is_unfinished(folder: Path) -> bool:
    """Tell whether a change is under way, or was when its process ended."""
    return (folder / INTENT).exists()


def finish(folder: Path) -> None:
    """Carry out to its end a change whose process ended; the caller is alone in the folder.

    Raises:
        StoreDamaged: If the list of its steps is not what was written.
    """
    line = read_file(folder / INTENT)
    if line is None:
        return
    try:
        steps = msgspec.json.decode(line, type=_Steps) if is_whole(line) else None
    except msgspec.MsgspecError:
        steps = None
    if steps is None or any(Path(name).name != name for name in _names(steps)):
        raise StoreDamaged(f"{folder / INTENT} is not what was written; it was left untouched")
    _carry_out(folder, steps)
    sync_folder(folder)
    remove(folder / INTENT)
    sync_folder(folder)


def clean(folder: Path) -> None:
    """Remove drafts that a crash left behind; the caller is alone in the folder."""
    for path in folder.glob(f"*{DRAFT}"):
        if len(path.stem) != 16:
            continue
        try:
            fd = open_file(path, write=True)
        except FileNotFoundError:
            continue  # its writer was alive, and has finished
        try:
            if try_lock(fd, shared=False):
                remove(path)
                unlock(fd)
        finally:
            os.close(fd)


def _names(steps: _Steps) -> list[str]:
    return [name for pair in steps.replace for name in pair] + steps.remove


def _carry_out(folder: Path, steps: _Steps) -> None:
    for draft, name in steps.replace:
        try:
            (folder / draft).replace(folder / name)
        except FileNotFoundError:
            if not (folder / name).exists():
                raise StoreDamaged(f"{folder / draft}, which was to be {name}, is missing") from None
    for name in steps.remove:
        remove(folder / name)
