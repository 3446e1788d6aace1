"""What every part of the contract of stores in files stands on: where a store lies, what is in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from memex import MemexError, Message, Store

Stranger = Callable[[Path], None]
Refused = tuple[Mapping[str, Any], type[MemexError], str]


class FileStoreCase:
    """A store under test, and the file or folder that it keeps its threads in."""

    file_name: ClassVar[str] = "threads"
    strangers: ClassVar[Sequence[Stranger]] = ()
    refused: ClassVar[Sequence[Refused]] = ()
    leaves_beside: ClassVar[Sequence[str]] = ()
    quick: ClassVar[Mapping[str, Any]] = {}
    file_limits: ClassVar[Sequence[int]] = (400_000, 1_000_000)
    without_rights_says: ClassVar[str] = "permission|read-only"
    full_disk_says: ClassVar[str] = "disk"

    def open_at(self, path: str, **settings: Any) -> Store:
        """Open the store under test at a path, which may be relative.

        Args:
            path: Its file or folder, new or not.
            **settings: Those of :attr:`refused` or :attr:`quick`; or ``timeout``, the seconds to wait for
                another writer.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how its store is opened: open_at()")

    def make_newer(self, path: Path) -> str:
        """Make a store of a format that is yet to come, and return a pattern of what its refusal says."""
        pytest.skip(
            f"{type(self).__name__}.make_newer() has to make a store of a newer format at {path.name}"
        )

    def locked(self, path: Path, thread: str) -> AbstractContextManager[object]:
        """Hold what another process holds that writes to a thread of the store at a path."""
        pytest.skip(f"{type(self).__name__}.locked() has to hold {thread!r} in {path.name} as a writer does")

    def writing(self, store: Store, thread: str) -> AbstractContextManager[object]:
        """Be in the middle of a write to a thread of this very store."""
        pytest.skip(f"{type(self).__name__}.writing() has to begin a write to {thread!r} through {store!r}")

    def as_stored(self, vector: bytes) -> bytes:
        """Return the bytes that show, in a file, that a vector is there."""
        return vector

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the tests what the class says: one test for each stranger, setting and limit."""
        for argument, name in (("stranger", "strangers"), ("setting", "refused"), ("limit", "file_limits")):
            if argument in metafunc.fixturenames:
                values: Sequence[Any] = getattr(self, name)
                skipped = pytest.param(None, marks=pytest.mark.skip(reason=f"needs {name}"), id="none")
                metafunc.parametrize(argument, values or [skipped], ids=_name_of)

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """Give a path at which there is nothing yet."""
        return tmp_path / self.file_name

    @pytest.fixture
    def store(self, path: Path) -> Iterator[Store]:
        """Give an empty store that does not wait for others for long."""
        store = self.open_at(str(path), timeout=0.1, **self.quick)
        try:
            yield store
            assert store.check() == []
        finally:
            store.close()

    def file_named(self, name: str) -> str:
        """Return a name with the ending that this kind of store has."""
        return name + Path(self.file_name).suffix

    def is_untouched(self, folder: Path, before: Mapping[str, bytes | None]) -> bool:
        """Tell whether a folder holds what it held, and nothing new but what reading may leave there."""
        after = everything(folder)
        new = [name for name in after if name not in before]
        return all(name.endswith(tuple(self.leaves_beside)) for name in new) and before == {
            name: after.get(name) for name in before
        }

    def fill(self, path: Path) -> None:
        """Append a message to a store at a path, and close it."""
        store = self.open_at(str(path))
        store.append("t", [Message.user("said")])
        store.close()


def everything(folder: Path) -> dict[str, bytes | None]:
    """Return all that is in a folder: the bytes of files, None for what is no file."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def in_one_line(error: MemexError) -> str:
    """Return what an error says, which has to be one line."""
    assert "\n" not in str(error)
    return str(error)


def _name_of(value: object) -> str | None:
    """Return how the test is called that gets a value."""
    if isinstance(value, tuple):
        return str(value[2])
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else None
