"""A process that meets a fault: ``python -m memex.testing._file_store.child FILE CLASS JOB ARGUMENTS``.

What a job changes - its user, its limits, its number - it cannot change back, so it has a process of its
own. It prints what it saw.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from memex import MemexError, Message, Store, StoreUnavailable
from memex._probe import same_modules
from memex.testing._file_store.case import FileStoreCase, in_one_line
from memex.testing._loading import load_case, place_of

_PATIENCE = 120  # seconds after which a child that was forked counts as stuck


def in_a_process(case: FileStoreCase, job: str, *arguments: object) -> list[str]:
    """Do a job of this module in a process of its own and return the lines that it prints.

    Args:
        case: The test, whose class the process loads from its file to open the store.
        job: The name of a function here.
        *arguments: Its arguments.
    """
    if os.name != "posix":
        pytest.skip("needs POSIX users, limits and fork")
    kind = type(case)
    if (place := place_of(kind)) is None:
        pytest.skip(f"{kind.__name__} stands inside a function, where no other process can load it")
    done = subprocess.run(  # noqa: S603 - our own module, in our own interpreter
        # Python 3.12 warns of every fork beside threads, which is what a job is about.
        [sys.executable, "-W", "ignore", "-m", __name__, *place, job, *map(str, arguments)],
        env=same_modules(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def open_without_rights(case: FileStoreCase, folder: str, warm_up: str) -> None:
    """Open a store that is new and one that is there, in a folder that this user may only read."""
    _use_once(case.open_at(str(Path(warm_up) / case.file_name)))  # imports all while that is still allowed
    if os.geteuid() == 0:  # permissions do not bind root
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for name in ("new", "there"):
        try:
            store = case.open_at(str(Path(folder) / case.file_named(name)))
            store.append("t", [Message.user("late")])
        except StoreUnavailable as error:
            _say(f"{name} refused: {in_one_line(error)}")


def append_until_full(case: FileStoreCase, path: str, limit: str) -> None:
    """Append until no file may grow any more, then with room again."""
    import resource  # not on Windows

    store = case.open_at(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), limits[1]))
    stored = 0
    try:
        while stored < 10_000:
            store.append("t", [Message.user("x" * 3000, id=f"m{stored}")])
            stored += 1
    except StoreUnavailable as error:
        _say(in_one_line(error))
    with suppress(StoreUnavailable):
        store.forget("t", ["m0"])
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.open_thread("t").head == stored
    store.append("t", [Message.user("room again", id=f"m{stored}")])
    store.forget("t", [])  # ends what a forgetting without room had to leave for later
    for one in (store, case.open_at(path)):
        assert [entry.message.id for entry in one.entries("t")] == [f"m{n}" for n in range(stored + 1)]
        assert one.check() == [], one.check()
        one.close()
    _say(str(stored))


def write_on_both_sides_of_a_fork(case: FileStoreCase, path: str) -> None:
    """Fork in the middle of a write, four times; parent and children go on with the same store."""
    store = case.open_at(path)
    store.append("t", [Message.user("before")])
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            store.append("busy", [Message.user("meanwhile")])
            list(store.entries("t"))

    thread = threading.Thread(target=busy)
    thread.start()
    children = [_forked(store, child) for child in range(4)]
    for number in range(20):
        store.append("t", [Message.user("said", id=f"parent-{number}")])
    codes = [os.waitpid(pid, 0)[1] for pid in children]
    over.set()
    thread.join()
    assert codes == [0] * 4, codes
    ids = [entry.message.id for entry in store.entries("t")][1:]
    assert sorted(ids) == sorted(f"{n}-{i}" for n in [*range(4), "parent"] for i in range(20)), ids
    assert {info.id for info in store.threads()} == {"t", "busy", *(f"of {child}" for child in range(4))}
    assert store.check() == []
    store.close()
    _say("sound")


def _forked(store: Store, child: int) -> int:
    if (pid := os.fork()) == 0:
        signal.alarm(_PATIENCE)  # ends it where a lock was held by a thread that is not in this process
        status = 1
        try:
            for number in range(20):
                store.append("t", [Message.user("said", id=f"{child}-{number}")])
            store.fork("t", f"of {child}")
            store.close()
            status = 0
        finally:
            os._exit(status)
    return pid


def _use_once(store: Store) -> None:
    store.append("t", [Message.user("said")])
    with suppress(MemexError):
        store.forget("t", ["no"])
    store.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(file: str, kind: str, job: str, *arguments: str) -> None:
    """Be the process."""
    case = load_case(file, kind)()
    assert isinstance(case, FileStoreCase)
    jobs = {
        one.__name__: one for one in (open_without_rights, append_until_full, write_on_both_sides_of_a_fork)
    }
    jobs[job](case, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
