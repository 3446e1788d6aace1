"""Counts with Cohere's own tokenizer, by its endpoint, which costs a call for each text it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from memex import BadSetting, Event, Message, ScriptCounter, Text, Tool, Usage
from memex.wire import Attempt, KeptCounts, wire_settings
from memex_cohere.clients import ADDRESS, connection, options
from memex_cohere.faults import PROVIDER, error_in_body

_LONGEST: Final = 60_000  # the endpoint takes 65,536 characters


class CohereCounter:
    """Counts what messages cost a Command model, with the tokenizer behind Cohere's endpoint.

    The endpoint counts bare texts. Framing, tool calls, images and tool definitions are counted by
    the host's built-in counter, from above. Every count is kept by a digest of its text, for the life of
    this object; the host keeps the counts of stored messages. Thread-safe.

    Args:
        model: Name of the model.
        **wire: The settings of every backend over a wire; see :class:`memex.wire.WireSettings`.

    Attributes:
        name: ``"cohere:MODEL"``.
        exact: False: the texts are counted exactly, what is around them from above.
        error: That of the built-in counter, for what it counts.

    Raises:
        BadSetting: If a setting is unknown or of the wrong type.
    """

    exact = False

    def __init__(self, model: str, **wire: Any) -> None:
        if not model:
            raise BadSetting(
                f"{PROVIDER}: count for which model? Write its name, as in {PROVIDER}:command-a-03-2025"
            )
        self.name = f"{PROVIDER}:{model}"
        self._model = model
        self._connection = connection(model, wire_settings(PROVIDER, wire, url_environment=ADDRESS))
        self._around = ScriptCounter()
        self.error = self._around.error
        self._kept = KeptCounts()

    def __repr__(self) -> str:
        """Name what it is for."""
        return f"CohereCounter({self._model!r})"

    def count_text(self, text: str) -> int:
        """Return the tokens of a bare text."""
        pieces = (text[at : at + _LONGEST] for at in range(0, len(text), _LONGEST))
        return sum(self._count(piece) for piece in pieces)

    def count_message(self, message: Message) -> int:
        """Return the tokens of a message with its framing."""
        said = [part for part in message.parts if isinstance(part, Text)]
        rest = [msgspec.structs.replace(p, text="") if isinstance(p, Text) else p for p in message.parts]
        return self._around.count_message(message.replace(parts=rest)) + sum(
            self.count_text(part.text) for part in said
        )

    def count_tools(self, tools: Sequence[Tool]) -> int:
        """Return the tokens of tool definitions; none cost nothing."""
        return self._around.count_tools(tools)

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        self._connection.close()

    def _count(self, text: str) -> int:
        def ask() -> int:
            events = self._connection.caller().stream(partial(self._call, text), whole=True)
            return next(event.usage.input_tokens for event in events if event.usage is not None)

        return self._kept.count(text, ask)

    def _call(self, text: str, attempt: Attempt) -> Iterator[Event]:
        # Not the client's own tokenize(): that one would first download a tokenizer.
        raw: Any = (
            self._connection.clients.blocking().with_raw_response
        )  # both versions of the API, typed as the newer
        answer = raw.tokenize(
            text=text.encode("utf-8", "replace").decode(),
            model=self._model,
            request_options=options(attempt.timeouts),
        )
        body = answer.response.json()
        tokens = body.get("tokens") if isinstance(body, Mapping) else None
        if not isinstance(tokens, list):
            raise error_in_body(body, model=self._model, headers=dict(answer.response.headers))
        yield Event(kind="finish", finish="stop", usage=Usage(input_tokens=len(tokens)))
