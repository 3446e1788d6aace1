"""A disk that is full, or fails: typed errors, nothing lost, and it goes on when the disk is well."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from memex.testing._batteries.case import BatteryCase, Figure, need, need_program, sized
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.turns import FAULTS
from memex.testing._batteries.workers import Worker, Workers

_FAULTS = (
    *("posix/io/rw/read", "posix/io/rw/pread", "posix/io/rw/readv", "posix/io/rw/preadv"),
    *("posix/io/rw/write", "posix/io/rw/pwrite", "posix/io/rw/writev", "posix/io/rw/pwritev"),
    *("posix/io/rw/truncate", "posix/io/rw/ftruncate", "posix/io/sync/fsync", "posix/io/sync/fdatasync"),
    *("posix/io/oc/open", "posix/io/dir/rename", "posix/io/dir/unlink"),
)


class DiskBatteries(BatteryCase):
    """A full disk, and one that fails now and then."""

    full_disks: ClassVar[int] = sized(4, full=40)
    disk_bytes: ClassVar[int] = 8 << 20
    disk_sizes: ClassVar[tuple[int, ...]] = (20, 3_000, 20_000, 100_000)
    failing_appends: ClassVar[int] = sized(200, full=2_000)
    failing_share: ClassVar[float] = 0.05

    def test_full_disk(self, tmp_path: Path, figure: Figure) -> None:
        """Full at random moments, the opening among them; then room is made."""
        self.need_files()
        tally = Tally("disk full", *FAULTS, "leaked", "refused with room")
        chance = random.Random(3)  # noqa: S311 - a game, not a secret
        (tmp_path / "disk").mkdir()
        with Workers(self) as workers:
            for trial in range(self.full_disks):
                with small_disk(tmp_path / "disk", self.disk_bytes) as disk:
                    folder = disk / "store"
                    folder.mkdir()
                    room = 0 if trial == 0 else chance.randrange(20_000, self.disk_bytes // 2)
                    ballast = disk / "ballast"
                    ballast.write_bytes(bytes(self.disk_bytes - room - (64 << 10)))
                    _fill(disk / "last", room=room)
                    # Several times what fits, in case the store never says no.
                    most = 2 * len(self.disk_sizes) * self.disk_bytes // sum(self.disk_sizes)
                    arguments = {"writer": f"w{trial}", "count": most, "sizes": list(self.disk_sizes)}
                    worker = workers.start("append_until_refused", folder, **arguments)
                    acknowledged = _until_refused(worker, tally)
                    ballast.unlink()
                    worker.tell("there is room")
                    acknowledged += _with_room(worker, tally)
                    tally.tried("full disks")
                    tally.tried("acknowledged", len(acknowledged))
                    self.examine(folder, acknowledged, tally)
        tally.settle(figure)

    def test_failing_disk(self, tmp_path: Path, figure: Figure) -> None:
        """One call in twenty fails with EIO; what was refused is stored when it is sent again."""
        self.need_files()
        tally = Tally(f"{self.failing_share:.0%} EIO", *FAULTS, "leaked", "refused when well")
        fiu = need_program("fiu-run", "fiu-utils")
        folder = tmp_path / "store"
        folder.mkdir()
        with Workers(self, [fiu, "-x"]) as workers:
            worker = workers.start(
                "append_on_a_bad_disk",
                folder,
                writer="w",
                count=self.failing_appends,
                sizes=list(self.disk_sizes[:2]),
                faults=list(_FAULTS),
                chance=self.failing_share,
            )
            acknowledged, refused, ended = [], set(), False
            assert worker.hear() == ["tested", "", errno.EIO]
            for word, name, *why in worker.rest():
                if word == "stored":
                    acknowledged.append(name)
                elif word == "leaked":
                    tally.fault("leaked", f"{name}: {why[0]}")
                elif word == "refused" and name in refused:
                    tally.fault("refused when well", f"{name}: {why[0]}")
                refused |= {name} if word in ("refused", "leaked") else set()
            ended = word == "end"
        if not ended:
            tally.fault("crashed", f"the process ended after {len(acknowledged)} appends")
        tally.tried("acknowledged", len(acknowledged))
        tally.tried("refused at first", len(refused))
        self.examine(folder, acknowledged, tally)
        tally.settle(figure)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system in memory of this size."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    need(mount is not None and umount is not None, "mount and umount: apt-get install mount")
    need(hasattr(os, "geteuid") and os.geteuid() == 0, "root, to mount a small tmpfs")
    assert mount is not None
    assert umount is not None
    mounted = subprocess.run(  # noqa: S603 - a program found on the path, and our own folder
        [mount, "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], check=False
    )
    need(mounted.returncode == 0, "the right to mount a tmpfs, which this container lacks")
    try:
        yield folder
    finally:
        subprocess.run([umount, "-l", str(folder)], check=True)  # noqa: S603 - as above


def _fill(file: Path, *, room: int) -> None:
    """Take what is left of the disk, but for ``room`` bytes."""
    status = os.statvfs(file.parent)
    file.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - room)))


def _until_refused(worker: Worker, tally: Tally) -> list[str]:
    acknowledged: list[str] = []
    while said := worker.hear():
        word, name, *why = said
        if word != "stored":
            break
        acknowledged.append(name)
    if not said:
        tally.fault("crashed", f"the process ended after {len(acknowledged)} appends")
    elif word != "refused":
        tally.fault(word, f"{name}: {why[0]}")
    return acknowledged


def _with_room(worker: Worker, tally: Tally) -> list[str]:
    said = list(worker.rest())
    for word, name, *why in said:
        if word in ("refused", "leaked"):
            tally.fault("refused with room" if word == "refused" else word, f"{name}: {why[0]}")
    if said[-1:] != [["end", ""]]:
        tally.fault("crashed", "the process ended after room was made")
    return [name for word, name, *_ in said if word == "stored"]
