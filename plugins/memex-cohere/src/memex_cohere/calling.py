"""One call: the request, made once for each try, and the reading of what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from memex import Capabilities, Event, Request
from memex.wire import Attempt, Clients, is_event_stream, left_out_notes, noted, tokens_of
from memex_cohere.clients import options
from memex_cohere.events import Reading
from memex_cohere.faults import PROVIDER, error_in_body
from memex_cohere.requesting import Asked, build
from memex_cohere.sse import ServerSentEvents

if TYPE_CHECKING:
    import cohere


class Calling:
    """Makes the calls for one request.

    Args:
        request: What is asked.
        clients: The SDK.
        model: Whom.
        capabilities: What it can take.
        keep_raw: Whether the provider's own response is kept beside the answer.
    """

    def __init__(
        self,
        request: Request,
        *,
        clients: Clients[cohere.ClientV2, cohere.AsyncClientV2],
        model: str,
        capabilities: Capabilities,
        keep_raw: bool,
    ) -> None:
        self._request = request
        self._clients = clients
        self._model = model
        self._capabilities = capabilities
        self._keep_raw = keep_raw
        self._asked: Asked | None = None

    @property
    def settings(self) -> frozenset[str]:
        """The names of what the call sends and could do without."""
        return frozenset({*self._request.settings, *(["schema"] if self._request.schema is not None else [])})

    def tokens(self) -> int:
        """Return about how many tokens the call costs, for the limits."""
        return tokens_of(self._request, int(self._ask({}).params["max_tokens"]))

    def stream(self, attempt: Attempt) -> Iterator[Event]:
        """Make a streamed call."""
        asked = self._ask(attempt.dropped)
        chat = self._clients.blocking().with_raw_response.chat_stream
        reading, events = self._reading(), ServerSentEvents()
        with chat(**asked.params, request_options=options(attempt.timeouts, asked.body)) as answer:
            response = answer.response
            attempt.closes(response.close)
            attempt.got(response.headers)
            if not is_event_stream(response.headers):
                response.read()
                raise self._no_answer(response)
            finish: list[Event] = []
            pieces = response.iter_bytes()
            for piece in pieces:
                attempt.alive()
                for raw in events.feed(piece):
                    for event in reading.feed(self._checked(raw, response)):
                        if event.kind == "finish":
                            finish = [event]
                        else:
                            yield event
                if finish:
                    attempt.read_rest(pieces)
                    break
            yield from noted(finish, left_out_notes(PROVIDER, asked.left_out))

    def whole(self, attempt: Attempt) -> Iterator[Event]:
        """Make a call whose answer comes at once."""
        asked = self._ask(attempt.dropped)
        chat = self._clients.blocking().with_raw_response.chat
        answer = chat(**asked.params, request_options=options(attempt.timeouts, asked.body))
        attempt.got(answer.response.headers)
        yield from noted(self._read(answer.response), left_out_notes(PROVIDER, asked.left_out))

    async def astream(self, attempt: Attempt) -> AsyncIterator[Event]:
        """Make a streamed call on an event loop."""
        asked = self._ask(attempt.dropped)
        chat = (await self._clients.on_this_loop()).with_raw_response.chat_stream
        reading, events = self._reading(), ServerSentEvents()
        async with chat(**asked.params, request_options=options(attempt.timeouts, asked.body)) as answer:
            response = answer.response
            attempt.closes(response.aclose)
            attempt.got(response.headers)
            if not is_event_stream(response.headers):
                await response.aread()
                raise self._no_answer(response)
            finish: list[Event] = []
            pieces = response.aiter_bytes()
            async for piece in pieces:
                attempt.alive()
                for raw in events.feed(piece):
                    for event in reading.feed(self._checked(raw, response)):
                        if event.kind == "finish":
                            finish = [event]
                        else:
                            yield event
                if finish:
                    await attempt.aread_rest(pieces)
                    break
            for event in noted(finish, left_out_notes(PROVIDER, asked.left_out)):
                yield event

    async def awhole(self, attempt: Attempt) -> AsyncIterator[Event]:
        """Make a call on an event loop whose answer comes at once."""
        asked = self._ask(attempt.dropped)
        chat = (await self._clients.on_this_loop()).with_raw_response.chat
        answer = await chat(**asked.params, request_options=options(attempt.timeouts, asked.body))
        attempt.got(answer.response.headers)
        for event in noted(self._read(answer.response), left_out_notes(PROVIDER, asked.left_out)):
            yield event

    def _ask(self, dropped: Mapping[str, str]) -> Asked:
        if self._asked is None or dropped:
            self._asked = build(
                self._request, model=self._model, capabilities=self._capabilities, dropped=dropped
            )
        return self._asked

    def _reading(self) -> Reading:
        return Reading(self._model, keep_raw=self._keep_raw)

    def _checked(self, event: Mapping[str, Any], response: Any) -> Mapping[str, Any]:
        if "type" not in event and ("message" in event or "error" in event):
            raise error_in_body(event, model=self._model, headers=dict(response.headers))
        return event

    def _read(self, response: Any) -> Iterator[Event]:
        body = response.json()
        if not isinstance(body, Mapping) or not isinstance(body.get("message"), Mapping):
            raise error_in_body(body, model=self._model, headers=dict(response.headers))
        return self._reading().whole(body)

    def _no_answer(self, response: Any) -> Exception:
        try:
            body = response.json()
        except ValueError:
            body = response.text
        return error_in_body(body, model=self._model, headers=dict(response.headers))
