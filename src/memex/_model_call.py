"""One call of the model, without a model in it: what happens before, with each event, and after.

The blocking and the asynchronous thread drive the same object; neither knows more than how to
wait for the backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from memex._assemble import Assembly, wrong_field
from memex._backend import Backend, Event, Request, Tool
from memex._cost import Cost
from memex._entry import Entry
from memex._errors import BackendError, ContextOverflow, MemexError, PluginError, Truncated
from memex._limits import Limit, limit_after, remember
from memex._message import Message, Origin, Status
from memex._origin import without_bound_parts
from memex._outcome import notes_of, outcome_in
from memex._output import Output
from memex._plugin import describe
from memex._preparing import prepare_next
from memex._reply import Reply
from memex._usage import Usage
from memex._window import Window

if TYPE_CHECKING:
    from memex._thread import Thread


class ModelCall:
    """A call of a thread's model: begin, feed, then finish or fail.

    Args:
        thread: The thread.
        backend: The model.
        tools: What the model may call, as it is told of them.
        settings: The provider's own settings for this call.
        output: What the answer has to be, where that is asked for.
        stored: What was said, for errors.
        asked: Id of the user's message that is answered, where it is known.
    """

    def __init__(
        self,
        thread: Thread,
        backend: Backend,
        *,
        tools: Sequence[Tool] = (),
        settings: Mapping[str, Any],
        output: Output | None = None,
        stored: Sequence[Entry] = (),
        asked: str | None = None,
    ) -> None:
        self._thread = thread
        self._backend = backend
        self._tools = tuple(tools)
        self._settings = settings
        self._output = output
        self._stored = stored
        self._asked = asked
        self._assembly = Assembly()
        self._window: Window | None = None
        self._answered = self._heard = self._refitted = False
        self._target = f"{backend.name}:{backend.model}"

    @property
    def window(self) -> Window | None:
        """What the model is sent; None before :meth:`begin`."""
        return self._window

    def begin(self) -> Request:
        """Build the window and its plan, and return the request."""
        try:
            return self._request()
        except MemexError as error:
            if self._stored:
                error.add_note("what you said is stored as " + ", ".join(f"#{e.seq}" for e in self._stored))
            raise

    def refit(self, error: BaseException) -> Request | None:
        """Return a smaller request after the model refused the window as too long.

        That is tried once, and only while nothing of an answer has come. What the model takes is
        remembered with the thread, once a window could be made for it. None means that ``error`` is to be
        raised.
        """
        if not isinstance(error, ContextOverflow) or self._window is None or self._heard or self._refitted:
            return None
        self._refitted = True
        store, thread = self._thread.memex.store, self._thread.id
        try:
            limit = limit_after(self._window, error)
            request = self._request(limit)
            remember(store, thread, self._target, limit)
        except MemexError as second:
            error.add_note(f"the window could not be made smaller: {second}")
            return None
        return request

    @property
    def _schema(self) -> Mapping[str, Any] | None:
        return self._output.schema if self._output else None

    def _request(self, limit: Limit | None = None) -> Request:
        window = self._thread.build(tools=self._tools, schema=self._schema, target=self._target, limit=limit)
        self._window = window
        return Request(
            messages=tuple(without_bound_parts(m, self._target) for m in window.messages),
            tools=self._tools,
            answer_tokens=window.budget.answer,
            stable=window.plan.stable,
            thread=self._thread.id,
            settings=self._settings,
            schema=self._schema,
            seqs=window.order,
        )

    def feed(self, event: object) -> Event:
        """Take the backend's next event and return it for the user.

        Raises:
            BackendError: If it is no event, or reports an error.
        """
        self._heard = True
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
        plan = msgspec.structs.replace(self._window.plan, outcome=outcome_in(entry))
        reply = Reply(
            entry=entry,
            usage=entry.message.usage or Usage(),
            finish=self._assembly.finish,
            window=self._window.replace(plan=plan),
            output=self._output,
        )
        self._thread.memex.hooks.reply_received(self._thread.id, reply)
        prepare_next(
            self._thread, self._backend, reply, tools=self._tools, schema=self._schema, target=self._target
        )
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

    def _cost(self) -> Cost | None:
        """Return what the call cost. That the backend cannot tell must not cost the answer."""
        ask, usage = getattr(self._backend, "cost", None), self._assembly.usage
        if ask is None or usage is None:
            return None
        try:
            return msgspec.convert(ask(usage, self._backend.model), Cost | None)
        except Exception as error:  # noqa: BLE001 - a stranger's backend
            self._thread.memex.report(
                PluginError(f"cost: {describe(error)}", plugin=self._backend.name), "listener"
            )
            return None

    def _message(self, status: Status) -> Message:
        usage = self._assembly.usage or Usage()
        number = self._window.plan.number if self._window else 0
        fresh = self._window.plan.fresh_tokens if self._window else 0
        newest = self._window.newest if self._window else None
        return Message(
            role="assistant",
            parts=self._assembly.parts,
            parent=self._asked or (newest.message.id if newest else None),
            origin=Origin(
                self._backend.name,
                self._backend.model,
                self._assembly.response_id,
                self._assembly.model if self._assembly.model != self._backend.model else None,
            ),
            status=status,
            extra={**self._assembly.extra, **notes_of(number, self._cost())},
            usage=msgspec.structs.replace(usage, fresh_tokens=fresh),
        )
