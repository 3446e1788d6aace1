"""Makes a call as often as needed, and hands on its events as they come."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Generator, Iterable, Iterator
from random import random as _random
from typing import TYPE_CHECKING, Any

from memex._backend import Event
from memex._errors import BackendError
from memex.wire._attempt import Attempt
from memex.wire._call import Call, Told
from memex.wire._deadlines import Deadlines
from memex.wire._retries import Retries
from memex.wire._watchdog import Watchdog

if TYPE_CHECKING:
    from memex.wire._limits import RateLimits

_DONE = object()
_running = threading.local()


def current_attempt() -> Attempt | None:
    """Return the try that this thread is in; None if it is in none. For what watches sockets."""
    return getattr(_running, "attempt", None)


class Caller:
    """Calls one model of one provider: tries again, keeps deadlines and limits, and types every error.

    Args:
        provider: Name of the backend; begins the names of what is noted with an answer.
        model: The model that is asked.
        translate: Makes a typed error of an exception of the SDK; None where it does not know it.
            ``memex.wire.error_for`` does most of that work.
        retries: How often to try.
        deadlines: How long to wait.
        limits: Requests and tokens per minute; None for none.
        refused: Names the setting that an error says the model does not take; None if there is none.
            It should not name one whose *value* is wrong.
        droppable: Settings that may be left out of a call when the model refuses them.
        refuses: Settings that the model is known to refuse (``Capabilities.refuses``).
        endpoint: The server's address, where there are several: what is learned is learned of it.
        clock: Seconds that only grow.
        random: Gives a number from 0 up to 1.
        sleep: How a blocking call waits between tries.
    """

    def __init__(
        self,
        *,
        provider: str,
        model: str,
        translate: Callable[[BaseException], BackendError | None],
        retries: Retries | None = None,
        deadlines: Deadlines | None = None,
        limits: RateLimits | None = None,
        refused: Callable[[BackendError], str | None] | None = None,
        droppable: Collection[str] = (),
        refuses: Collection[str] = (),
        endpoint: str = "",
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.provider = provider
        self.model = model
        self.translate = translate
        self.retries = retries or Retries()
        self.deadlines = deadlines or Deadlines()
        self.limits = limits
        self.refused = refused
        self.droppable = frozenset(droppable)
        self.refuses = frozenset(refuses)
        self.endpoint = endpoint
        self.clock = clock
        self.random = random
        self.sleep = sleep

    def stream(
        self,
        attempt: Callable[[Attempt], Iterable[Event]],
        *,
        tokens: int = 0,
        settings: Collection[str] = (),
        whole: bool = False,
    ) -> Iterator[Event]:
        """Yield the events of an answer; the last one is ``finish``.

        Until the first words are handed on, a try that fails for a passing reason is made again.
        After that its error goes up: nothing is ever said twice.

        Args:
            attempt: Makes one call of the SDK, with the SDK's own retries off, and yields events. It
                may raise anything.
            tokens: What the call may cost, prompt and answer, for the limits.
            settings: Names of the settings that it sends.
            whole: Whether the answer comes at once: only the total deadline holds.

        Raises:
            BackendError: If no try gave a whole answer; with the SDK's exception as the cause.
        """
        call = Call(self, tokens, settings, whole=whole)
        while True:
            self._wait_for_a_place(call)
            failure = yield from self._one_try(call, attempt)
            try:
                if failure is None:
                    return
                wait = call.failed(failure)
            finally:
                self.settle(call.told())
            self._rest(call, wait)

    def astream(
        self,
        attempt: Callable[[Attempt], AsyncIterator[Event]],
        *,
        tokens: int = 0,
        settings: Collection[str] = (),
        whole: bool = False,
    ) -> AsyncIterator[Event]:
        """Do what :meth:`stream` does on an event loop; cancelling the task closes the response."""
        from memex.wire._caller_async import astream

        return astream(self, Call(self, tokens, settings, whole=whole), attempt)

    def _one_try(
        self, call: Call, attempt: Callable[[Attempt], Iterable[Event]]
    ) -> Generator[Event, None, Exception | None]:
        """Yield the events of one try and return what it failed with.

        An exception of the reader, thrown in at the ``yield``, is no failure of the try.
        """
        one = call.begin()
        events: Iterator[Event] | None = None
        dog = self._watch(call, one)
        try:
            while not call.finished:
                try:
                    with call.waiting(), _in(one):
                        events = iter(attempt(one)) if events is None else events
                        event = next(events, _DONE)
                    ready = call.ended() if event is _DONE else call.took(event)
                except Exception as error:  # noqa: BLE001 - a stranger's code; typed by call.failed
                    return call.late(dog.passed, error) if dog is not None and dog.passed else error
                if dog is not None and dog.passed and not call.finished:
                    return call.late(dog.passed)
                yield from ready
        finally:
            if dog is not None:
                dog.stop()
            _close(events, one)
            self.settle(call.told())
        return None

    def _watch(self, call: Call, one: Attempt) -> Watchdog | None:
        deadlines = self.deadlines
        if deadlines.first is deadlines.idle is deadlines.total is None:
            return None
        try:
            return Watchdog(
                clock=self.clock, nearest=call.nearest, longest_rest=call.longest_rest, bark=one.abort
            )
        except RuntimeError:  # no more threads: the timeouts of the SDK still hold
            return None

    def _rest(self, call: Call, seconds: float) -> None:
        if seconds > 0:
            with call.waiting():
                self.sleep(seconds)

    def _wait_for_a_place(self, call: Call) -> None:
        if self.limits is None:
            return
        wait = self.limits.reserve(call.tokens)
        try:
            call.check_wait(wait)
            self._rest(call, wait)
        except BaseException:
            self.limits.give_back(call.tokens)
            raise

    def settle(self, told: Told) -> None:
        """Hand on to the limits what the provider told in a try."""
        if self.limits is None:
            return
        if told.used is not None:
            self.limits.settle(told.reserved, told.used)
        if told.headers is not None:
            self.limits.report(told.headers)
        if told.asked_to_wait:
            # No longer than a call would wait: one mistaken answer must not stop all who share the limits
            # for a day. Where it was none, the provider says it again.
            self.limits.pause(min(told.asked_to_wait, self.retries.longest_wait))


class _in:  # noqa: N801 - reads as a word: ``with _in(attempt)``; contextlib would cost a microsecond an event
    __slots__ = ("_attempt", "_before")

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def __enter__(self) -> None:
        self._before = current_attempt()
        _running.attempt = self._attempt

    def __exit__(self, *_: object) -> None:
        _running.attempt = self._before


def _close(events: Any, one: Attempt) -> None:
    """Close what a try opened. What closing raises must not hide how the try ended."""
    closers = [events.close] if hasattr(events, "close") else []
    for close in (*closers, *one.end()):
        try:
            close()
        except Exception:  # noqa: BLE001, S112 - a stranger's close
            continue
