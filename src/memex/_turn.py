"""One turn, without a model in it: what is said, the calls of the model, and the tools run between them.

The blocking and the asynchronous thread drive the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from memex._backend import AnyTool, Backend, Event, Tool
from memex._entry import Entry
from memex._errors import (
    BadSetting,
    CannotResume,
    ConfigError,
    InvalidMessage,
    MemexError,
    TooManyRounds,
    UnknownThread,
)
from memex._frozen import FrozenDict, freeze
from memex._message import Message
from memex._model_call import ModelCall
from memex._output import Output
from memex._parts import ToolCall
from memex._reply import Reply
from memex._tool_calls import ToolCalls
from memex._unfinished import Unfinished, unfinished

if TYPE_CHECKING:
    from memex._thread import Thread


class Turn:
    """A turn of a thread: begin, then call the model until it calls no more functions.

    Args:
        thread: The thread.
        backend: The model.
        said: What the user says, not stored yet; None to go on with the turn that is unfinished.
        tools: What the model may call.
        rounds: How many times functions are run before the turn stops.
        output: What the answer has to be: a JSON schema or a type.
        settings: The provider's own settings for each call.

    Raises:
        BadSetting: If a setting is no JSON value, or a tool is none.
        ConfigError: If the backend is none.
    """

    def __init__(
        self,
        thread: Thread,
        backend: Backend,
        said: Sequence[Message] | None,
        *,
        tools: Iterable[AnyTool],
        rounds: int,
        output: object = None,
        settings: Mapping[str, Any],
    ) -> None:
        self.backend = backend
        self._thread = thread
        self._said = said
        self._tools, self._functions = _tools(tools)
        self._callers = {tool.name for tool in self._tools} - self._functions.keys()
        self._rounds = self._left = _checked_rounds(rounds)
        self._settings = _frozen_settings(settings)
        self._output = _output(output)
        self._stored: tuple[Entry, ...] = ()
        self._asked: str | None = None
        self._replies: list[Reply] = []
        lacking = [name for name in ("name", "model", "stream") if not hasattr(backend, name)]
        if lacking:
            raise ConfigError(f"the backend {type(backend).__name__} has no {lacking[0]!r}")

    def begin(self) -> ToolCalls | None:
        """Store what is said, and return the calls that are run before the model is called.

        What is said again word for word while it has no whole answer is the same turn: it stands
        once, and goes on where it stopped.

        Raises:
            CannotResume: If nothing new is said and no turn is unfinished, or it waits for results of
                tools that have no function here.
        """
        thread = self._thread
        if self._said is None:
            found = unfinished(thread.entries(reverse=True))
            if found is None:
                raise CannotResume(f"thread {thread.id!r} has no unfinished turn; say something with send()")
            if alone := [call for call in found.waiting if call.name not in self._functions]:
                raise CannotResume(_waits_for(alone), calls=found.waiting)
            return self._go_on(found)
        said = thread.filtered(self._said)
        found = self._begun(said) if said else None
        if found is not None and all(call.name in self._functions for call in found.waiting):
            return self._go_on(found)
        self._stored = thread.keep(said)
        self._asked = next((e.message.id for e in reversed(self._stored) if e.message.role == "user"), None)
        return None

    def _begun(self, said: Sequence[Message]) -> Unfinished | None:
        try:
            return unfinished(self._thread.entries(reverse=True), said)
        except UnknownThread:  # forgotten since; storing opens it again
            return None

    def _go_on(self, found: Unfinished) -> ToolCalls | None:
        self._stored, self._asked = found.said, found.asked
        if not found.waiting:
            return None
        self._left -= 1
        return ToolCalls(found.waiting, self._functions)

    def call(self) -> ModelCall:
        """Return the next call of the model."""
        return ModelCall(
            self._thread,
            self.backend,
            tools=self._tools,
            settings=self._settings,
            output=self._output,
            stored=self._stored,
            asked=self._asked,
        )

    def after(self, reply: Reply) -> ToolCalls | None:
        """Return the calls to run after an answer; None when the turn is over.

        A call of a tool without a function is the caller's to run, and so are those beside it.

        Raises:
            TooManyRounds: If there were as many rounds as are allowed.
        """
        self._replies.append(reply)
        calls = reply.tool_calls
        if not calls or not self._functions or reply.message.status != "complete":
            return None
        if {call.name for call in calls} & self._callers:
            return None
        if not self._left:
            raise TooManyRounds(
                f"the model still wants tools called after {self._rounds} rounds; everything is stored, and "
                "thread.resume(tools=...) goes on",
                reply=self.reply(),
                rounds=self._rounds,
            )
        self._left -= 1
        return ToolCalls(calls, self._functions)

    def keep(self, calls: ToolCalls) -> list[Event]:
        """Store the results of an answer's calls, all together, and return the events that tell of them."""
        message = calls.message
        if message is None:
            return []
        kept = self._thread.store_reply(message).message
        return [Event(kind="tool_result", tool_result=result) for result in kept.tool_results]

    def interrupted(self, calls: ToolCalls, error: BaseException) -> None:
        """Store the results that there are; what goes wrong here must not hide the interruption."""
        try:
            self.keep(calls)
        except MemexError as second:
            error.add_note(f"the results of the tools that ended could not be stored: {second}")

    def reply(self) -> Reply:
        """Return the last reply of the turn, which knows the ones before it."""
        return msgspec.structs.replace(self._replies[-1], earlier=tuple(self._replies[:-1]))


def _tools(given: Iterable[AnyTool]) -> tuple[tuple[Tool, ...], dict[str, Callable[..., Any]]]:
    """Return the tools as the model is told of them, and what runs those that have a function."""
    if not given:
        return (), {}
    from memex._functions import described, offered

    tools = offered(given)
    return described(tools), {tool.name: tool.function for tool in tools if tool.function is not None}


def _waits_for(calls: Sequence[ToolCall]) -> str:
    names = ", ".join(f"{call.name} ({call.id})" for call in calls)
    return (
        f"the turn waits for results of tools: {names}; pass their functions as tools=[...], or send "
        "the results as tool messages"
    )


def _output(given: object) -> Output | None:
    if given is None:
        return None
    from memex._output import output_of

    return output_of(given)


def _checked_rounds(rounds: object) -> int:
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise BadSetting(f"rounds: {rounds!r} is not a number of at least 1")
    return rounds


def _frozen_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of a call, refused before anything is stored where they cannot be sent."""
    frozen = {}
    for name, value in settings.items():
        try:
            frozen[name] = freeze(value)
        except InvalidMessage as error:
            raise BadSetting(f"{name}: the settings of a call are JSON values; {error}") from error
    return FrozenDict(frozen)
