"""From events to the parts of one message. No input or output happens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from memex._backend import Event, FinishReason
from memex._parts import Part, Reasoning, Text, ToolCall
from memex._usage import Usage

_KINDS: Final[dict[str, Any]] = {
    "text": str,
    "reasoning": str,
    "part": Part | None,
    "tool_call": ToolCall | None,
    "usage": Usage | None,
    "finish": str | None,
    "response_id": str | None,
    "model": str | None,
    "extra": Mapping,
    "tool_result": None,  # the host's own word, never a backend's
}


class Assembly:
    """Collects the events of one answer.

    Attributes:
        usage: The last usage reported.
        finish: Why the model stopped; None until the terminal event came.
        error: What the backend reported after the start, empty if nothing.
        response_id: The provider's id of the response.
        model: The model that answered, as the provider names it.
        extra: The backend's own notes, to be stored with the answer.
    """

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.error = ""
        self.response_id: str | None = None
        self.model: str | None = None
        self.extra: dict[str, Any] = {}
        self._parts: list[Part] = []
        self._running: list[str] = []
        self._running_kind = ""

    def feed(self, event: Event) -> None:
        """Take the next event."""
        self.extra.update(event.extra)
        match event.kind:
            case "start":
                self.response_id = event.response_id or self.response_id
                self.model = event.model or self.model
            case "text":
                self._run("text", event.text)
            case "reasoning":
                self._run("reasoning", event.reasoning)
            case "part" if event.part is not None:
                self._whole(event.part)
            case "tool_call" if event.tool_call is not None:
                self._whole(event.tool_call)
            case "usage":
                self.usage = event.usage
            case "finish":
                self.finish = event.finish
                self.usage = event.usage or self.usage
            case "error":
                self.error = event.error

    @property
    def parts(self) -> tuple[Part, ...]:
        """What came so far."""
        return (*self._parts, *self._running_part())

    def _run(self, kind: str, text: str) -> None:
        if kind != self._running_kind:
            self._flush()
            self._running_kind = kind
        self._running.append(text)

    def _whole(self, part: Part) -> None:
        # A thought is streamed in words and then sent whole with its signature: the whole counts. So it
        # is with a text that has more to it than its words.
        thought = isinstance(part, Reasoning) and self._running_kind == "reasoning"
        text = isinstance(part, Text) and self._running_kind == "text" and part.text == "".join(self._running)
        if thought or text:
            self._running, self._running_kind = [], ""
        self._flush()
        self._parts.append(part)

    def _flush(self) -> None:
        self._parts.extend(self._running_part())
        self._running, self._running_kind = [], ""

    def _running_part(self) -> tuple[Part, ...]:
        text = "".join(self._running)
        if not text:
            return ()
        return (Text(text) if self._running_kind == "text" else Reasoning(text),)


def wrong_field(event: Event) -> str:
    """Return the field of an event that could not become part of a message, empty if none.

    A backend is a stranger's, and event objects are not checked when they are made.
    """
    for name, kind in _KINDS.items():
        if not isinstance(getattr(event, name), kind or type(None)):
            return name
    return ""
