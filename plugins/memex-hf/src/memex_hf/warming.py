"""Prepares the next prompt while the user reads: its beginning is run in the background."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from memex_hf.running.engine import Engine

_CHUNK = 128  # tokens that a user who is faster may have to wait for
_ROOM = 512


class _Job:
    def __init__(self, thread: str, ids: Sequence[int], cuts: Sequence[int]) -> None:
        self.thread = thread
        self.ids = ids
        self.cuts = cuts
        self.cancelled = threading.Event()
        self.done = threading.Event()


class Warming:
    """Runs prompts in one background thread, only while nobody generates.

    A prompt of the same thread cancels it between two chunks; what was run by then is kept.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Condition()
        self._jobs: list[_Job] = []
        self._worker: threading.Thread | None = None
        self._running: _Job | None = None
        self._closed = False
        self._busy = 0

    def prepare(self, thread: str, ids: Sequence[int], cuts: Sequence[int]) -> None:
        """Run a prompt soon; an older one of the same thread is forgotten."""
        with self._lock:
            if self._closed:
                return
            self._forget(thread)
            self._jobs.append(_Job(thread, ids, cuts))
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="memex-hf-warming", daemon=True)
                self._worker.start()
            self._lock.notify_all()

    def cancel(self, thread: str) -> None:
        """Stop preparing for a thread and wait until that is so: at most one chunk."""
        with self._lock:
            self._forget(thread)
            running = self._running
            if running is None or running.thread != thread:
                return
            running.cancelled.set()
            self._lock.notify_all()  # it may be waiting for somebody else's answer to end
        running.done.wait()

    def forget(self) -> None:
        """Stop preparing for anybody."""
        with self._lock:
            threads = {job.thread for job in self._jobs} | (
                {self._running.thread} if self._running else set()
            )
        for thread in threads:
            self.cancel(thread)

    def foreground(self, change: int) -> None:
        """Note that somebody began (1) or ended (-1) to generate."""
        with self._lock:
            self._busy += change
            self._lock.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything is prepared; False if that took longer."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._jobs and self._running is None, timeout)

    def close(self) -> None:
        """Stop, and wait for the chunk that runs."""
        with self._lock:
            self._closed = True
            self._jobs.clear()
            if self._running is not None:
                self._running.cancelled.set()
            worker = self._worker
            self._lock.notify_all()
        if worker is not None and worker is not threading.current_thread():
            worker.join()

    def _forget(self, thread: str) -> None:
        self._jobs = [job for job in self._jobs if job.thread != thread]

    def _work(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._jobs or self._closed)
                if self._closed:
                    return
                job = self._running = self._jobs.pop(0)
            try:
                self._run(job)
            except Exception:  # noqa: BLE001, S110 - the turn itself will meet the error, and tell of it
                pass
            finally:
                with self._lock:
                    self._running = None
                    job.done.set()
                    self._lock.notify_all()

    def _run(self, job: _Job) -> None:
        engine = self._engine

        def go_on() -> bool:
            with self._lock:
                self._lock.wait_for(lambda: not self._busy or job.cancelled.is_set() or self._closed)
                return not (job.cancelled.is_set() or self._closed)

        if not go_on():
            return
        with engine.turn:
            if engine.continues == "never" or len(job.ids) - engine.shelf.known(job.ids) <= 1:
                return
            lane = engine.begin(job.ids, len(job.ids) + _ROOM)
        failed = True
        try:
            engine.prefill(lane, job.ids, job.cuts, go_on=go_on, warm=True, chunk=_CHUNK)
            failed = False
        finally:
            with engine.turn:
                engine.end(lane, job.cuts, failed=failed)
