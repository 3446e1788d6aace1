"""From what the Responses API answers to events: whole responses and streams alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from memex import (
    BackendError,
    Event,
    FinishReason,
    InvalidMessage,
    Opaque,
    Part,
    Refusal,
    Text,
    ToolCall,
    Truncated,
    decode,
)
from memex_openai.chat_events import part_event
from memex_openai.faults import told_error
from memex_openai.presets import Address
from memex_openai.raw import kept
from memex_openai.usage import read_usage

CODEC: Final = "openai-responses"
_CUT: Final[Mapping[str, FinishReason]] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}
_ENDS: Final = ("response.completed", "response.incomplete")


class ResponsesReader:
    """Reads the events of one response, or the whole response.

    Words are handed on as they come. When an item is done, it is told whole: with the ids and
    phases that OpenAI wants back, and everything that memex has no word for.

    Args:
        address: Who answers.
        keep_raw: Whether the finish brings the provider's own payload.
    """

    def __init__(self, address: Address, *, keep_raw: bool = True) -> None:
        self._address = address
        self._keep_raw = keep_raw
        self._started = False
        self._said: dict[int, str] = {}
        self._done: set[int] = set()
        self._parts: list[Part] = []
        self._final: Mapping[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """Whether the terminal event came."""
        return self._final is not None

    @property
    def over(self) -> bool:
        """Whether nothing of the answer can follow."""
        return self.finished

    def feed(self, event: object) -> Iterator[Event]:
        """Read an event of the stream and yield what it says.

        Raises:
            BackendError: If it is none, or reports an error.
        """
        if not isinstance(event, Mapping):
            raise BackendError(f"{self._who} sent {type(event).__name__} where an event belongs")
        kind, index = event.get("type"), event.get("output_index")
        place = index if isinstance(index, int) else 0
        delta = event.get("delta")
        if kind == "response.output_text.delta" and isinstance(delta, str):
            yield from self._say(place, event.get("content_index"), delta)
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            if isinstance(delta, str) and delta:
                yield Event(kind="reasoning", reasoning=delta)
        elif kind == "response.reasoning_summary_part.added" and event.get("summary_index"):
            yield Event(kind="reasoning", reasoning="\n\n")
        elif kind == "response.output_item.done":
            yield from self._item(place, event.get("item"))
        elif kind in _ENDS:
            self._final = self._checked(event.get("response"))
            yield from self._rest()
        elif kind == "response.created":
            yield from self._start(event.get("response"))
        elif kind == "response.failed":
            self._checked(event.get("response"), failed=True)
        elif kind == "error" or (kind is None and event.get("error")):
            raise told_error(self._address, event.get("error") or event, event)

    def feed_whole(self, response: object) -> Iterator[Event]:
        """Read a response that came in one piece.

        Raises:
            BackendError: If it is none, or reports an error.
        """
        if not isinstance(response, Mapping) or not isinstance(response.get("output"), (list, tuple)):
            if isinstance(response, Mapping) and response.get("error"):
                raise told_error(self._address, response["error"], response)
            raise BackendError(f"{self._who} sent {type(response).__name__} where a response belongs")
        response = self._checked(response)
        if response.get("status") in ("completed", "incomplete", None):
            self._final = response
        yield from self._start(response)
        if self._final is not None:
            yield from self._rest()

    def end(self) -> Iterator[Event]:
        """Yield usage and finish.

        Raises:
            Truncated: If the terminal event did not come.
        """
        if self._final is None:
            raise Truncated(
                f"the answer of {self._who} ended before its terminal event; something is missing"
            )
        diagnostics = self._final.get("prompt_cache_diagnostics")
        usage = read_usage(self._final.get("usage"), diagnostics=diagnostics)
        if usage is not None:
            yield Event(kind="usage", usage=usage)
        extra = kept(self._final) if self._keep_raw else {}
        yield Event(kind="finish", finish=self._finish(self._final), extra=extra)

    @property
    def _who(self) -> str:
        return f"openai ({self._address.label})"

    def _start(self, response: Any) -> Iterator[Event]:
        if not self._started:
            self._started = True
            told = response if isinstance(response, Mapping) else {}
            yield Event(kind="start", response_id=_text(told.get("id")), model=_text(told.get("model")))

    def _say(self, place: int, block: Any, words: str) -> Iterator[Event]:
        # A second block of the same message is held back until the item is done: its words would run
        # together with the first block's, and belong to a part of their own.
        if words and block in (0, None):
            yield from self._start(None)
            self._said[place] = self._said.get(place, "") + words
            yield Event(kind="text", text=words)

    def _item(self, place: int, item: Any) -> Iterator[Event]:
        if place in self._done or not isinstance(item, Mapping):
            return
        self._done.add(place)
        yield from self._start(None)
        said = self._said.pop(place, "")
        for part in self._read(item):
            self._parts.append(part)
            if isinstance(part, Text):
                if not part.text.startswith(said):
                    said = ""
                    continue  # it is not what was said; what was said counts
                if more := part.text[len(said) :]:
                    yield Event(kind="text", text=more)
                said = ""
                if not part.text:
                    continue
            yield part_event(part)

    def _rest(self) -> Iterator[Event]:
        """Tell what the final response holds and no event has told."""
        output = (self._final or {}).get("output")
        yield from self._start(self._final)
        for place, item in enumerate(output if isinstance(output, (list, tuple)) else ()):
            yield from self._item(place, item)

    def _read(self, item: Mapping[str, Any]) -> tuple[Part, ...]:
        try:
            return tuple(part for message in decode([item], CODEC) for part in message.parts)
        except InvalidMessage:
            pass
        try:
            return (Opaque(format=CODEC, data=item),)
        except InvalidMessage as error:
            raise BackendError(f"{self._who} sent an item that memex cannot keep: {error}") from error

    def _checked(self, response: Any, *, failed: bool = False) -> Mapping[str, Any]:
        told = response if isinstance(response, Mapping) else {}
        if failed or told.get("status") in ("failed", "cancelled") or told.get("error"):
            error = told.get("error") or {"message": f"the response is {told.get('status') or 'failed'}"}
            raise told_error(self._address, error, {"error": error})
        return told

    def _finish(self, response: Mapping[str, Any]) -> FinishReason:
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, Mapping) else None
        if response.get("status") == "incomplete" or reason:
            return _CUT.get(str(reason), "other")
        if any(isinstance(part, ToolCall) for part in self._parts):
            return "tool_calls"
        return "refusal" if any(isinstance(part, Refusal) for part in self._parts) else "stop"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
