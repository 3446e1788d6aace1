"""The disk that forgets: by itself, and mounted."""

from __future__ import annotations

import mmap
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex.testing._batteries.lossy_disk import LossyDisk, LossyFile, LossyFolder
from memex.testing._batteries.lossy_mount import LossyMount


def left(disk: LossyDisk, target: Path, seed: int | None = None) -> dict[str, bytes]:
    """Return what a cut leaves, by path."""
    disk.root.after_cut(target, None if seed is None else random.Random(seed))
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_bytes_last_when_the_file_is_synced(tmp_path: Path) -> None:
    disk, file = LossyDisk(), LossyFile()
    disk.put("/a", file)
    disk.root.sync()
    file.write(0, b"first")
    file.sync()
    file.write(3, b"second")
    assert bytes(file.current) == b"firsecond"
    assert left(disk, tmp_path / "1") == {"a": b"first"}
    file.truncate(2)
    assert left(disk, tmp_path / "2") == {"a": b"first"}
    file.sync()
    assert left(disk, tmp_path / "3") == {"a": b"fi"}


def test_names_last_when_the_folder_is_synced(tmp_path: Path) -> None:
    disk, file = LossyDisk(), LossyFile()
    file.write(0, b"x")
    file.sync()
    disk.put("/new", file)
    assert left(disk, tmp_path / "1") == {}
    disk.root.sync()
    disk.rename("/new", "/old")
    assert left(disk, tmp_path / "2") == {"new": b"x"}
    disk.root.sync()
    disk.remove("/old")
    assert left(disk, tmp_path / "3") == {"old": b"x"}
    disk.root.sync()
    assert left(disk, tmp_path / "4") == {}


def test_names_may_last_at_once(tmp_path: Path) -> None:
    disk, file = LossyDisk(names_last=True), LossyFile()
    disk.put("/folder", LossyFolder())
    disk.put("/folder/a", file)
    file.write(0, b"x")
    assert left(disk, tmp_path / "1") == {"folder/a": b""}


def test_a_file_over_another(tmp_path: Path) -> None:
    disk = LossyDisk()
    for name, data in (("/a", b"old"), ("/a.new", b"new")):
        file = LossyFile()
        file.write(0, data)
        disk.put(name, file)
    disk.root.settle()
    disk.rename("/a.new", "/a")
    assert left(disk, tmp_path / "1") == {"a": b"old", "a.new": b"new"}
    assert bytes(disk.file("/a").current) == b"new"
    disk.root.sync()
    assert left(disk, tmp_path / "2") == {"a": b"new"}


def test_some_of_what_was_not_synced_may_be_left(tmp_path: Path) -> None:
    disk, file = LossyDisk(), LossyFile()
    disk.put("/a", file)
    disk.root.sync()
    file.write(0, b"a" * 5_000)
    kinds = {left(disk, tmp_path / str(seed), seed)["a"] for seed in range(20)}
    assert len(kinds) > 10
    assert all(set(data) <= set(b"a\0") for data in kinds)
    for data in kinds:
        assert all(len(set(data[start : start + 512])) == 1 for start in range(0, len(data), 512))
    file.sync()
    assert left(disk, tmp_path / "synced", 1) == {"a": b"a" * 5_000}


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 2_000), st.binary(min_size=1, max_size=1_500)),
        st.integers(0, 3_000),
        st.none(),
    ),
    max_size=12,
)


@given(CHANGES)
def test_a_file_is_what_was_written_and_lasts_as_it_was_synced(
    changes: list[tuple[int, bytes] | int | None],
) -> None:
    file, model, synced = LossyFile(), b"", b""
    for change in changes:
        if change is None:
            file.sync()
            synced = model
        elif isinstance(change, int):
            file.truncate(change)
            model = model[:change].ljust(change, b"\0")
        else:
            offset, data = change
            file.write(offset, data)
            model = model.ljust(offset, b"\0")
            model = model[:offset] + data + model[offset + len(data) :]
        assert bytes(file.current) == model
        assert file.after_cut(None) == synced


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LossyMount]:
    (tmp_path / "disk").mkdir()
    with LossyMount(tmp_path / "disk") as disk:
        (disk.folder / "top").mkdir()
        disk.settle()
        yield disk


def test_a_mounted_disk_is_a_disk(disk: LossyMount, tmp_path: Path) -> None:
    folder = disk.folder / "top"
    (folder / "a").write_bytes(b"x" * 300_000)
    (folder / "sub").mkdir()
    (folder / "a").rename(folder / "sub" / "b")
    assert [path.name for path in folder.iterdir()] == ["sub"]
    assert (folder / "sub" / "b").read_bytes() == b"x" * 300_000
    with pytest.raises(OSError, match="not empty"):
        (folder / "sub").rmdir()
    with (folder / "sub" / "b").open("r+b") as file:
        (folder / "sub" / "b").unlink()
        file.seek(0, os.SEEK_END)
        file.write(b"more")  # it lives on until it is closed
        file.seek(299_999)
        assert file.read() == b"xmore"
    assert list((folder / "sub").iterdir()) == []
    disk.cut("top", tmp_path / "left", None)
    assert list((tmp_path / "left").iterdir()) == []
    assert list(disk.folder.iterdir()) == []


def test_what_is_mapped_can_be_read(disk: LossyMount) -> None:
    path = disk.folder / "top" / "mapped"
    path.write_bytes(bytes(8192))
    with ExitStack() as opened:
        first, second = (
            opened.enter_context(mmap.mmap(opened.enter_context(path.open("r+b")).fileno(), 8192))
            for _ in range(2)
        )
        first[5000:5004] = b"seen"
        assert second[5000:5004] == b"seen"


@pytest.mark.parametrize(("synchronous", "rows"), [("FULL", 20), ("OFF", 0)])
def test_sqlite_on_it(disk: LossyMount, tmp_path: Path, synchronous: str, rows: int) -> None:
    connection = sqlite3.connect(disk.folder / "top" / "x.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA wal_checkpoint")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    for number in range(20):
        connection.execute("INSERT INTO t VALUES (?)", (number,))
    disk.cut("top", tmp_path / "left", None)
    connection.close()
    after = sqlite3.connect(tmp_path / "left" / "x.db")
    assert after.execute("SELECT count(*) FROM t").fetchone()[0] == rows
    after.close()


def test_a_disk_that_cannot_be_mounted_says_so(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="could not be mounted"):
        LossyMount(tmp_path / "missing")
