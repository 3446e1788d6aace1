"""One turn, without a model in it: what happens before the call, with each event, and after.

The blocking and the asynchronous thread drive the same object; neither knows more than how to
wait for the backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from memex._assemble import Assembly, wrong_field
from memex._backend import Backend, Event, Request, Tool
from memex._errors import BackendError, BadSetting, ConfigError, InvalidMessage, MemexError, Truncated
from memex._frozen import FrozenDict, freeze
from memex._message import Message, Origin, Status
from memex._origin import without_bound_parts
from memex._preparing import prepare_next
from memex._reply import Reply
from memex._usage import Usage
from memex._window import Window

if TYPE_CHECKING:
    from memex._thread import Thread


class Turn:
    """A turn of a thread: begin, feed, then finish or fail.

    Args:
        thread: The thread.
        backend: The model.
        messages: What the user says, not stored yet.
        tools: What the model may call.
        settings: The provider's own settings for this call.

    Raises:
        BadSetting: If a setting is no JSON value.
        ConfigError: If the backend is none.
    """

    def __init__(
        self,
        thread: Thread,
        backend: Backend,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        settings: dict[str, Any],
    ) -> None:
        self._thread = thread
        self._backend = backend
        self._messages = messages
        self._tools = tuple(tools)
        self._settings = _frozen_settings(settings)
        self._assembly = Assembly()
        self._window: Window | None = None
        self._answered = False
        lacking = [name for name in ("name", "model", "stream") if not hasattr(backend, name)]
        if lacking:
            raise ConfigError(f"the backend {type(backend).__name__} has no {lacking[0]!r}")
        self._target = f"{backend.name}:{backend.model}"

    @property
    def window(self) -> Window | None:
        """What the model is sent; None before :meth:`begin`."""
        return self._window

    def begin(self) -> Request:
        """Store the user's messages, build the window and its plan, and return the request."""
        stored = self._thread.append(self._messages)
        try:
            window = self._thread.build(tools=self._tools, target=self._target)
        except MemexError as error:
            if stored:
                error.add_note("what you said is stored as " + ", ".join(f"#{entry.seq}" for entry in stored))
            raise
        self._window = window
        return Request(
            messages=tuple(without_bound_parts(m, self._target) for m in window.messages),
            tools=self._tools,
            answer_tokens=window.budget.answer,
            stable=window.plan.stable,
            thread=self._thread.id,
            settings=self._settings,
        )

    def feed(self, event: object) -> Event:
        """Take the backend's next event and return it for the user.

        Raises:
            BackendError: If it is no event, or reports an error.
        """
        if not isinstance(event, Event):
            raise BackendError(f"backend {self._target} sent a {type(event).__name__} instead of an event")
        if wrong := wrong_field(event):
            raise BackendError(f"backend {self._target} sent an event whose {wrong} is of the wrong type")
        self._assembly.feed(event)
        if event.kind == "error":
            raise BackendError(f"backend {self._target} stopped with an error: {event.error}")
        return event

    def finish(self) -> Reply:
        """Store the answer and return it.

        Raises:
            Truncated: If the terminal event never came; what came is stored as ``incomplete``.
        """
        if self._assembly.finish is None or self._window is None:
            raise Truncated(f"the answer of {self._target} ended before its terminal event")
        self._answered = True
        status: Status = "complete" if self._assembly.finish != "length" else "incomplete"
        entry = self._thread.store_reply(self._message(status))
        reply = Reply(
            entry=entry,
            usage=entry.message.usage or Usage(),
            finish=self._assembly.finish,
            window=self._window,
        )
        self._thread.memex.hooks.reply_received(self._thread.id, reply)
        prepare_next(self._thread, self._backend, reply, tools=self._tools, target=self._target)
        return reply

    def fail(self, error: BaseException) -> BaseException:
        """Store what came as ``incomplete`` and return the error to raise, which carries it.

        Args:
            error: What stopped the answer: a typed error, a foreign one, or a cancellation.
        """
        known = self._typed(error)
        if self._assembly.finish is not None and not isinstance(error, Exception) and not self._answered:
            self.finish()  # the reader left after the last event: the answer is whole
            return known
        if self._window is not None and self._assembly.parts and not self._answered:
            message = self._message("incomplete")
            if isinstance(known, BackendError):
                known.partial = message
            self._keep(message, known)
        if self._window is not None:
            told = known if isinstance(known, MemexError) else BackendError(f"cancelled: {known!r}")
            self._thread.memex.hooks.call_failed(self._thread.id, told)
        return known

    def _keep(self, message: Message, error: BaseException) -> None:
        """Store a partial answer; what goes wrong here must not hide why the answer is partial."""
        try:
            self._thread.store_reply(message)
        except MemexError as second:
            error.add_note(f"the partial answer could not be stored either: {second}")

    def _typed(self, error: BaseException) -> BaseException:
        if isinstance(error, MemexError) or not isinstance(error, Exception):
            return error
        wrapped = BackendError(
            f"backend {self._target} failed: {type(error).__name__}: {error}; your message is stored"
        )
        wrapped.__cause__ = error
        return wrapped

    def _message(self, status: Status) -> Message:
        usage = self._assembly.usage or Usage()
        fresh = self._window.plan.fresh_tokens if self._window else 0
        asked = next((m for m in reversed(self._messages) if m.role == "user"), None)
        return Message(
            role="assistant",
            parts=self._assembly.parts,
            parent=asked.id if asked else None,
            origin=Origin(
                self._backend.name,
                self._backend.model,
                self._assembly.response_id,
                self._assembly.model if self._assembly.model != self._backend.model else None,
            ),
            status=status,
            extra=self._assembly.extra,
            usage=msgspec.structs.replace(usage, fresh_tokens=fresh),
        )


def _frozen_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of a call, refused before anything is stored where they cannot be sent."""
    frozen = {}
    for name, value in settings.items():
        try:
            frozen[name] = freeze(value)
        except InvalidMessage as error:
            raise BadSetting(f"{name}: the settings of a call are JSON values; {error}") from error
    return FrozenDict(frozen)
