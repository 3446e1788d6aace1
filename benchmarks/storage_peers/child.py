"""A child process that drives one subject, and the lines that go to it and come back."""

from __future__ import annotations

import json
import select
import subprocess
import time
from pathlib import Path
from typing import Any

from storage_peers.subjects import SUBJECTS, Absent

WORKER = Path(__file__).parent / "worker.py"


class Child:
    """One subject with one folder, in a process of its own.

    Args:
        name: The subject.
        python: Interpreter of its environment.
        folder: Where it keeps its data; made if it is new.
        thread: The conversation it writes.
        patience: Seconds to wait for an answer.
    """

    def __init__(
        self, name: str, python: Path, folder: Path, *, thread: str = "thread-0", patience: float = 240
    ) -> None:
        self.name, self.folder, self.patience = name, folder, patience
        folder.mkdir(parents=True, exist_ok=True)
        subject = SUBJECTS[name]
        self._errors = (folder.parent / f"{folder.name}.{thread}.stderr").open("w+")
        self._process = subprocess.Popen(
            [python, WORKER, subject.module, subject.attribute, folder, thread, json.dumps(subject.settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self.can: list[str] = []
        self._left = b""

    def greet(self) -> Child:
        """Wait until it is ready.

        Raises:
            Absent: If it is not, with what went wrong.
        """
        self.can = self._receive()["can"]
        return self

    def ask(self, **command: Any) -> dict[str, Any]:
        """Have something done and return the answer."""
        self.send(**command)
        return self.answer()

    def send(self, **command: Any) -> None:
        """Say what is to be done, and do not wait."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Absent(f"its process ended: {self._last_words()}") from error

    def answer(self) -> dict[str, Any]:
        """Return the next answer."""
        return self._receive()

    def close(self) -> dict[str, Any]:
        """Close the store and end the process."""
        try:
            return self.ask(do="close")
        finally:
            self.kill()

    def kill(self) -> None:
        """End the process, whatever it is at."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + self.patience
        while b"\n" not in self._left:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self._process.kill()
                raise Absent(f"gave no answer for {self.patience:g} s")
            data = self._process.stdout.raw.read(1 << 16)  # type: ignore[attr-defined]
            if not data:
                raise Absent(f"its process ended: {self._last_words()}")
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        if "failed" in found:
            raise Absent(str(found["failed"]))
        return found

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"
