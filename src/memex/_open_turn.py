"""A turn whose model is called by somebody else: the memory keeps both ends of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memex._backend import Capabilities, Event, Request, Tool
from memex._entry import Entry
from memex._errors import BackendError, ConfigError
from memex._message import Message
from memex._model_call import ModelCall
from memex._reply import Reply

if TYPE_CHECKING:
    from memex._thread import Thread
    from memex._window import Window


class OpenTurn:
    """A turn of a thread, for a program that calls the model itself.

    ::

        turn = OpenTurn(thread, provider="openai", model="gpt-5.6")
        request = turn.begin([Message.user("Who signs it off?")])   # stored, and a window built
        for event in answer_to(request.messages):                    # your own call, as events
            turn.feed(event)
        reply = turn.finish()                                        # stored once

    It does what :meth:`Thread.send` does on both sides of the call: what was said is stored before,
    the answer once and after it. Where the call breaks, :meth:`fail` keeps what came as ``incomplete``.

    Args:
        thread: The thread.
        provider: Who is called; with the model, whom signed parts of the answer are bound to.
        model: The model as it is asked for.
        tools: What the model may call; their tokens are counted.

    Attributes:
        thread: The thread.
        window: What the model is sent, with its plan; None before :meth:`begin`.
        reply: The answer, once it is stored whole.
        error: What stopped the answer, if something did.
    """

    def __init__(self, thread: Thread, *, provider: str, model: str, tools: Sequence[Tool] = ()) -> None:
        self.thread = thread
        self.window: Window | None = None
        self.reply: Reply | None = None
        self.error: BaseException | None = None
        self._called = _CalledElsewhere(provider, model)
        self._tools = tuple(tools)
        self._call: ModelCall | None = None

    @property
    def over(self) -> bool:
        """Whether the answer is stored, or has failed."""
        return self.reply is not None or self.error is not None

    def begin(self, messages: Sequence[Message]) -> Request:
        """Store what was said, build the window and its plan, and return what to send.

        Args:
            messages: What is new.

        Raises:
            ConfigError: If the turn has begun already.
            BudgetExceeded: If what must be sent does not fit; what was said is stored.
        """
        self._check_new()
        return self.go_on(self.thread.append(messages))

    def go_on(self, stored: Sequence[Entry] = ()) -> Request:
        """Do what :meth:`begin` does where what was said is in the thread already.

        Args:
            stored: What was said, where it was stored just now; nothing where a call is made again.

        Raises:
            ConfigError: If the turn has begun already.
            BudgetExceeded: If what must be sent does not fit.
        """
        self._check_new()
        asked = next((entry.message.id for entry in reversed(stored) if entry.message.role == "user"), None)
        call = ModelCall(
            self.thread, self._called, tools=self._tools, settings={}, stored=stored, asked=asked
        )
        request = call.begin()
        self._call, self.window = call, call.window
        return request

    def refit(self, error: BackendError) -> Request | None:
        """Return a smaller request after the model refused the window as too long.

        That is tried once, and only while nothing of an answer has come; what the model takes is
        remembered with the thread. None means that there is none: call :meth:`fail`.

        Args:
            error: What the model said; anything but a :class:`~memex.ContextOverflow` gives None.
        """
        call = self._begun()
        request = call.refit(error)
        self.window = call.window
        return request

    def feed(self, event: Event) -> None:
        """Take the next event of the answer.

        Raises:
            BackendError: If it reports an error.
        """
        self._begun().feed(event)

    def finish(self) -> Reply:
        """Store the answer as it came and return it.

        Raises:
            Truncated: If its terminal event never came; :meth:`fail` stores what came.
        """
        self.reply = self._begun().finish()
        return self.reply

    def fail(self, error: BaseException) -> BaseException:
        """Store what came as ``incomplete`` and return the error, typed.

        Args:
            error: What stopped the answer. It may be a foreign one, which comes back as the cause of a
                :class:`~memex.BackendError`.
        """
        self.error = self._begun().fail(error)
        return self.error

    def _check_new(self) -> None:
        if self._call is not None:
            raise ConfigError("this turn has begun already; every call of a model is a turn of its own")

    def _begun(self) -> ModelCall:
        if self._call is None:
            raise ConfigError("this turn has not begun; call begin() first")
        if self.over:
            raise ConfigError("this turn is over; every call of a model is a turn of its own")
        return self._call


class _CalledElsewhere:
    """Stands for the model in a turn: it has a name and is never asked."""

    capabilities = Capabilities()

    def __init__(self, provider: str, model: str) -> None:
        self.name = provider
        self.model = model

    def stream(self, request: Request) -> Iterator[Event]:  # noqa: ARG002 - it is never asked
        raise ConfigError(f"{self.name}:{self.model} is called by the program, not by the memory")

    def close(self) -> None:
        """Nothing is open."""
