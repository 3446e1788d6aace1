"""Locks between processes and threads, and the pause that makes ``os.fork`` safe.

An operation locks its namespace: shared, as long as it changes one thread only, or alone. Within
it, a thread's file is locked by whoever writes it. A lock belongs to a descriptor that is opened for
one operation, so two stores in one process exclude each other as two processes do.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from memex import StoreUnavailable
from memex_jsonl.files import open_file

_FIRST_PAUSE = 0.0002
_LONGEST_PAUSE = 0.01

if os.name == "nt":  # pragma: no cover - tried nowhere yet
    import msvcrt

    _FAR_AWAY = 1 << 62  # Windows keeps others from reading what is locked; nobody reads there

    def try_lock(fd: int, *, shared: bool) -> bool:  # noqa: ARG001
        """Lock an open file if it is free. Windows has no shared locks: each is for one."""
        os.lseek(fd, _FAR_AWAY, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Give a lock back."""
        os.lseek(fd, _FAR_AWAY, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined, unused-ignore]

else:
    import fcntl

    def try_lock(fd: int, *, shared: bool) -> bool:
        """Lock an open file if it is free for that."""
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Give a lock back."""
        fcntl.flock(fd, fcntl.LOCK_UN)


def wait_for_lock(fd: int, path: Path, *, shared: bool, timeout: float) -> None:
    """Lock an open file.

    Raises:
        StoreUnavailable: If others kept it for ``timeout`` seconds.
    """
    pause, deadline = _FIRST_PAUSE, time.monotonic() + timeout
    while not try_lock(fd, shared=shared):
        if time.monotonic() >= deadline:
            raise StoreUnavailable(
                f"{path} is locked: another process or thread kept it for {timeout:g} s; try again"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


@contextmanager
def locked_file(
    path: Path, *, shared: bool, timeout: float, write: bool = True, create: bool = True
) -> Iterator[int]:
    """Open a file, where ``create`` made if it is new, and hold its lock."""
    fd = open_file(path, write=write, create=create)
    try:
        wait_for_lock(fd, path, shared=shared, timeout=timeout)
        try:
            yield fd
        finally:
            unlock(fd)
    finally:
        os.close(fd)


@contextmanager
def namespace_lock(folder: Path, *, shared: bool, timeout: float) -> Iterator[None]:
    """Hold a namespace, with others or alone.

    Whoever wants it alone keeps the gate shut meanwhile, so that a stream of others cannot keep
    it waiting for ever.
    """
    gate, lock = folder / ".gate", folder / ".lock"
    if shared:
        with locked_file(gate, shared=True, timeout=timeout):
            fd = open_file(lock, write=True, create=True)
            try:
                wait_for_lock(fd, lock, shared=True, timeout=timeout)
            except BaseException:
                os.close(fd)
                raise
        try:
            yield
        finally:
            unlock(fd)
            os.close(fd)
    else:
        with (
            locked_file(gate, shared=False, timeout=timeout),
            locked_file(lock, shared=False, timeout=timeout),
        ):
            yield


class _Traffic:
    """The operations under way in this process. None is while it forks.

    A child would inherit their open files, and with them locks that it does not know of.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._mine = threading.local()
        self._under_way = 0
        self._paused = False

    def enter(self) -> None:
        depth = getattr(self._mine, "depth", 0)
        with self._changed:
            if not depth:
                self._changed.wait_for(lambda: not self._paused)
            self._under_way += 1
        self._mine.depth = depth + 1

    def leave(self) -> None:
        self._mine.depth -= 1
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def pause(self) -> None:
        mine = getattr(self._mine, "depth", 0)
        with self._changed:
            self._changed.wait_for(lambda: not self._paused)
            self._paused = True
            self._changed.wait_for(lambda: self._under_way <= mine)

    def resume(self, *, in_child: bool) -> None:
        if in_child:
            mine = getattr(self._mine, "depth", 0)
            self._changed = threading.Condition()
            self._under_way, self._paused = mine, False
            return
        with self._changed:
            self._paused = False
            self._changed.notify_all()


_TRAFFIC = _Traffic()


@contextmanager
def operation() -> Iterator[None]:
    """Be under way, so that the process does not fork meanwhile."""
    _TRAFFIC.enter()
    try:
        yield
    finally:
        _TRAFFIC.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_TRAFFIC.pause,
        after_in_parent=partial(_TRAFFIC.resume, in_child=False),
        after_in_child=partial(_TRAFFIC.resume, in_child=True),
    )
