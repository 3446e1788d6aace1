"""One try of a call, as the plugin's function sees it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping

import msgspec

from memex.wire._rest import MOST_PIECES, Patience, Remaining


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds that are left for a try, for the SDK's own timeouts; None for no limit.

    Attributes:
        connect: Until the connection stands.
        read: Between two packets. The caller watches the finer deadlines itself.
    """

    connect: float | None
    read: float | None


class Attempt:
    """One try of a call.

    Attributes:
        number: 1 for the first.
        dropped: Settings to leave out of this try, each with the reason.
        timeouts: What is left of the deadlines.
        remaining: The time for what follows the answer, while that is read; for what watches sockets.
    """

    __slots__ = (
        "_aborted",
        "_aborters",
        "_closers",
        "_lock",
        "_on_headers",
        "_on_life",
        "_patience",
        "dropped",
        "number",
        "remaining",
        "timeouts",
    )

    def __init__(
        self,
        number: int,
        dropped: Mapping[str, str],
        timeouts: Timeouts,
        on_life: Callable[[], None] = lambda: None,
        on_headers: Callable[[Mapping[str, str]], None] = lambda _: None,
        patience: Patience | None = None,
    ) -> None:
        self.number = number
        self.dropped = dropped
        self.timeouts = timeouts
        self._on_life = on_life
        self._on_headers = on_headers
        self._patience = patience or Patience()
        self.remaining: Remaining | None = None
        self._closers: list[Callable[[], object]] = []
        self._aborters: list[Callable[[], None]] = []
        self._aborted = False
        self._lock = threading.Lock()

    def closes(self, close: Callable[[], Awaitable[object] | object]) -> None:
        """Register what ends this try: a function that closes the response.

        It is called when a deadline passes, from another thread where the call is a blocking one, and
        again or for the first time when the try is over, however that came about. So it may be
        called twice. On an event loop it may return an awaitable.
        """
        with self._lock:
            self._closers.append(close)
            aborted = self._aborted
        if aborted:  # the deadline passed before there was anything to close
            close()

    def aborts(self, abort: Callable[[], None]) -> None:
        """Register what wakes a blocking read; called only when a deadline passes."""
        with self._lock:
            self._aborters.append(abort)
            aborted = self._aborted
        if aborted:
            abort()

    def alive(self) -> None:
        """Say that something came which makes no event: a ping, a piece of a tool call's arguments.

        Without it a long tool call would look like a stalled stream.
        """
        self._on_life()

    def got(self, headers: Mapping[str, str]) -> None:
        """Tell the headers of the response, for the limits: what the provider says is left."""
        self._on_headers(headers)

    def read_rest(self, pieces: Iterable[object]) -> None:
        """Read what follows the answer, so that its connection can be used again, for a moment at the most.

        Call it in the function that makes the try, when the answer is whole. Elsewhere, or where the sockets
        of the client are not watched, nothing is read, as no time could be kept.

        Args:
            pieces: The rest of the body.
        """
        from memex.wire._caller import current_attempt

        watched = current_attempt() is self and bool(self._aborters)
        seconds = self._patience.seconds() if watched else 0.0
        if not seconds:
            return
        self.remaining = Remaining(seconds)
        try:
            ended = all(number < MOST_PIECES for number, _ in enumerate(pieces))
        except Exception:  # noqa: BLE001 - the answer is whole, whatever its connection does
            ended = False
        finally:
            self.remaining = None
        self._patience.learn(ended=ended)

    async def aread_rest(self, pieces: AsyncIterable[object]) -> None:
        """Do what :meth:`read_rest` does on an event loop."""
        import asyncio

        seconds = self._patience.seconds()
        if not seconds:
            return
        number = 0
        try:
            async with asyncio.timeout(seconds):
                async for _ in pieces:
                    number += 1
                    if number > MOST_PIECES:
                        break
        except Exception:  # noqa: BLE001 - as above
            number = MOST_PIECES + 1
        self._patience.learn(ended=number <= MOST_PIECES)

    def abort(self) -> None:
        """End the try now, and what it opens later. What that raises is of no interest."""
        with self._lock:
            self._aborted = True
            actions = [*self._aborters, *reversed(self._closers)]
        for action in actions:
            try:
                action()
            except Exception:  # noqa: BLE001, S112 - a stranger's close; the try has failed already
                continue

    def end(self) -> tuple[Callable[[], object], ...]:
        """Return what has to be called now that the try is over, last first."""
        with self._lock:
            closers = tuple(reversed(self._closers))
            self._closers, self._aborters = [], []
        return closers
