"""One call with all its tries, without input, output or waiting: what the two drivers share.

A driver asks :meth:`Call.begin` for a try, hands every event to :meth:`Call.took`, tells how the try
ended, and sleeps as long as it is told. So the blocking and the asynchronous driver cannot differ in
what they decide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from memex._backend import Event
from memex._errors import BackendError, MemexError, RateLimited, Truncated, Unavailable
from memex.wire._answers import left_out_notes
from memex.wire._attempt import Attempt, Timeouts
from memex.wire._foreign import typed_error
from memex.wire._learned import learn, learned
from memex.wire._rest import patience_with

if TYPE_CHECKING:
    from memex.wire._caller import Caller

_SILENT: Final = frozenset({"start", "usage"})
"""Kinds of events that hold nothing of the answer: until another one comes, a call may be made again."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider told in a try, for the limits; None for nothing.

    Attributes:
        reserved: Tokens that the call was thought to cost.
        used: Tokens that it cost.
        headers: Of the response.
        asked_to_wait: Seconds that it wants to be left alone.
    """

    reserved: int
    used: int | None
    headers: Mapping[str, str] | None
    asked_to_wait: float | None


class Call:
    """One call with all its tries.

    Args:
        caller: Who makes it.
        tokens: What it may cost, for the limits.
        settings: Names of the settings that it sends.
        whole: Whether the answer comes at once, so that there is no first word to wait for.
    """

    def __init__(self, caller: Caller, tokens: int, settings: Collection[str], *, whole: bool) -> None:
        self._caller = caller
        self._settings = frozenset(settings)
        self._whole = whole
        self._dropped: dict[str, str] = dict(self._known_refusals())
        self._number = 0
        self._spent = 0.0
        self._held: list[Event] = []
        self._finished = False
        self._began = self._life = caller.clock()
        self._waits_since: float | None = None
        self.begun = False
        self.on_life: Callable[[], None] | None = None
        self.tokens = tokens
        self._used: int | None = None
        self._headers: Mapping[str, str] | None = None
        self._asked_to_wait: float | None = None

    # -- a try -----------------------------------------------------------------------------------

    def begin(self) -> Attempt:
        """Return the next try."""
        self._number += 1
        self._held = []
        self._began = self._life = self._caller.clock()
        patience = patience_with(self._caller.provider, self._caller.endpoint)
        return Attempt(
            self._number, dict(self._dropped), self._timeouts(), self._alive, self._report, patience
        )

    def took(self, event: object) -> list[Event]:
        """Take the next event of a try and return those to hand on now."""
        self._life = self._caller.clock()
        if not isinstance(event, Event):
            raise BackendError(f"{self.who}: the plugin sent a {type(event).__name__} instead of an event")
        if event.kind == "error":
            raise BackendError(f"{self.who}: the answer ended with an error: {event.error}")
        if event.usage is not None:
            self._used = event.usage.prompt_tokens + event.usage.output_tokens
        if event.kind in _SILENT and not self.begun:
            self._held.append(event)
            return []
        self.begun = True
        if event.kind == "finish":
            self._finished = True
            event = self._with_left_out(event)
        ready = [*self._held, event]
        self._held = []
        return ready

    def told(self) -> Told:
        """Return what the provider told since this was last asked."""
        told = Told(
            reserved=self.tokens,
            used=self._used,
            headers=self._headers,
            asked_to_wait=self._asked_to_wait,
        )
        self._used = self._headers = self._asked_to_wait = None
        return told

    @property
    def finished(self) -> bool:
        """Whether the terminal event came."""
        return self._finished

    def ended(self) -> NoReturn:
        """Take note that a try has no more events, although the terminal one did not come.

        Raises:
            Truncated: Always.
        """
        came = "in the middle" if self.begun else "before its first word"
        raise Truncated(f"{self.who}: the answer ended {came}, without its terminal event; ask again")

    def failed(self, error: Exception) -> float:
        """Return after how many seconds there is another try.

        Raises:
            MemexError: If there is none; the error of the last try.
        """
        typed = self._typed(error)
        self._asked_to_wait = getattr(typed, "retry_after", None)
        if self.begun or not isinstance(typed, BackendError):
            raise typed
        if self._learns(typed):
            self._number -= 1  # a better request is not a further try of the same
            return 0.0
        wait = self._caller.retries.wait(
            typed,
            self._number,
            elapsed=self._spent,
            total=self._caller.deadlines.total,
            random=self._caller.random,
        )
        if wait is None:
            if self._number > 1:
                typed.add_note(f"after {self._number} tries")
            raise typed
        return wait

    # -- time ------------------------------------------------------------------------------------

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time in here as waiting for the model."""
        self._waits_since = since = self._caller.clock()
        self._life = max(self._life, since) if self.begun else self._life
        try:
            yield
        finally:
            self._waits_since = None
            self._spent += self._caller.clock() - since

    def nearest(self) -> tuple[float, str] | None:
        """Return the moment on the clock at which the present wait is too long, and by which deadline."""
        return min(self._limits(), default=None)

    def late(self, name: str, cause: Exception | None = None) -> BackendError:
        """Return the error for a deadline that has passed; closing the connection caused ``cause``."""
        seconds = getattr(self._caller.deadlines, name)
        what = {
            "first": f"no answer began within {seconds:g} s",
            "idle": f"the answer stalled: nothing came for {seconds:g} s",
            "total": f"the call took longer than {seconds:g} s in all",
        }[name]
        do = f"raise the deadline {name!r} if the model is that slow"
        error: BackendError = Unavailable(f"{self.who}: {what}; {do}")
        if self.begun:
            error = Truncated(f"{self.who}: {what}; what came is kept; {do}")
        error.__cause__ = cause
        return error

    def longest_rest(self) -> float | None:
        """Return for how long nobody needs to look at the deadlines: no later one can pass sooner."""
        deadlines = self._caller.deadlines
        total = None if deadlines.total is None else max(0.0, deadlines.total - self._spent)
        words = () if self._whole else (deadlines.idle, None if self.begun else deadlines.first)
        return min((span for span in (*words, total) if span is not None), default=None)

    def check_wait(self, seconds: float) -> None:
        """Refuse to wait for the limits for longer than the call may take.

        Raises:
            RateLimited: If that is so.
        """
        total = self._caller.deadlines.total
        if total is not None and self._spent + seconds >= total:
            raise RateLimited(
                f"{self.who}: by requests_per_minute, tokens_per_minute or a pause that the provider asked "
                f"for, the call could go out in {seconds:.0f} s, after its deadline; wait, make fewer calls "
                "or raise the limits",
                retry_after=seconds,
            )

    # -- inside ----------------------------------------------------------------------------------

    @property
    def who(self) -> str:
        """Provider and model, for errors."""
        return f"{self._caller.provider} ({self._caller.model})"

    def _limits(self) -> Iterator[tuple[float, str]]:
        since = self._waits_since
        if since is None:
            return
        deadlines = self._caller.deadlines
        if deadlines.total is not None:
            yield since + deadlines.total - self._spent, "total"
        if self._whole:
            return
        if self.begun:
            if deadlines.idle is not None:
                yield self._life + deadlines.idle, "idle"
        elif deadlines.first is not None:
            first = self._began + deadlines.first
            alive = self._life + (deadlines.idle or 0.0) if self._life > self._began else first
            yield (first, "first") if first >= alive else (alive, "idle")

    def _timeouts(self) -> Timeouts:
        deadlines = self._caller.deadlines
        left = None if deadlines.total is None else max(0.001, deadlines.total - self._spent)

        def within(seconds: float | None) -> float | None:
            return left if seconds is None else seconds if left is None else min(seconds, left)

        spans = (deadlines.first, deadlines.idle)
        longest = None if self._whole or None in spans else max(span for span in spans if span is not None)
        return Timeouts(connect=within(deadlines.connect), read=within(longest))

    def _alive(self) -> None:
        self._life = self._caller.clock()
        if self.on_life is not None:
            self.on_life()

    def _report(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def _typed(self, error: Exception) -> MemexError:
        given: BackendError | None = None
        if not isinstance(error, MemexError):
            try:
                given = self._caller.translate(error)
            except Exception as second:  # noqa: BLE001 - a fault in the plugin must not hide the first one
                error.add_note(f"translating it failed: {type(second).__name__}: {second}")
        return typed_error(self.who, error, given, begun=self.begun)

    def _known_refusals(self) -> Iterator[tuple[str, str]]:
        caller = self._caller
        known = learned(caller.provider, caller.endpoint, caller.model)
        for name in sorted(self._settings):
            if name in caller.refuses:
                yield name, f"{caller.model} does not take it"
            elif name in known and name in caller.droppable:
                yield name, known[name]

    def _learns(self, error: BackendError) -> bool:
        caller = self._caller
        try:
            name = None if caller.refused is None else caller.refused(error)
        except Exception as second:  # noqa: BLE001 - as in _typed
            error.add_note(f"looking for a refused setting failed: {type(second).__name__}: {second}")
            return False
        if name is None or name in self._dropped or name not in self._settings & frozenset(caller.droppable):
            return False
        why = f"{caller.model} refused it: {error}"
        learn(caller.provider, caller.endpoint, caller.model, name, why)
        self._dropped[name] = why
        return True

    def _with_left_out(self, event: Event) -> Event:
        if not self._dropped:
            return event
        extra: Mapping[str, object] = event.extra
        [(key, told)] = left_out_notes(self._caller.provider, self._dropped.items()).items()
        before = extra.get(key, ())
        others = list(before) if isinstance(before, list | tuple) else []
        return msgspec.structs.replace(event, extra={**extra, key: [*others, *told]})
