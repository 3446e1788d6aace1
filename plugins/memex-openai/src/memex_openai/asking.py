"""One call of the SDK, and its answer as events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from memex import BackendError, Event, Truncated
from memex.wire import Attempt, Clients, left_out_notes, noted
from memex_openai.chat_events import ChatReader
from memex_openai.presets import Address
from memex_openai.requesting import Prepared
from memex_openai.responses_events import ResponsesReader

if TYPE_CHECKING:
    import httpx2
    import openai


class Ask(msgspec.Struct, frozen=True):
    """What one try asks, and of whom.

    Attributes:
        address: Of whom.
        api: By which API.
        prepared: The request.
        stream: Whether the answer is to come in pieces.
        keep_raw: Whether the finish brings the provider's own payload.
    """

    address: Address
    api: Literal["chat", "responses"]
    prepared: Prepared
    stream: bool
    keep_raw: bool

    def reader(self) -> ChatReader | ResponsesReader:
        """Return what reads the answer."""
        kind = ChatReader if self.api == "chat" else ResponsesReader
        return kind(self.address, keep_raw=self.keep_raw)

    def resource(self, client: Any) -> Any:
        """Return the SDK's resource to call."""
        return client.chat.completions if self.api == "chat" else client.responses

    def arguments(self, attempt: Attempt) -> dict[str, Any]:
        """Return the arguments of the SDK's call.

        Nearly all of the body goes in whole: what is given by name is walked through against the SDK's
        types, which takes 57 ms for 400 messages (`benchmarks/overhead.py`), and comes out as it went in.
        """
        import httpx2

        body = dict(self.prepared.body)
        named: dict[str, Any] = {name: body.pop(name) for name in ("model", "stream") if name in body}
        if self.api == "chat":
            named["messages"] = []  # required by name; that of the body takes its place
        read = attempt.timeouts.read
        return {
            **named,
            "extra_body": body,
            "extra_headers": dict(self.prepared.headers) or None,
            "timeout": httpx2.Timeout(read, connect=attempt.timeouts.connect),
        }


def answer(
    ask: Ask, clients: Clients[openai.OpenAI, openai.AsyncOpenAI], attempt: Attempt
) -> Iterator[Event]:
    """Make one call and yield its events."""
    reader = ask.reader()
    resource = ask.resource(clients.blocking())
    arguments = ask.arguments(attempt)
    if not ask.stream:
        response = resource.with_raw_response.create(**arguments)
        attempt.got(response.http_response.headers)
        yield from _whole(reader, ask, response.http_response)
        return
    stream = resource.create(**arguments)
    attempt.closes(stream.close)
    attempt.got(stream.response.headers)
    _hear(stream, attempt)
    if not _is_stream(stream.response):
        stream.response.read()
        yield from _whole(reader, ask, stream.response)
        return
    for chunk in stream:
        yield from _fed(reader, chunk)
        if reader.over:
            attempt.read_rest(stream)
            break
    yield from _end(reader, ask)


async def aanswer(
    ask: Ask, clients: Clients[openai.OpenAI, openai.AsyncOpenAI], attempt: Attempt
) -> AsyncIterator[Event]:
    """Make one call on the event loop and yield its events."""
    reader = ask.reader()
    resource = ask.resource(await clients.on_this_loop())
    arguments = ask.arguments(attempt)
    if not ask.stream:
        response = await resource.with_raw_response.create(**arguments)
        attempt.got(response.http_response.headers)
        for event in _whole(reader, ask, response.http_response):
            yield event
        return
    stream = await resource.create(**arguments)
    attempt.closes(stream.close)
    attempt.got(stream.response.headers)
    _hear(stream, attempt)
    if not _is_stream(stream.response):
        await stream.response.aread()
        for event in _whole(reader, ask, stream.response):
            yield event
        return
    async for chunk in stream:
        for event in _fed(reader, chunk):
            yield event
        if reader.over:
            await attempt.aread_rest(stream)
            break
    for event in _end(reader, ask):
        yield event


def _hear(stream: Any, attempt: Attempt) -> None:
    from memex_openai.signs_of_life import hear

    hear(stream.response, attempt)


def _fed(reader: ChatReader | ResponsesReader, chunk: Any) -> Iterator[Event]:
    return reader.feed(chunk.to_dict(warnings=False) if hasattr(chunk, "to_dict") else chunk)


def _whole(reader: ChatReader | ResponsesReader, ask: Ask, response: httpx2.Response) -> Iterator[Event]:
    """Yield the events of an answer that came in one piece, asked for or not."""
    who = f"openai ({ask.address.label})"
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError as error:
        kind = response.headers.get("content-type", "")
        if "json" in kind:
            raise Truncated(f"{who} sent an answer that is no JSON: {error}") from error
        raise BackendError(
            f"{who}: {ask.address.base_url} answered with {kind or 'no content type'}, not with JSON; "
            "check base_url"
        ) from error
    yield from reader.feed_whole(body)
    yield from _end(reader, ask)


def _end(reader: ChatReader | ResponsesReader, ask: Ask) -> Iterator[Event]:
    return noted(reader.end(), left_out_notes("openai", ask.prepared.left_out))


def _is_stream(response: httpx2.Response) -> bool:
    kind = str(response.headers.get("content-type", ""))
    return "json" not in kind and "html" not in kind
