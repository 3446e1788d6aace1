"""OpenAI's two APIs as calls that are remembered: what a body asks, and how a window goes into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from memex import BackendError, BadSetting, Event, InvalidMessage, Request, Tool, decode, freeze
from memex.wire import Asked, Written, left_out_notes, to_plain
from memex_openai.chat_events import ChatReader
from memex_openai.chat_request import window_messages
from memex_openai.faults import typed
from memex_openai.merging import grow, grow_calls
from memex_openai.presets import Address, address_at
from memex_openai.responses_events import ResponsesReader
from memex_openai.responses_request import window_input
from memex_openai.usage_of_streams import learn_refusal, usage_asked, without_usage

CHOICES: Final = "openai:choices"
_ELSEWHERE: Final = {
    "previous_response_id": "the conversation would be sent twice, by OpenAI and by the thread",
    "conversation": "the conversation would be sent twice, by OpenAI and by the thread",
    "background": "the answer would come where nothing hears it",
}


class ChatEndpoint(msgspec.Struct, frozen=True):
    """Chat Completions.

    Attributes:
        base_url: The client's address.
        keep_raw: Whether the provider's own payload is kept beside the answer.
    """

    base_url: str
    keep_raw: bool = True
    path: str = "/chat/completions"
    methods: tuple[str, ...] = ("create", "parse", "stream")

    def read(self, body: Mapping[str, Any]) -> Asked:
        """Return what a body asks."""
        return Asked(
            model=address_at(str(body["model"]), self.base_url).label,
            messages=tuple(decode({"messages": to_plain(body["messages"])}, "openai")),
            tools=tuple(
                _tool(tool) for field in ("tools", "functions") for tool in to_plain(body.get(field)) or ()
            ),
        )

    def write(self, body: Mapping[str, Any], request: Request) -> Written:
        """Return the body with the window's messages."""
        address = address_at(str(body["model"]), self.base_url)
        messages, lost = window_messages(request, address)
        asked = usage_asked(body, address)
        return Written(
            body={**body, "messages": messages, **asked},
            notes=left_out_notes("openai", lost),
            shown=without_usage if asked else None,
        )

    def learn(self, error: BackendError, body: Mapping[str, Any]) -> bool:
        """Take note of a server that does not take ``stream_options``."""
        return learn_refusal(error, address_at(str(body["model"]), self.base_url))

    def typed(self, error: BaseException, body: Mapping[str, Any]) -> BackendError | None:
        """Return the typed error for what the SDK raised."""
        return typed(address_at(str(body["model"]), self.base_url), error)

    def reader(self, body: Mapping[str, Any]) -> ChoicesReader:
        """Return what reads the answer."""
        return ChoicesReader(address_at(str(body["model"]), self.base_url), keep_raw=self.keep_raw)


class ResponsesEndpoint(msgspec.Struct, frozen=True):
    """The Responses API.

    Attributes:
        base_url: The client's address.
        keep_raw: Whether the provider's own payload is kept beside the answer.
    """

    base_url: str
    keep_raw: bool = True
    path: str = "/responses"
    methods: tuple[str, ...] = ("create", "parse", "stream")

    def read(self, body: Mapping[str, Any]) -> Asked:
        """Return what a body asks.

        Raises:
            BadSetting: If OpenAI is to keep the conversation as well.
        """
        for name, why in _ELSEWHERE.items():
            if body.get(name):
                raise BadSetting(f"openai: {name!r} cannot be set for a remembered call: {why}; leave it out")
        payload = {"input": to_plain(body.get("input")) or []}
        if body.get("instructions"):
            payload["instructions"] = body["instructions"]
        return Asked(
            model=address_at(str(body["model"]), self.base_url).label,
            messages=tuple(decode(payload, "openai-responses")),
            tools=tuple(_tool(tool) for tool in to_plain(body.get("tools")) or ()),
        )

    def write(self, body: Mapping[str, Any], request: Request) -> Written:
        """Return the body with the window's items, and its system text as instructions."""
        items, lost = window_input(request, address_at(str(body["model"]), self.base_url))
        rest = {name: value for name, value in body.items() if name not in ("input", "instructions")}
        return Written(body=rest | items, notes=left_out_notes("openai", lost))

    def learn(self, error: BackendError, body: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Say that nothing is added that could be refused: a response tells its usage unasked."""
        return False

    def typed(self, error: BaseException, body: Mapping[str, Any]) -> BackendError | None:
        """Return the typed error for what the SDK raised."""
        return typed(address_at(str(body["model"]), self.base_url), error)

    def reader(self, body: Mapping[str, Any]) -> WholeOrEvents:
        """Return what reads the answer."""
        return WholeOrEvents(address_at(str(body["model"]), self.base_url), keep_raw=self.keep_raw)


class ChoicesReader:
    """Reads an answer of several choices: the first is the answer, the others are kept beside it.

    Args:
        address: Who answers.
        keep_raw: Whether the provider's own payload is kept.
    """

    def __init__(self, address: Address, *, keep_raw: bool) -> None:
        self._first = ChatReader(address, keep_raw=keep_raw)
        self._others: dict[int, dict[str, Any]] = {}

    def feed(self, wire: object) -> Iterator[Event]:
        """Read a chunk, or a whole completion."""
        choices = wire.get("choices") if isinstance(wire, Mapping) else None
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and isinstance(choice.get("index"), int) and choice["index"] > 0:
                self._add(choice)
        yield from self._first.feed(wire)

    def end(self) -> Iterator[Event]:
        """Yield the end of the first choice, with a note on the others."""
        for event in self._first.end():
            noted = event.kind == "finish" and self._others
            yield msgspec.structs.replace(event, extra={**event.extra, **self._noted()}) if noted else event

    def _add(self, choice: Mapping[str, Any]) -> None:
        told = self._others.setdefault(choice["index"], {"index": choice["index"], "message": {}})
        message = told["message"]
        said = {**(choice.get("delta") or choice.get("message") or {})}
        grow_calls(message.setdefault("tool_calls", []), said.pop("tool_calls", None) or ())
        grow(message, said)
        grow(told, {key: value for key, value in choice.items() if key not in ("index", "delta", "message")})

    def _noted(self) -> dict[str, Any]:
        choices = [self._others[index] for index in sorted(self._others)]
        for choice in choices:
            if not choice["message"].get("tool_calls"):
                choice["message"].pop("tool_calls", None)
        try:
            return {CHOICES: freeze(choices)}
        except InvalidMessage:  # log probabilities of minus infinity are no JSON
            return {
                CHOICES: freeze(
                    [{k: c.get(k) for k in ("index", "message", "finish_reason")} for c in choices]
                )
            }


class WholeOrEvents(ResponsesReader):
    """Reads a response: its events, or the whole of it as one object."""

    def feed(self, event: object) -> Iterator[Event]:
        """Read an event, or a whole response."""
        if isinstance(event, Mapping) and event.get("object") == "response":
            yield from self.feed_whole(event)
        else:
            yield from super().feed(event)


def _tool(tool: Any) -> Tool:
    """Return a tool of the caller's, for its tokens; one that the provider runs has its settings."""
    told = next((tool[key] for key in ("function", "custom") if isinstance(tool.get(key), Mapping)), tool)
    name, description = told.get("name") or tool.get("type"), told.get("description")
    parameters = told.get("parameters")
    if not isinstance(parameters, Mapping):
        parameters = {key: value for key, value in told.items() if key not in ("name", "description", "type")}
    return Tool(name=str(name), description=description or "", parameters=parameters)
