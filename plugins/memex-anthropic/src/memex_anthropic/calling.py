"""One call: the request, made once for each try, and the reading of what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from memex import BackendError, Capabilities, Event, Request, Truncated
from memex.wire import Attempt, Clients, is_event_stream, left_out_notes, noted, tokens_of
from memex_anthropic.binding import PREFIX
from memex_anthropic.caching import Lifetime
from memex_anthropic.clients import timeout
from memex_anthropic.events import Reading
from memex_anthropic.faults import error_in_body
from memex_anthropic.requesting import PROVIDER, Asked, build, implied

if TYPE_CHECKING:
    import anthropic


class Calling:
    """Makes the calls for one request.

    Args:
        request: What is asked.
        clients: The SDK.
        model: Whom.
        capabilities: What it can take.
        cache: How long the prompt cache keeps what is written.
        diagnostics: Whether to ask why the cache did not serve more.
        thinking_room: Tokens to allow for thoughts on top of the answer's.
        keep_raw: Whether the provider's own message is kept beside the answer.
    """

    def __init__(
        self,
        request: Request,
        *,
        clients: Clients[anthropic.Anthropic, anthropic.AsyncAnthropic],
        model: str,
        capabilities: Capabilities,
        cache: Lifetime = "5m",
        diagnostics: bool = True,
        thinking_room: int = 0,
        keep_raw: bool = True,
    ) -> None:
        self._request = request
        self._clients = clients
        self._model = model
        self._capabilities = capabilities
        self._how: dict[str, Any] = {
            "lifetime": cache, "diagnostics": diagnostics, "thinking_room": thinking_room
        }  # fmt: skip
        self._keep_raw = keep_raw
        self._asked: Asked | None = None

    @property
    def settings(self) -> frozenset[str]:
        """The names of what the call sends and could do without."""
        return frozenset({*self._request.settings, "cache_control", "diagnostics", *implied(self._request)})

    @property
    def most(self) -> int:
        """Most tokens that the answer may have."""
        return int(self._ask({}).params["max_tokens"])

    def tokens(self) -> int:
        """Return about how many tokens the call costs, for the limits."""
        return tokens_of(self._request, self.most)

    def stream(self, attempt: Attempt) -> Iterator[Event]:
        """Make a streamed call, and another one for each time that the answer pauses."""
        asked, reading = self._ask(attempt.dropped), self._reading()
        params = asked.params
        while True:
            yield from noted(self._streamed(params, reading, attempt), notes_of(asked))
            if not reading.paused:
                return
            params = reading.continued(asked.params)

    def whole(self, attempt: Attempt) -> Iterator[Event]:
        """Make a call whose answer comes at once, and another one for each time that it pauses."""
        asked, reading = self._ask(attempt.dropped), self._reading()
        params = asked.params
        create = self._clients.blocking().messages.with_streaming_response.create
        while True:
            with create(**params, timeout=timeout(attempt.timeouts)) as response:
                attempt.closes(response.close)
                attempt.got(response.headers)
                response.read()
                yield from noted(reading.whole(self._body(response.http_response)), notes_of(asked))
            if not reading.paused:
                return
            params = reading.continued(asked.params)

    async def astream(self, attempt: Attempt) -> AsyncIterator[Event]:
        """Do what :meth:`stream` does on an event loop."""
        asked, reading = self._ask(attempt.dropped), self._reading()
        params = asked.params
        while True:
            async for event in self._astreamed(params, reading, attempt):
                for told in noted([event], notes_of(asked)):
                    yield told
            if not reading.paused:
                return
            params = reading.continued(asked.params)

    async def awhole(self, attempt: Attempt) -> AsyncIterator[Event]:
        """Do what :meth:`whole` does on an event loop."""
        asked, reading = self._ask(attempt.dropped), self._reading()
        params = asked.params
        create = (await self._clients.on_this_loop()).messages.with_streaming_response.create
        while True:
            async with create(**params, timeout=timeout(attempt.timeouts)) as response:
                attempt.closes(response.close)
                attempt.got(response.headers)
                await response.read()
                for event in noted(reading.whole(self._body(response.http_response)), notes_of(asked)):
                    yield event
            if not reading.paused:
                return
            params = reading.continued(asked.params)

    def _streamed(self, params: dict[str, Any], reading: Reading, attempt: Attempt) -> Iterator[Event]:
        create = self._clients.blocking().messages.create
        stream = create(**params, stream=True, timeout=timeout(attempt.timeouts))
        attempt.closes(stream.close)
        response = stream.response
        attempt.got(response.headers)
        if not is_event_stream(response.headers):
            response.read()
            raise self._not_a_stream(response)
        finish: list[Event] = []
        # The SDK's own iterator hides pings, which are signs of life, and loses unknown fields.
        pieces = stream.raw_events(response)
        for sse in pieces:
            attempt.alive()
            said = self._event(sse, response)
            for event in reading.feed(said):
                if event.kind == "finish":
                    finish = [event]
                else:
                    yield event
            if said.get("type") == "message_stop":
                attempt.read_rest(pieces)
                break
        yield from finish or reading.close()

    async def _astreamed(
        self, params: dict[str, Any], reading: Reading, attempt: Attempt
    ) -> AsyncIterator[Event]:
        create = (await self._clients.on_this_loop()).messages.create
        stream = await create(**params, stream=True, timeout=timeout(attempt.timeouts))
        attempt.closes(stream.close)
        response = stream.response
        attempt.got(response.headers)
        if not is_event_stream(response.headers):
            await response.aread()
            raise self._not_a_stream(response)
        finish: list[Event] = []
        # The SDK's own iterator hides pings, which are signs of life, and loses unknown fields.
        pieces = stream.raw_events(response)
        async for sse in pieces:
            attempt.alive()
            said = self._event(sse, response)
            for event in reading.feed(said):
                if event.kind == "finish":
                    finish = [event]
                else:
                    yield event
            if said.get("type") == "message_stop":
                await attempt.aread_rest(pieces)
                break
        for event in finish or reading.close():
            yield event

    def _ask(self, dropped: Mapping[str, str]) -> Asked:
        if self._asked is None or dropped:
            self._asked = build(
                self._request,
                model=self._model,
                capabilities=self._capabilities,
                dropped=dropped,
                **self._how,
            )
        return self._asked

    def _reading(self) -> Reading:
        return Reading(self._model, limit=self._capabilities.context_tokens, keep_raw=self._keep_raw)

    def _event(self, sse: Any, response: Any) -> Mapping[str, Any]:
        event = sse.json() if sse.data else {}
        if not isinstance(event, Mapping):
            raise Truncated(
                f"{PROVIDER} ({self._model}): the stream is garbled: {sse.data[:80]!r}; ask again"
            )
        if event.get("type") == "error" or sse.event == "error":
            raise error_in_body(event, model=self._model, headers=dict(response.headers))
        return event

    def _body(self, response: Any) -> Mapping[str, Any]:
        body = response.json()
        if not isinstance(body, Mapping) or body.get("type") != "message":
            raise error_in_body(body, model=self._model, headers=dict(response.headers))
        return body

    def _not_a_stream(self, response: Any) -> BackendError:
        try:
            body = response.json()
        except ValueError:
            body = None
        return error_in_body(body, model=self._model, headers=dict(response.headers))


def notes_of(asked: Asked) -> dict[str, Any]:
    """Return what is stored with the answer about how it was asked for."""
    notes = left_out_notes(PROVIDER, asked.left_out)
    return {**notes, PREFIX: asked.prefix} if asked.prefix else notes
