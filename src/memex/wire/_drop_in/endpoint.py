"""What a plugin says about one call of its SDK, so that it can be remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from memex._backend import Event, Request, Tool
from memex._errors import BackendError
from memex._frozen import EMPTY
from memex._message import Message


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the body of a call says, in memex's words.

    Attributes:
        model: The model.
        messages: What the caller sends: all of the conversation, or only what is new.
        tools: What the model may call, for their tokens.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A body that is ready to be sent.

    Attributes:
        body: The body.
        notes: What is stored with the answer about how it was asked for.
        shown: What the caller sees of an event of the stream, given its bytes and its JSON value, where
            something was asked for that the caller did not ask for; empty for an event that is hidden.
            None: every event as it comes.
    """

    body: Mapping[str, Any]
    notes: Mapping[str, Any] = EMPTY
    shown: Callable[[bytes, Any], bytes] | None = None


class AnswerReader(Protocol):
    """Reads one answer: each JSON object of its stream, or the whole of it as one object."""

    def feed(self, wire: Any) -> Iterator[Event]:
        """Yield what an object says. Errors are :class:`~memex.BackendError` only."""

    def end(self) -> Iterator[Event]:
        """Yield what is known now that nothing more comes.

        Raises:
            Truncated: If the answer is not whole.
        """


class Endpoint(Protocol):
    """A call of an SDK that is remembered.

    Attributes:
        path: Where the SDK posts it, as in ``client.post("/chat/completions", ...)``.
        methods: Methods of the SDK's resource that post there.
    """

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Its methods."""

    def read(self, body: Mapping[str, Any]) -> Asked:
        """Return what a body asks.

        Raises:
            InvalidMessage: If its messages cannot be read.
            BadSetting: If it has a setting that cannot be remembered with.
        """

    def write(self, body: Mapping[str, Any], request: Request) -> Written:
        """Return the body with the window in the place of the caller's messages, all else as it was."""

    def learn(self, error: BackendError, body: Mapping[str, Any]) -> bool:
        """Take note that the server refuses what :meth:`write` adds to a caller's body, if it says so.

        Returns:
            Whether it does, so that a body that is written now lacks it.
        """

    def typed(self, error: BaseException, body: Mapping[str, Any]) -> BackendError | None:
        """Return the typed error for what the SDK raised; None for what is not the SDK's."""

    def reader(self, body: Mapping[str, Any]) -> AnswerReader:
        """Return what reads the answer to a body."""
