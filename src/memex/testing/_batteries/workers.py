"""Processes that use the store under test, and can be killed.

A server process loads the test's class once and forks for every worker, so that a worker begins
with nothing opened and costs milliseconds. The server can run under another program, such as
``strace``, and its workers with it.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from memex._probe import same_modules
from memex.testing._loading import load_case, place_of
from memex.testing._store.case import StoreCase

_PATIENCE = 300.0  # seconds of silence after which a worker counts as stuck


class Talk:
    """One end of the line between a test and a worker: lists, one a line."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._file = line.makefile("r", encoding="ascii", newline="\n")

    def say(self, *words: object) -> None:
        """Send a list."""
        self._line.sendall(json.dumps(words).encode() + b"\n")

    def hear(self) -> list[Any]:
        """Return the next list; an empty one when the other end is gone."""
        try:
            text = self._file.readline()
        except ConnectionResetError:
            return []
        # What a process was killed in the middle of saying was not said.
        return list(json.loads(text)) if text.endswith("\n") else []

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._line.close()


class Worker:
    """A process at work on the store."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        said = self.hear()
        if said[:1] != ["pid"]:
            pytest.fail("no worker could be started; what its server printed says why")
        self.pid = int(said[1])

    def tell(self, word: str) -> None:
        """Say something that it waits for."""
        self._talk.say(word)

    def hear(self) -> list[Any]:
        """Return what it says next; an empty list when it has ended.

        Raises:
            AssertionError: If it failed in a way that its job did not foresee, or is stuck.
        """
        try:
            said = self._talk.hear()
        except TimeoutError:
            self.kill()
            pytest.fail(f"a worker said nothing for {_PATIENCE:g} s")
        if said[:1] == ["failed"]:
            pytest.fail(f"a worker failed:\n{said[1]}")
        return said

    def rest(self) -> Iterator[list[Any]]:
        """Yield what it says until it ends."""
        while said := self.hear():
            yield said

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        os.kill(self.pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """Close the line."""
        self._talk.close()


class Workers:
    """Starts workers for a test.

    Args:
        case: The test, whose class the server loads from its file to open the store.
        wrapper: A program to run it under, and its arguments.
        environment: Variables to set for it.
    """

    def __init__(
        self, case: StoreCase, wrapper: Sequence[str] = (), environment: dict[str, str] | None = None
    ) -> None:
        kind = type(case)
        if (place := place_of(kind)) is None:
            pytest.fail(
                f"{kind.__name__} stands inside a function, where no other process can load it; "
                "move it to the top of its module, or say processes = False"
            )
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [*wrapper, sys.executable, "-m", "memex.testing._batteries.workers"]
        self._server = subprocess.Popen(  # noqa: S603 - our own module, in our own interpreter
            [*command, *place, str(theirs.fileno())],
            env=same_modules(**(environment or {})),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._started: list[Worker] = []

    def start(self, job: str, folder: Path, **arguments: Any) -> Worker:
        """Start a worker on a job, a function of :mod:`memex.testing._batteries.jobs`."""
        ours, theirs = socket.socketpair()
        ours.settimeout(_PATIENCE)
        request = json.dumps([job, str(folder), arguments]).encode()
        with theirs, suppress(BrokenPipeError, ConnectionResetError):  # then the line is dead, too
            socket.send_fds(self._control, [request], [theirs.fileno()])
        worker = Worker(Talk(ours))
        self._started.append(worker)
        return worker

    def close(self) -> None:
        """End the server; workers end when nobody listens any more."""
        for worker in self._started:
            worker.hang_up()
        self._control.close()
        self._server.wait(60)

    def __enter__(self) -> Workers:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def serve(file: str, kind: str, control: str) -> None:
    """Fork a worker for every request, until the test hangs up."""
    case = load_case(file, kind)
    importlib.import_module("memex.testing._batteries.jobs")
    requests = socket.socket(fileno=int(control))
    while True:
        request, lines, _, _ = socket.recv_fds(requests, 1 << 16, 1)
        if not request:
            return
        _bury_the_dead()
        if os.fork() == 0:
            requests.close()
            _work(case, socket.socket(fileno=lines[0]), *json.loads(request))
        os.close(lines[0])


def _bury_the_dead() -> None:
    # Not as soon as they die: until then nobody else can have their process id, which the test may kill.
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _work(case: type[StoreCase], line: socket.socket, job: str, folder: str, arguments: Any) -> None:
    talk = Talk(line)
    status = 1
    try:
        talk.say("pid", os.getpid())
        jobs = sys.modules["memex.testing._batteries.jobs"]
        getattr(jobs, job)(lambda: case().open_store(Path(folder)), talk, **arguments)
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it was, the test shall hear of it
        talk.say("failed", traceback.format_exc())
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(*sys.argv[1:])
