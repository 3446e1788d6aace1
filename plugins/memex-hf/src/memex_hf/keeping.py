"""Keeps keys and values on disk: written in the background after a turn, read by the next process.

A conversation is cut into files where messages end, none shorter than some 100 tokens but the last,
so that forks and threads that begin alike share what they share; long messages are cut too.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from memex_hf.folder import PLACE, Folder
from memex_hf.kept_files import Trail
from memex_hf.radix import packed
from memex_hf.running.carrying import packed_rows, put_rows, unpacked_rows
from memex_hf.running.engine import Engine

_LEAST: Final = 128  # tokens of a file, except at the end of a turn
_MOST: Final = 1024
_WORTH_IT: Final = 16  # tokens that computing again costs less than a file
_WORTH_A_LOOK: Final = 64  # new tokens of a prompt that are computed without asking the disk


class DiskTally(msgspec.Struct):
    """What went to the disk and came from it.

    Attributes:
        restored: Tokens that were read.
        written: Files that were written.
        refused: Files that were not what their name says, or not this model's.
        failed: Times that the folder could not be used.
        why: The last such failure.
    """

    restored: int = 0
    written: int = 0
    refused: int = 0
    failed: int = 0
    why: str = ""


class _Turn(msgspec.Struct, frozen=True):
    thread: str
    ids: Sequence[int]
    cuts: Sequence[int]
    began: float


class Keeping:
    """Writes and reads the keys and values of one engine, in one folder.

    A failure of the disk is counted and costs only time: what is not read is computed.

    Args:
        engine: The engine.
        folder: The folder.
        model: Fingerprint of the model.
    """

    def __init__(self, engine: Engine, folder: Folder, model: str) -> None:
        self.tally = DiskTally()
        self.folder = folder
        self._engine = engine
        self._model = model
        self._lock = threading.Condition()
        self._writing = threading.Lock()  # held for one file
        self._turns: list[_Turn] = []
        self._worker: threading.Thread | None = None
        self._busy = False
        self._closed = False

    def restore(self, prompt: Sequence[int]) -> None:
        """Read what a prompt begins with, where that is more than is at hand."""
        ids = packed(prompt)
        try:
            self._restore(ids)
        except (OSError, sqlite3.Error, RuntimeError) as error:  # the last where memory is full
            self._failed(error)

    def keep(self, thread: str, ids: Sequence[int], cuts: Sequence[int], *, began: float) -> None:
        """Write what was computed for a turn soon.

        Args:
            thread: Whose turn it was; what belongs to no thread could not be forgotten and is not kept.
            ids: The prompt and the answer.
            cuts: Where messages end.
            began: When the turn began.
        """
        if not thread:
            return
        with self._lock:
            if self._closed:
                return
            self._turns.append(_Turn(thread, ids, cuts, began))
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="memex-hf-keeping", daemon=True)
                self._worker.start()
            self._lock.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything is written; False if that took longer."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._turns and not self._busy, timeout)

    def forget(self) -> None:
        """Write nothing of what is waiting; what is being written is done when this returns."""
        with self._lock:
            self._turns.clear()
        with self._writing:
            pass

    def close(self) -> None:
        """Write what is waiting, and stop."""
        with self._lock:
            self._closed = True
            worker = self._worker
            self._lock.notify_all()
        if worker is not None:
            worker.join()

    # -- inside --------------------------------------------------------------------------------

    def _restore(self, ids: Sequence[int]) -> None:
        ids = packed(ids)
        with self._engine.turn:
            held = self._engine.shelf.known(ids)
        if len(ids) - held <= _WORTH_A_LOOK:
            return
        files = self.folder.known(self._model, ids)
        if sum(kept.length for kept in files) - held < _WORTH_IT:
            return
        at = 0
        for kept in files:
            start, at = at, at + kept.length
            if at > held:
                rows = (
                    None
                    if (payload := self.folder.read(kept)) is None
                    else unpacked_rows(self._engine, payload, kept.length)
                )
                if rows is None:
                    self.tally.refused += 1
                    return
                if not put_rows(self._engine, ids[:at], start, rows):
                    return
                self.tally.restored += at - max(start, held)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._busy = False
                self._lock.notify_all()
                self._lock.wait_for(lambda: self._turns or self._closed)
                if not self._turns:
                    return
                turn, self._busy = self._turns.pop(0), True
            try:
                self._write(turn)
            except Exception as error:  # noqa: BLE001 - kept for who asks; the next turn tries again
                self._failed(error)

    def _write(self, turn: _Turn) -> None:
        ids = packed(turn.ids)
        with self._engine.turn:
            if self._engine.shelf.moved(ids):
                return  # what is approximate stays in memory
        trail = Trail(self._model, ids)
        files, now = self.folder.known(self._model, ids), time.time()
        trail.go(sum(kept.length for kept in files))
        if files:
            self.folder.use(files, thread=turn.thread, since=turn.began, used=now)
        for place, stop in enumerate(_stops(trail.at, len(ids), turn.cuts), len(files)):
            with self._writing:
                begins, start, ends = trail.here, trail.at, trail.ahead(stop - trail.at)
                payload = packed_rows(self._engine, ids, start, stop)
                if payload is None or ends is None:
                    return
                if not self.folder.add(
                    begins,
                    stop - start,
                    ends,
                    payload,
                    thread=turn.thread,
                    since=turn.began,
                    used=now - place * PLACE,
                ):
                    return
                self.tally.written += 1
            trail.go(stop - start)

    def _failed(self, error: Exception) -> None:
        self.tally.failed += 1
        self.tally.why = f"{type(error).__name__}: {error}"


def _stops(start: int, end: int, cuts: Sequence[int]) -> list[int]:
    """Return where files end: where messages do, and where they would become too long."""
    found, at = [], start
    for cut in [*sorted(cut for cut in set(cuts) if start < cut < end), end]:
        while cut - at > _MOST:
            at += _MOST
            found.append(at)
        least = _WORTH_IT if cut == end else _LEAST
        if cut - at >= least:
            found.append(cut)
            at = cut
    return found
