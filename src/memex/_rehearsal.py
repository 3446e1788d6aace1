"""A rehearsal: the windows of a thread as they would have been, turn after turn, and nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from memex._entry import Entry
from memex._errors import UnknownMessage
from memex._message import Message
from memex._planner import Settings, build_window
from memex._window import Window

if TYPE_CHECKING:
    from memex._plan import Plan
    from memex._thread import Thread


class Rehearsal:
    """Builds the windows that a thread's chain and budget give at any point of its log.

    Each window continues the one before it, as in a conversation that is held. No plan is stored,
    no model is called, and nobody is told. The thread's pins count from the message on that they name.
    Its own recorded plans are not looked at: the chain may be another one than was used then.

    Args:
        thread: A thread with the chain and the budget to try; see :meth:`Memex.thread`.

    Attributes:
        head: The last message that has been said so far.
    """

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._settings = Settings(
            chain=thread.chain,
            budget=thread.budget,
            counter=thread.counter,
            on_error=thread.memex.on_error,
        )
        self._pins = thread.pins
        self._last = thread.info.head
        self._previous: Plan | None = None
        self.head = 0

    def turn(self, head: int) -> Window:
        """Return the window after message ``head``, which the next one will continue.

        Raises:
            UnknownMessage: If the thread has no such message, or it stands before the last turn.
        """
        self.go(head)
        window = self._window(None)
        number = self._previous.number + 1 if self._previous else 1
        self._previous = msgspec.structs.replace(window.plan, number=number)
        return window

    def go(self, head: int) -> None:
        """Let the thread go on up to message ``head`` without calling a model.

        Raises:
            UnknownMessage: If the thread has no such message, or it stands before the last turn.
        """
        if not self.head <= head <= self._last:
            raise UnknownMessage(
                f"a rehearsal of thread {self._thread.id!r} goes from #{self.head} to #{self._last}, "
                f"not to #{head}"
            )
        self.head = head

    def ask(self, question: str | Message) -> Window:
        """Return the window that a question would get now; the rehearsal goes on as if it was not asked."""
        return self._window(Message.user(question) if isinstance(question, str) else question)

    def _window(self, question: Message | None) -> Window:
        log = self._thread.log(self.head)
        return build_window(
            log,
            self._settings,
            pins=[seq for seq in self._pins if seq <= self.head],
            previous=self._previous,
            pending=None if question is None else log.counted(Entry(self.head + 1, question)),
        )
