"""Anthropic's Messages as a call that is remembered: what a body asks, and how a window goes into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from memex import BackendError, Event, Request, Tool, Truncated, decode
from memex.wire import Asked, Written, to_plain
from memex_anthropic.caching import MOST
from memex_anthropic.calling import notes_of
from memex_anthropic.events import Reading
from memex_anthropic.faults import error_in_body, translate
from memex_anthropic.requesting import PROVIDER, window_params


class MessagesEndpoint(msgspec.Struct, frozen=True):
    """The Messages API.

    Attributes:
        keep_raw: Whether the provider's own message is kept beside the answer.
    """

    keep_raw: bool = True
    path: str = "/v1/messages"
    methods: tuple[str, ...] = ("create", "parse", "stream")

    def read(self, body: Mapping[str, Any]) -> Asked:
        """Return what a body asks."""
        told = to_plain(
            {name: body.get(name) for name in ("model", "messages", "system", "tools") if name in body}
        )
        payload = {name: told[name] for name in ("system", "messages") if told.get(name) is not None}
        return Asked(
            model=str(told["model"]),
            messages=tuple(decode(payload, PROVIDER)),
            tools=tuple(_tool(tool) for tool in told.get("tools") or ()),
        )

    def write(self, body: Mapping[str, Any], request: Request) -> Written:
        """Return the body with the window's system text and messages."""
        rest = {name: value for name, value in body.items() if name not in ("system", "messages")}
        told = to_plain({name: rest.get(name) for name in ("model", "tools", "cache_control")})
        tools = told.get("tools") or []
        elsewhere = bool(told.get("cache_control")) + sum("cache_control" in tool for tool in tools)
        asked = window_params(request, tools, model=told["model"], breakpoints=MOST - elsewhere)
        return Written(body=rest | asked.params, notes=notes_of(asked))

    def learn(self, error: BackendError, body: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Say that nothing is added that could be refused."""
        return False

    def typed(self, error: BaseException, body: Mapping[str, Any]) -> BackendError | None:
        """Return the typed error for what the SDK raised."""
        return translate(error, model=str(body["model"]))

    def reader(self, body: Mapping[str, Any]) -> MessageReader:
        """Return what reads the answer."""
        return MessageReader(str(body["model"]), keep_raw=self.keep_raw)


class MessageReader:
    """Reads a message: the events of its stream, or the whole of it as one object.

    Args:
        model: Who answers.
        keep_raw: Whether the provider's own message is kept.
    """

    def __init__(self, model: str, *, keep_raw: bool) -> None:
        self._model = model
        self._reading = Reading(model, keep_raw=keep_raw)
        self._finished = False

    def feed(self, wire: Any) -> Iterator[Event]:
        """Read an event, or a whole message.

        Raises:
            BackendError: If it is none, or reports an error.
        """
        if not isinstance(wire, Mapping):
            raise BackendError(f"{PROVIDER}:{self._model} sent {type(wire).__name__} where an event belongs")
        if wire.get("type") == "error":
            raise error_in_body(wire, model=self._model, headers={})
        events = self._reading.whole(wire) if wire.get("type") == "message" else self._reading.feed(wire)
        yield from self._watched(events)

    def end(self) -> Iterator[Event]:
        """Yield the finish where it has not been told yet.

        Raises:
            Truncated: If the answer is not whole.
        """
        yield from self._watched(self._reading.close())
        if not self._finished:
            raise Truncated(f"the answer of {PROVIDER}:{self._model} ended before its stop reason")

    def _watched(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self._finished = self._finished or event.kind == "finish"
            yield event


def _tool(tool: Mapping[str, Any]) -> Tool:
    """Return a tool of the caller's, for its tokens; one that Anthropic runs has its settings."""
    schema = tool.get("input_schema")
    if not isinstance(schema, Mapping):
        schema = {name: value for name, value in tool.items() if name not in ("name", "type", "description")}
    name = tool.get("name") or tool.get("type")
    return Tool(name=str(name), description=tool.get("description") or "", parameters=schema)
