"""One remembered call: what happens before it, with each piece of its answer, and after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from memex._backend import Event, Request
from memex._errors import BackendError, ContextOverflow, MemexError
from memex._open_turn import OpenTurn
from memex._thread import Thread
from memex.wire._answers import noted
from memex.wire._drop_in.endpoint import AnswerReader, Endpoint, Written
from memex.wire._drop_in.storing import store_new


class RememberedCall:
    """A call of an SDK's endpoint that belongs to a thread.

    What goes wrong with reading an answer is no business of the caller, who gets the SDK's own
    objects and errors: the turn fails, what came of the answer is kept, and
    :attr:`OpenTurn.error <memex.OpenTurn>` says why. An answer that cannot be stored is their business.

    Args:
        endpoint: What is called.
        choose: Returns the thread that it is remembered in, opened now if it is new.
        provider: Name of the provider.
    """

    def __init__(self, endpoint: Endpoint, choose: Callable[[], Thread], provider: str) -> None:
        self._endpoint = endpoint
        self._choose = choose
        self._provider = provider
        self._body: Mapping[str, Any] = {}
        self._request: Request | None = None
        self._written = Written(body={})
        self._reader: AnswerReader | None = None
        self._turn: OpenTurn | None = None
        self._lock = threading.Lock()
        self._over = False

    @property
    def turn(self) -> OpenTurn:
        """The turn, once the call has begun."""
        if self._turn is None:
            raise RuntimeError("the call has not begun")
        return self._turn

    @property
    def over(self) -> bool:
        """Whether the answer is stored, or has failed."""
        return self._over

    def begin(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Store what the caller says that is new, and return the body to send instead of theirs.

        Raises:
            MemexError: If the body cannot be read, what is new not stored, or no window built.
        """
        # What can be read only once is read for its tokens here, and sent afterwards.
        body = {name: list(value) if hasattr(value, "__next__") else value for name, value in body.items()}
        self._body = body
        asked = self._endpoint.read(body)
        thread = self._choose()
        turn = OpenTurn(thread, provider=self._provider, model=asked.model, tools=asked.tools)
        request = turn.go_on(store_new(thread, asked.messages))
        self._turn, self._reader = turn, self._endpoint.reader(body)
        return self._write(request)

    def again(self, error: BaseException) -> Mapping[str, Any] | None:
        """Return the body to send after an error that is none of the caller's; None where there is none.

        It is a smaller one, once, after the model refused the window as too long; and one without what was
        added to the caller's, where the server refused that.
        """
        known = self._typed(error)
        if not isinstance(known, BackendError) or self._request is None:
            return None
        if isinstance(known, ContextOverflow):
            request = self.turn.refit(known)
            return None if request is None else self._write(request)
        if self._written.shown is not None and self._endpoint.learn(known, self._body):
            return self._write(self._request)
        return None

    @property
    def shown(self) -> Callable[[bytes, Any], bytes] | None:
        """What the caller sees of an event, given its bytes and its JSON value; None for all of it."""
        return self._written.shown

    def feed(self, wire: Any) -> None:
        """Take a piece of the answer, or all of it."""
        if not self._over and self._reader is not None:
            self._read(self._reader.feed(wire))

    def end(self) -> None:
        """Store the answer: whole, or as ``incomplete`` where it is not.

        Raises:
            MemexError: If a whole answer could not be stored; the error carries it.
        """
        if self._over or self._reader is None:
            return
        if not self._read(self._reader.end()) or not self._first():
            return
        try:
            self.turn.finish()
        except MemexError as error:
            self.turn.fail(error)
            raise

    def fail(self, error: BaseException) -> None:
        """Keep what came of an answer that was stopped."""
        if self._turn is not None and self._first():
            self.turn.fail(self._typed(error))

    def abandon(self) -> None:
        """Keep what came of an answer that nobody reads to its end."""
        if self._over:
            return
        thread = threading.Thread(target=self.end, name="memex-abandoned-answer")
        # Not here: this runs inside the garbage collector, at any moment, maybe in the store itself.
        thread.start()

    def _read(self, events: Iterator[Event]) -> bool:
        try:
            for event in noted(events, self._written.notes):
                self.turn.feed(event)
        except Exception as error:  # noqa: BLE001 - a reader must not break the call it listens to
            self.fail(error)
            return False
        return True

    def _write(self, request: Request) -> Mapping[str, Any]:
        self._request = request
        self._written = self._endpoint.write(self._body, request)
        return self._written.body

    def _typed(self, error: BaseException) -> BaseException:
        known = self._endpoint.typed(error, self._body)
        if known is not None and known.__cause__ is None:
            known.__cause__ = error
        return error if known is None else known

    def _first(self) -> bool:
        """Say whether the call is ended only now; a stream is closed by one thread, read by another."""
        with self._lock:
            first, self._over = not self._over, True
        return first
